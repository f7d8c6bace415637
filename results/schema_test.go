package results_test

import (
	"bytes"
	"os"
	"regexp"
	"testing"

	"github.com/parquet-go/parquet-go"

	"github.com/starsweep/starsweep/results"
)

// The columns of all tables, of the trials and epochs tables, and of each table alone, as Parquet's schemas are printed.
const (
	identityColumns = `
	required binary trial (STRING);
	required binary configuration (STRING);
	required binary study (STRING);
	required int32 index (INT(32,true));
	required binary loss (STRING);
	required double lr;
	required int64 batch (INT(64,true));
	required boolean norm;
	optional double penalty;
	required int64 seed (INT(64,true));
	required binary train_digest (STRING);
	optional binary test_digest (STRING);`
	metricColumns = `
	optional double loss_generator;
	optional double loss_discriminator;
	optional double fid;
	optional binary measure (STRING);
	optional int32 samples (INT(32,true));
	optional binary extractor (STRING);`
)

var tableColumns = map[results.Table]string{
	results.Trials: `
	required binary status (STRING);
	required binary reason (STRING);
	optional binary failure (STRING);
	required int32 epochs (INT(32,true));
	required int32 epochs_planned (INT(32,true));
	required int64 steps (INT(64,true));
	optional int64 parameters (INT(64,true));
	required int64 images (INT(64,true));
	optional double best_fid;
	optional int32 best_fid_epoch (INT(32,true));` + metricColumns + `
	required double seconds_train;
	required double seconds_evaluate;
	required double seconds_compile;
	required double images_per_second;
	required int32 compilations (INT(32,true));
	optional binary program (STRING);
	required binary settings (STRING);
	required binary script (STRING);
	required binary version (STRING);
	optional binary backend (STRING);
	optional binary device (STRING);
	optional binary reused (STRING);
	required int64 started (TIMESTAMP(isAdjustedToUTC=true,unit=MILLIS));`,
	results.Epochs: `
	required int32 epoch (INT(32,true));
	required int64 step (INT(64,true));
	required int64 images (INT(64,true));` + metricColumns + `
	required binary backend (STRING);
	required double seconds_train;
	required double seconds_evaluate;
	required double images_per_second;`,
	results.Samples: `
	required int32 epoch (INT(32,true));
	required binary kind (STRING);
	required int32 image_width (INT(32,true));
	required int32 image_height (INT(32,true));
	required binary png;`,
	results.Pareto: `
	optional int32 epoch (INT(32,true));
	required int32 epochs_planned (INT(32,true));
	required int32 seeds (INT(32,true));
	required double fid;
	optional double std_fid;
	required binary measure (STRING);
	optional binary backend (STRING);
	required boolean in_plan;
	required int32 rank (INT(32,true));
	required double contribution;
	required double hypervolume;
	required double reference_fid;`,
}

func TestColumnsHaveTheirOrderAndTypes(t *testing.T) {
	dir := t.TempDir()
	s := create(t, dir)
	train(t, s, "a", 0, 1)
	check(t, s.AppendSample(results.Sample{Trial: "a", Epoch: 1, Kind: "grid", PNG: picture(t, 8)}))
	check(t, s.FinishTrial(outcome("a", results.Completed)))
	check(t, s.Close())
	for table, rest := range tableColumns {
		b, err := os.ReadFile(segments(t, dir, table)[0])
		check(t, err)
		f, err := parquet.OpenFile(bytes.NewReader(b), int64(len(b)))
		check(t, err)
		identity := identityColumns
		if table == results.Pareto { // a configuration has no trial
			nullable := regexp.MustCompile(`required (\w+ (trial|index|seed)\b)`)
			identity = "\n\trequired binary scope (STRING);" + nullable.ReplaceAllString(identityColumns, "optional $1")
		}
		want := "message " + string(table) + " {" + identity + rest + "\n}"
		if got := f.Schema().String(); got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", table, got, want)
		}
		for key, want := range map[string]string{"starsweep.schema": "4", "starsweep.study": "ring", "starsweep.table": string(table),
			"starsweep.study_id": meta.ID()} {
			if got, _ := f.Lookup(key); got != want {
				t.Errorf("%s: metadata %s: got %q, want %q", table, key, got, want)
			}
		}
	}
}
