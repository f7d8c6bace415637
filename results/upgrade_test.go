package results

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/internal/safetensors"
	"github.com/starsweep/starsweep/results/internal/journal"
)

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var (
	oldMeta = Meta{Study: "ring", Script: "ring.star", ScriptHash: "5c41", Version: "0.1.0", Metrics: []string{"fid"},
		Columns: []Column{{Name: "lr", Kind: spec.Float}}, Objectives: []Objective{{"fid", pareto.Min}}}.normal()
	still = Options{Now: func() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }, FlushEvery: time.Hour}
)

// oldStudy writes a study as version 0.1.0 did: one journal, in the order of time, and trials that are named for their lengths as well.
// The trial of lr 1 was trained for 2 epochs and then, under the second plan, for 4; that of lr 2 failed, was forgotten and is not
// finished, with a checkpoint of epoch 1.
func oldStudy(t *testing.T) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "old")
	var lines []string
	put := func(format string, a ...any) { lines = append(lines, fmt.Sprintf(format, a...)) }
	epochs := func(trial string, n int) {
		for e := 1; e <= n; e++ {
			put(`{"sample":{"trial":%q,"epoch":%d,"kind":"grid","png":%s}}`, trial, e, encode(onePixel(t)))
			put(`{"epoch":{"trial":%q,"epoch":%d,"step":%d,"images":9,"metrics":{"fid":%d},"backend":"cpu","seconds_train":1,"seconds_evaluate":0}}`,
				trial, e, e, e)
		}
	}
	begin := func(trial, configuration string, lr, length int) {
		put(`{"trial":{"id":%q,"index":%d,"point":{"lr":%d},"seed":3,"started":"2026-01-02T03:04:05Z","configuration":%q,"length":%d,`+
			`"data":"ring()","train":"11"}}`, trial, lr-1, lr, configuration, length)
	}
	end := func(trial, status string, n int) {
		put(`{"outcome":{"trial":%q,"status":%q,"reason":"","parameters":1,"program":"f00d","settings":"{}","script":"5c41",`+
			`"version":"0.1.0","backend":"cpu","device":"1 core","seconds_compile":0,"compilations":0},"rows":{"epochs":%d,"samples":%d}}`,
			trial, status, n, n)
	}
	put(`{"study":%q}`, oldMeta.oldID())
	put(`{"plan":{"trials":["short"],"settings":"{}","script":"5c41","began":"2026-01-02T03:04:05Z"}}`)
	begin("short", "c1", 1, 2)
	epochs("short", 2)
	end("short", "completed", 2)
	put(`{"plan":{"trials":["long","open"],"settings":"{\"a\":1}","script":"5c41","began":"2026-01-03T03:04:05Z"}}`)
	begin("long", "c1", 1, 4)
	epochs("long", 4)
	end("long", "completed", 4)
	begin("open", "c2", 2, 4)
	end("open", "failed", 0)
	put(`{"forget":"open"}`)
	begin("open", "c2", 2, 4)
	epochs("open", 1)
	var b bytes.Buffer
	for _, line := range lines {
		ok(t, journal.Write(&b, []byte(line)))
	}
	ok(t, os.MkdirAll(filepath.Join(dir, "epochs"), 0o777))
	ok(t, os.WriteFile(filepath.Join(dir, "journal"), b.Bytes(), 0o666))
	ok(t, os.WriteFile(filepath.Join(dir, "lock"), []byte("process 1 on host\n"), 0o666))
	for _, name := range []string{"000000000-000000000", "000000003-000000005"} {
		ok(t, os.WriteFile(filepath.Join(dir, "epochs", name+".parquet"), []byte("PAR1"), 0o666))
	}
	study, err := json.Marshal(file{Schema: oldSchema, ID: oldMeta.oldID(), Meta: oldMeta})
	ok(t, err)
	ok(t, os.WriteFile(filepath.Join(dir, studyFile), study, 0o666))
	v, err := Open(dir)
	ok(t, err)
	defer v.Close()
	ok(t, v.saveCheckpoint(Checkpoint{Row: Epoch{Trial: "open", Epoch: 1, Step: 1, Images: 9, Metrics: Metrics{"fid": 1}, Backend: "cpu",
		SecondsTrain: 1}, Tensors: []safetensors.Tensor{safetensors.New("w", []int{1}, []float32{7})}}, nil))
	return dir
}

