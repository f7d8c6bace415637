package results_test

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/starsweep/starsweep/internal/safetensors"
	"github.com/starsweep/starsweep/results"
)

func TestATrialRowSumsUpItsEpochs(t *testing.T) {
	s := create(t, t.TempDir())
	train(t, s, "a", 1, 5)
	check(t, s.FinishTrial(outcome("a", results.Completed)))
	for row, err := range s.Rows(results.Trials) {
		check(t, err)
		want := results.Row{
			"trial": "a", "configuration": "c-a", "study": "ring", "index": int32(1), "seed": int64(1)<<60 + 1,
			"train_digest": "0f1e2d3c4b5a6978", "test_digest": "77", "epochs_planned": int32(5),
			"loss": "wgan-gp", "lr": 2e-4, "batch": int64(32), "norm": false, "penalty": 10.0,
			"status": "completed", "reason": "", "failure": nil,
			"epochs": int32(5), "steps": int64(500), "parameters": int64(1234), "images": int64(16000),
			"best_fid": 0.1, "best_fid_epoch": int32(4),
			"loss_generator": 0.2, "loss_discriminator": -5.0, "fid": 0.1,
			"measure": "fid() samples=1000 real=test:77 features=pixels:f00d", "samples": int32(1000), "extractor": "pixels:f00d",
			"seconds_train": 10.0, "seconds_evaluate": 2.5, "seconds_compile": 0.25, "images_per_second": 1600.0,
			"compilations": int32(1), "program": "f00d", "settings": `{"width":16}`, "script": "5c41", "version": "0.1.0", "backend": "cpu",
			"device": "2 cores", "reused": nil,
			"started": start,
		}
		if !reflect.DeepEqual(row, want) {
			t.Errorf("got  %v\nwant %v", row, want)
		}
	}
}

func TestATrialsEpochsCanBeReadBack(t *testing.T) {
	dir := t.TempDir()
	s := create(t, dir)
	train(t, s, "a", 0, 3)
	train(t, s, "b", 1, 1)
	check(t, s.Close())
	s = create(t, dir)
	rows, err := s.Epochs("a")
	check(t, err)
	if want := []results.Epoch{epoch("a", 1), epoch("a", 2), epoch("a", 3)}; !reflect.DeepEqual(rows, want) {
		t.Errorf("got  %v\nwant %v", rows, want)
	}
	_, err = s.Epochs("c")
	wantError(t, err, "trial c was never begun")
}

func TestADivergedTrialKeepsItsEpochsAndItsNaN(t *testing.T) {
	dir := t.TempDir()
	s := create(t, dir)
	check(t, s.BeginTrial(trial("a", 0)))
	check(t, s.AppendEpoch(epoch("a", 1)))
	last := epoch("a", 2)
	last.Metrics = results.Metrics{"loss_generator": math.NaN(), "loss_discriminator": math.Inf(-1), "fid": math.NaN()}
	check(t, s.AppendEpoch(last))
	end := outcome("a", results.Diverged)
	end.Reason = "loss_generator is NaN at epoch 2, step 117"
	check(t, s.Close())
	s = create(t, dir)
	check(t, s.BeginTrial(trial("a", 0)))
	check(t, s.AppendEpoch(last)) // equal, NaN and all
	check(t, s.FinishTrial(end))
	wantLines(t, columns(t, s.View, results.Epochs, "epoch", "loss_generator", "loss_discriminator", "fid"), "1 1 -1 <nil>", "2 NaN -Inf NaN")
	wantLines(t, columns(t, s.View, results.Trials, "status", "reason", "best_fid", "best_fid_epoch"),
		"diverged loss_generator is NaN at epoch 2, step 117 <nil> <nil>")
}

func TestAnInterruptedTrialIsInNoTrialsTableUntilItIsFinished(t *testing.T) {
	dir := t.TempDir()
	s := create(t, dir)
	train(t, s, "a", 0, 2)
	check(t, s.Close())

	s = create(t, dir)
	if s.Recovery().Dropped != 0 || len(s.Recovery().Notes) != 0 {
		t.Errorf("got %+v, want a study that continues as it was", s.Recovery())
	}
	if states := s.Trials(); len(states) != 1 || states[0].Status != results.Interrupted || states[0].Epochs != 2 || len(s.Finished()) != 0 {
		t.Errorf("got %+v, want one interrupted trial with 2 epochs", states)
	}
	wantLines(t, segmentRows(t, dir, results.Trials))
	train(t, s, "a", 0, 3) // the first two are there already
	check(t, s.FinishTrial(outcome("a", results.Completed)))
	check(t, s.Close())
	wantLines(t, segmentRows(t, dir, results.Epochs, "trial", "epoch", "step"), "a 1 100", "a 2 200", "a 3 300")
	wantLines(t, segmentRows(t, dir, results.Trials, "trial", "status", "epochs"), "a completed 3")
	v, err := results.Open(dir)
	check(t, err)
	defer v.Close()
	if got := v.Finished(); got["a"] != results.Completed || epochsOf(v, "a") != 3 || epochsOf(v, "b") != 0 {
		t.Errorf("got finished %v, last epoch %d", got, epochsOf(v, "a"))
	}
}

