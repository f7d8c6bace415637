// Package results is everything that a study leaves on disk: a journal that cannot lose an acknowledged row, Parquet tables
// that any tool can read while the study runs, and checkpoints to continue from. The runner writes through it and the
// commands that show results read through it; of ours it imports engine/pareto, which is pure mathematics. One directory holds one
// study:
//
//	study.json    what the tables look like: name, script, hyperparameters with types, metrics, objectives
//	script/HASH/  the script and the files it loaded, one folder for each version that ran
//	journal       every row, one fsynced record an append; the truth
//	trials/       one row a finished trial        } immutable Parquet segments, zstd
//	epochs/       one row a trial and epoch       } FIRST-LAST.parquet, named by the positions of
//	samples/      one row a picture               } their first and last rows in the journal
//	pareto/       one row a point of a front; one file, replaced when points come
//	checkpoints/  TRIAL.safetensors, while the trial is not finished
//	lock          held by the one writer
//
// # Why no row is lost or stands twice
//
// A row is acknowledged once it is in the journal. A segment is a copy of a range of the journal and says so in its name, so
// the directory listing alone tells which rows are published. A segment appears by rename, whole. After a crash Create
// compares the segments with the journal, and writes those that are missing or damaged; even deleting all Parquet files
// loses nothing. Appending is idempotent: a row of a trial and epoch (or picture) that is there already is compared, its
// timings aside, and not written again; a different one is an error.
//
// The pareto table is no copy but computed, of all epochs: one file that the next one replaces by a rename. A reader that opens it
// once sees one state of it, whole.
//
// # Trials that are not finished
//
// A trial enters the trials table once, when it is finished. One that was begun and then interrupted is in no trials segment
// (its epochs are in the epochs table); Trials reports it with status Interrupted. Forget voids a trial, finished or not, so
// that it can run again: its rows leave the tables.
//
// # How to resume
//
// At the end of each epoch the caller calls SaveCheckpoint, which keeps the epoch's row beside the tensors, and then
// AppendEpoch. A crash in between leaves the checkpoint one epoch ahead; Resume loads it and appends that row. A caller that
// saves less often trains the epochs since the checkpoint again and appends them again: bit-identical training makes these
// appends no-ops, and anything else is reported.
package results
