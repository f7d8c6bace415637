// Package results stores everything that a study keeps on disk: journals that cannot lose an acknowledged row, Parquet tables that
// any tool can read while the study runs, and checkpoints to continue from. Package runner writes through it, and the commands
// that show results read through it. It knows neither scripts nor engines. One directory holds one study, which any number of processes
// write at the same time, on any number of machines that share the file system:
//
//	study.json    the shape of the tables: name, script, hyperparameters with types, metrics, objectives
//	script/HASH/  the script and the files it loaded, one folder for each version that ran
//	journal/      WRITER: every row that one process wrote, one record per append; the authority
//	writers/      WRITER: a sign of life of each process that has the study open
//	claims/       TRIAL.GENERATION: who trains which trial
//	requests/     prune.TRIAL.GENERATION, stop.WRITER: what people ask of running processes
//	suggestions/  NNNNNN.json: the points of an adaptive search
//	warm/         000000.json: what it sees of other studies
//	verdicts/     NNNNNN.json: those of judges that compare trials
//	trials/       one row per finished trial        } immutable Parquet segments, zstd:
//	epochs/       one row per trial and epoch       } WRITER-FIRST-LAST.parquet, named for the places of
//	samples/      one row per sample sheet          } their first and last rows in the writer's journal;
//	measurements/ one row per later evaluation      } 0-compact.parquet: all rows up to some place in each
//	pareto/       one row per point of a front; one file, replaced when there are new points
//	checkpoints/  TRIAL.safetensors, to continue from
//
// # Many writers, no server
//
// Nothing is locked. A journal has one writer in its life, so that appends need no agreement. What a study is follows from the set of all
// entries, in whatever order they are read (fold): a View reads on where it stopped, and two processes that have read the same files see
// the same study.
//
// A process trains a trial under a Claim, whose generation counts the owners of the trial. A process that gives no sign of life loses its
// claims to others. Claims save work and decide nothing: if two processes train one trial after all, equal rows are one row, and where
// rows differ, since the devices do, those of the higher generation count from there on (trial.settle).
//
// # Why no row is lost or duplicated
//
// A row is acknowledged once it is in a journal, and synced. A segment is a copy of a range of one journal, which its name states, so the
// directory listing alone shows which rows are published; its metadata have a digest of the places of its rows, so anybody can tell
// whether it has the right ones. A segment is written in full before it is renamed into place. Whoever makes rows of anybody cease to
// count writes their files anew. After a crash, Create compares the files of dead writers with the journals and writes those that are
// missing or damaged; even deleting all Parquet files loses nothing. Appending is idempotent: a row that is already recorded is compared,
// except for its timings, and not written again; a different row is an error, unless another backend computed it.
//
// A damaged record costs itself. Journals are never mended in place: Create records what the tables still have of lost rows in its own
// journal, under the generations that they had, and acknowledges the damage there (repair).
//
// The pareto table is not a copy. It is computed from all epochs and is one file, which its successor replaces by a rename: a
// reader that opens it once sees one complete state of it.
//
// # Unfinished trials
//
// A trial enters the trials table once, when it finishes, and leaves it when it begins again with more epochs. A trial that began and was
// interrupted is in no trials segment (its epochs are in the epochs table); Trials reports it with status Interrupted. Forget retires all
// generations of a trial, finished or not, so that it can run again.
//
// # How to resume
//
// Claim.Checkpoint is where a trial goes on. At the end of each epoch the caller calls SaveCheckpoint, which stores the epoch's row with
// the tensors, and then AppendEpoch. A crash in between leaves the checkpoint one epoch ahead; Begin appends that row. A caller that saves
// less often trains the epochs since the checkpoint again and appends them again: bit-identical training makes these appends no-ops.
package results