func onePixel(t *testing.T) []byte { return filled[Sample](t).PNG }

// shown are the rows and the trials of a view, without the IDs.
func shown(t *testing.T, v *View) string {
	t.Helper()
	var lines []string
	for _, table := range recorded() {
		for row, err := range v.Rows(table) {
			ok(t, err)
			delete(row, "trial")
			lines = append(lines, fmt.Sprint(table, row))
		}
	}
	for _, s := range v.Trials() {
		lines = append(lines, fmt.Sprint(s.Status, s.Length, s.Epochs, s.InPlan, s.Settings))
	}
	return strings.Join(lines, "\n")
}

func TestAStudyOfTheOldSchemaIsReadAsItIs(t *testing.T) {
	v, err := Open(oldStudy(t))
	ok(t, err)
	defer v.Close()
	var got []string
	for _, s := range v.Trials() {
		got = append(got, fmt.Sprint(s.ID, " ", s.Status, " ", s.Epochs, "/", s.Length, " ", s.InPlan, " ", s.Settings))
	}
	want := []string{`long completed 4/4 true {}`, `short completed 2/2 false {}`, `open interrupted 1/4 true {"a":1}`}
	if !slices.Equal(got, want) || len(v.Damage()) > 0 {
		t.Errorf("got %q and the damage %q, want %q", got, v.Damage(), want)
	}
	if p, _ := v.Plan(); !slices.Equal(p.Trials, []string{"long", "open"}) {
		t.Errorf("got the plan %+v", p)
	}
}

func TestTheFirstRunUpgradesAStudy(t *testing.T) {
	dir := oldStudy(t)
	w, err := Create(dir, oldMeta, nil, still)
	ok(t, err)
	long, unfinished := spec.TrialID("c1", 3), spec.TrialID("c2", 3)
	var got []string
	for _, s := range w.View().Trials() {
		got = append(got, fmt.Sprint(s.ID, " ", s.Status, " ", s.Epochs, "/", s.Length, " ", s.InPlan, " ", s.Settings))
	}
	if want := []string{long + ` completed 4/4 true {}`, unfinished + ` interrupted 1/4 true {"a":1}`}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	c, err := w.Claim(unfinished)
	ok(t, err)
	from, err := c.Checkpoint()
	ok(t, err)
	if from == nil || from.Row.Epoch != 1 || c.Generation != 2 {
		t.Fatalf("got the checkpoint %+v and generation %d", from, c.Generation)
	}
	state, _ := w.View().State(unfinished)
	ok(t, c.Begin(state.Trial, from))
	ok(t, w.Close())
	for name, there := range map[string]bool{"lock": false, "journal.schema3": true, ".upgrade": false, "checkpoints/open.safetensors": false,
		"epochs/000000003-000000005.parquet": false, "journal/schema3": true} {
		if exists(filepath.Join(dir, name)) != there {
			t.Errorf("%s is there: %t", name, !there)
		}
	}
	if _, err := Continue(dir, still); err != nil {
		t.Error(err)
	}
}

func TestAnUpgradeWaitsForWritersOfTheOldVersion(t *testing.T) {
	dir := oldStudy(t)
	l, err := newLock(dir)
	ok(t, err)
	_, err = Create(dir, oldMeta, nil, still)
	if !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), fmt.Sprintf("process %d on", os.Getpid())) {
		t.Errorf("got %v, want ErrInUse that names the process", err)
	}
	ok(t, l.Close())
	w, err := Create(dir, oldMeta, nil, still)
	ok(t, err)
	ok(t, w.Close())
}

// copied is a copy of a directory.
func copied(t *testing.T, dir string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "copy")
	ok(t, os.CopyFS(to, os.DirFS(dir)))
	return to
}