func TestAViewSeesWhatIsAcknowledgedWhileTheStudyIsWritten(t *testing.T) {
	dir := t.TempDir()
	s := create(t, dir)
	train(t, s, "a", 0, 2)
	v, err := results.Open(dir)
	check(t, err)
	defer v.Close()
	wantLines(t, columns(t, v, results.Epochs, "epoch"), "1", "2")
	wantLines(t, segmentRows(t, dir, results.Epochs))
}

func TestAForgottenTrialLeavesTheTablesAndCanRunAgain(t *testing.T) {
	dir := t.TempDir()
	s := create(t, dir)
	for i, id := range []string{"a", "b"} {
		train(t, s, id, i, 2)
		check(t, s.AppendSample(results.Sample{Trial: id, Epoch: 2, Kind: "grid", PNG: picture(t, 8)}))
		check(t, s.FinishTrial(outcome(id, results.Failed)))
	}
	check(t, s.Publish())
	wantError(t, s.BeginTrial(trial("a", 0)), "trial a is finished (failed): forget it")
	check(t, s.Forget("a"))
	wantLines(t, segmentRows(t, dir, results.Epochs, "trial", "epoch"), "b 1", "b 2")
	wantLines(t, segmentRows(t, dir, results.Trials, "trial"), "b")
	wantLines(t, segmentRows(t, dir, results.Samples, "trial"), "b")

	check(t, s.BeginTrial(trial("a", 7)))
	again := epoch("a", 1)
	again.Metrics["loss_generator"] = 42
	check(t, s.AppendEpoch(again))
	check(t, s.Close())
	s = create(t, dir)
	check(t, s.BeginTrial(trial("a", 7)))
	check(t, s.FinishTrial(outcome("a", results.Completed)))
	check(t, s.Close())
	wantLines(t, segmentRows(t, dir, results.Epochs, "trial", "epoch", "index", "loss_generator"), "a 1 7 42", "b 1 1 1", "b 2 1 0.5")
	wantLines(t, segmentRows(t, dir, results.Trials, "trial", "status"), "a completed", "b failed")
}

func TestWrongRowsAreRefusedAndLeaveNothing(t *testing.T) {
	s := create(t, t.TempDir())
	train(t, s, "a", 0, 2)
	other := epoch("a", 2)
	other.Metrics["fid"] = 17
	slower := epoch("a", 2)
	slower.SecondsTrain = 99
	strange := epoch("a", 3)
	strange.Metrics["inception"] = 1
	odd := trial("c", 0)
	odd.Point = results.Values{"lr": "x", "batch": 1.5, "norm": nil, "loss": "ns-gan", "beta": 0.5}
	changed, twin, moved := trial("a", 0), trial("a", 0), trial("a", 0)
	changed.Train, twin.ID = "99", "e"
	moved.Point["lr"], moved.Data = 0.5, "the same images elsewhere"
	check(t, s.BeginTrial(moved)) // a trial is its configuration; it keeps the point that it began with
	grid := results.Sample{Trial: "a", Epoch: 1, Kind: "grid", PNG: picture(t, 8)}
	check(t, s.AppendSample(grid))
	check(t, s.AppendSample(grid))
	check(t, s.AppendEpoch(slower)) // timings do not count as differences
	wide, text := grid, grid
	wide.PNG, text.PNG = picture(t, 16), []byte("no picture")
	unsure := outcome("a", results.Interrupted)

	for name, test := range map[string]struct {
		err  error
		want []string
	}{
		"epoch of an unknown trial": {s.AppendEpoch(epoch("b", 1)), []string{"trial b was never begun"}},
		"epoch that skips one":      {s.AppendEpoch(epoch("a", 4)), []string{"trial a: got epoch 4, want 3"}},
		"epoch 0":                   {s.AppendEpoch(results.Epoch{Trial: "a"}), []string{"trial a: got epoch 0, want 3"}},
		"epoch that differs": {s.AppendEpoch(other), []string{"trial a, epoch 2 is already recorded and differs", `"fid":17`,
			`"fid":2.1`}},
		"unknown metric": {s.AppendEpoch(strange),
			[]string{`got metric "inception", want one of loss_generator, loss_discriminator, fid`}},
		"point of wrong types": {s.BeginTrial(odd), []string{"trial c", "lr: got string x, want float", "batch: got float64 1.5, want int",
			"norm: got no value, want bool", "beta: the study has no such column"}},
		"data that changed": {s.BeginTrial(changed), []string{"trial a", `"train":"99"`, `"train":"0f1e2d3c4b5a69788796"`}},
		"trial under two IDs": {s.BeginTrial(twin),
			[]string{"trial e: trial a has the same configuration c-a and seed 1152921504606846976"}},
		"row of another trial":    {s.claims["a"].AppendEpoch(epoch("d", 1)), []string{"got a row of trial d, but the claim is of trial a"}},
		"trial named like a path": {s.BeginTrial(trial("../x", 0)), []string{`trial "../x"`}},
		"sample that differs":     {s.AppendSample(wide), []string{"is already recorded and differs"}},
		"sample that is no PNG":   {s.AppendSample(text), []string{"png: invalid format"}},
		"sample twice":            {s.claims["a"].AppendSample(grid, grid), []string{"no two alike"}},
		"outcome that is none":    {s.FinishTrial(unsure), []string{`got status "interrupted", want completed`}},
		"forgetting the unknown":  {s.Forget("b"), []string{"trial b was never begun"}},
	} {
		t.Run(name, func(t *testing.T) { wantError(t, test.err, test.want...) })
	}
	check(t, s.FinishTrial(outcome("a", results.Completed)))
	check(t, s.FinishTrial(outcome("a", results.Completed)))
	wantError(t, s.FinishTrial(outcome("a", results.Failed)), "trial a is already finished", "completed")
	wantError(t, s.AppendEpoch(epoch("a", 3)), "it is finished (completed)")
	wantLines(t, columns(t, s.View, results.Epochs, "epoch", "seconds_train"), "1 2", "2 2")
	wantLines(t, columns(t, s.View, results.Samples, "image_width", "image_height", "kind"), "8 4 grid")
	if len(s.Trials()) != 1 {
		t.Errorf("got trials %v, want a alone", s.Trials())
	}
}

