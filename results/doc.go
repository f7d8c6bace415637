// Package results stores everything that a study keeps on disk: a journal that cannot lose an acknowledged row, Parquet tables that
// any tool can read while the study runs, and checkpoints to continue from. Package runner writes through it, and the commands
// that show results read through it. It knows neither scripts nor engines. One directory holds one study:
//
//	study.json    the shape of the tables: name, script, hyperparameters with types, metrics, objectives
//	script/HASH/  the script and the files it loaded, one folder for each version that ran
//	journal       every row, one synced record per append; the authority
//	trials/       one row per finished trial      } immutable Parquet segments, zstd
//	epochs/       one row per trial and epoch     } FIRST-LAST.parquet, named for the positions of
//	samples/      one row per sample sheet        } their first and last rows in the journal
//	pareto/       one row per point of a front; one file, replaced when there are new points
//	checkpoints/  TRIAL.safetensors, while the trial is not finished
//	lock          held by the only writer
//
// # Why no row is lost or duplicated
//
// A row is acknowledged once it is in the journal. A segment is a copy of a range of the journal, which its name states, so the
// directory listing alone shows which rows are published. A segment is written in full before it is renamed into place. After a
// crash, Create compares the segments with the journal and writes those that are missing or damaged; even deleting all Parquet
// files loses nothing. Appending is idempotent: a row whose trial and epoch (or sample sheet) is already recorded is compared,
// except for its timings, and not written again; a different row is an error.
//
// The pareto table is not a copy. It is computed from all epochs and is one file, which its successor replaces by a rename: a
// reader that opens it once sees one complete state of it.
//
// # Unfinished trials
//
// A trial enters the trials table once, when it finishes. A trial that began and was interrupted is in no trials segment (its
// epochs are in the epochs table); Trials reports it with status Interrupted. Forget removes a trial, finished or not, and its
// rows from the tables, so that it can run again.
//
// # How to resume
//
// At the end of each epoch the caller calls SaveCheckpoint, which stores the epoch's row with the tensors, and then AppendEpoch.
// A crash in between leaves the checkpoint one epoch ahead; Resume loads it and appends that row. A caller that saves less often
// trains the epochs since the checkpoint again and appends them again: bit-identical training makes these appends no-ops, and
// any difference is an error.
package results