// Wherever a crash ends an upgrade, the study can be read, and the next run ends it.
func TestACrashInAnUpgradeLosesNothing(t *testing.T) {
	old := oldStudy(t)
	done := copied(t, old)
	w, err := Create(done, oldMeta, nil, still)
	ok(t, err)
	want := shown(t, w.View())
	ok(t, w.Close())
	before := func() string { v, err := Open(old); ok(t, err); defer v.Close(); return shown(t, v) }()

	crashed := func(step string, dir string, upgraded bool) {
		t.Helper()
		v, err := Open(dir)
		if err != nil {
			t.Fatalf("%s: %v", step, err)
		}
		if got := shown(t, v); !upgraded && got != before || upgraded && got != want {
			t.Errorf("%s: a reader sees\n%s", step, got)
		}
		ok(t, v.Close())
		w, err := Create(dir, oldMeta, nil, still)
		if err != nil {
			t.Fatalf("%s: %v", step, err)
		}
		if got := shown(t, w.View()); got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", step, got, want)
		}
		ok(t, w.Close())
		if exists(filepath.Join(dir, upgradeFolder)) || exists(lockPath(dir)) {
			t.Errorf("%s: files of the upgrade are left", step)
		}
	}
	dir := copied(t, old)
	made := filepath.Join(dir, upgradeFolder, journalFolder)
	ok(t, os.MkdirAll(made, 0o777))
	crashed("an empty folder", copied(t, dir), false)
	upgraded, err := os.ReadFile(filepath.Join(done, journalFolder, upgradedWriter))
	ok(t, err)
	ok(t, os.WriteFile(filepath.Join(made, upgradedWriter), upgraded[:len(upgraded)/2], 0o666))
	crashed("half a journal", copied(t, dir), false)
	ok(t, os.WriteFile(filepath.Join(made, upgradedWriter), upgraded, 0o666))
	crashed("the journal", copied(t, dir), false)
	name := spec.TrialID("c2", 3) + checkpointSuffix
	b, err := os.ReadFile(filepath.Join(done, "checkpoints", name))
	ok(t, err)
	ok(t, os.WriteFile(filepath.Join(dir, "checkpoints", name), b, 0o666))
	crashed("the checkpoint", copied(t, dir), false)
	ok(t, writeFile(dir, file{}.with(oldMeta)))
	crashed("study.json", copied(t, dir), true)
	ok(t, os.Rename(filepath.Join(dir, journalFolder), filepath.Join(dir, keptJournal)))
	crashed("the old journal", copied(t, dir), true)
	ok(t, os.Rename(made, filepath.Join(dir, journalFolder)))
	crashed("the new journal", copied(t, dir), true)
	ok(t, os.Remove(filepath.Join(dir, "epochs", "000000003-000000005.parquet")))
	crashed("a segment", copied(t, dir), true)
	ok(t, os.Remove(lockPath(dir)))
	crashed("the lock", copied(t, dir), true)
}

// The ID of a study of the old schema is that which its version computed.
func TestTheIDOfAnOldStudyIsThatOfItsVersion(t *testing.T) {
	sum := sha256.Sum256([]byte(`{"study":"ring","script":"ring.star","script_hash":"","version":"",` +
		`"columns":[{"name":"lr","kind":"float"}],"metrics":["fid"],"objectives":[{"metric":"fid","goal":"min"}]}`))
	if got, want := oldMeta.oldID(), hex.EncodeToString(sum[:8]); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// WriteOldDescription writes study.json as versions of this schema did at first.
func WriteOldDescription(t *testing.T, dir string, m Meta) {
	t.Helper()
	ok(t, writeFile(dir, file{Schema: SchemaVersion, ID: m.ID(), Sum: m.sum(), Created: time.Unix(0, 0).UTC(), Meta: m}))
}

// SaveCheckpointOf saves a checkpoint of a trial that need not be claimed.
func SaveCheckpointOf(t *testing.T, v *View, c Checkpoint) {
	t.Helper()
	ok(t, v.saveCheckpoint(c, nil))
}