func TestAClosedStudyAcknowledgesNothing(t *testing.T) {
	s := create(t, t.TempDir())
	train(t, s, "a", 0, 1)
	check(t, s.Close())
	for name, err := range map[string]error{
		"BeginTrial":   s.BeginTrial(trial("b", 1)),
		"AppendEpoch":  s.AppendEpoch(epoch("a", 2)),
		"AppendSample": s.AppendSample(results.Sample{Trial: "a", Epoch: 1, Kind: "grid", PNG: picture(t, 8)}),
		"FinishTrial":  s.FinishTrial(outcome("a", results.Completed)),
		"Forget":       s.Forget("a"),
	} {
		if !errors.Is(err, results.ErrStorage) {
			t.Errorf("%s: got error %v, want ErrStorage", name, err)
		}
	}
	if len(s.Trials()) != 1 || epochsOf(s.View, "a") != 1 || len(s.Finished()) != 0 {
		t.Errorf("got trials %+v, want what was acknowledged before", s.Trials())
	}
}

func TestWorkersMayWriteAtTheSameTime(t *testing.T) {
	dir := t.TempDir()
	o := hourly
	o.FlushRows = 7
	s, err := createStudy(dir, meta, nil, o)
	check(t, err)
	var wg sync.WaitGroup
	var want []string
	for w := range 4 {
		id := fmt.Sprint("w", w)
		for e := 1; e <= 5; e++ {
			want = append(want, fmt.Sprint(id, " ", e))
		}
		wg.Go(func() {
			train(t, s, id, w, 5)
			c := results.Checkpoint{Row: epoch(id, 5), Tensors: []safetensors.Tensor{safetensors.New("w", []int{1}, []float32{1})}}
			if err := errors.Join(s.SaveCheckpoint(c), s.FinishTrial(outcome(id, results.Completed))); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	check(t, s.Close())
	wantLines(t, segmentRows(t, dir, results.Epochs, "trial", "epoch"), want...)
	wantLines(t, segmentRows(t, dir, results.Trials, "trial"), "w0", "w1", "w2", "w3")
}

func TestRowsArePublishedByNumberAndByTime(t *testing.T) {
	now := start
	dir := t.TempDir()
	s, err := createStudy(dir, meta, nil, results.Options{Now: func() time.Time { return now }, FlushRows: 3,
		FlushEvery: 10 * time.Second})
	check(t, err)
	defer s.Close()
	count := func() int { return len(segmentRows(t, dir, results.Epochs, "epoch")) }
	check(t, s.BeginTrial(trial("a", 0)))
	for e, step := range []struct {
		after time.Duration
		want  int
	}{{0, 0}, {0, 0}, {0, 3}, {time.Second, 3}, {10 * time.Second, 5}, {time.Second, 5}, {10_000 * time.Second, 7}, {50 * time.Second, 7},
		{60 * time.Second, 9}} {
		now = now.Add(step.after)
		check(t, s.AppendEpoch(epoch("a", e+1)))
		if got := count(); got != step.want {
			t.Errorf("epoch %d: got %d rows published, want %d", e+1, got, step.want)
		}
	}
}
