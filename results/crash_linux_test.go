package results_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/starsweep/starsweep/internal/fulldisk"
	"github.com/starsweep/starsweep/results"
)

// The tests below run this test binary again as a separate program, which trains in the directory that STARSWEEP_CRASH
// names and says on stdout which rows were acknowledged, until it is killed or the disk is full.
func TestMain(m *testing.M) {
	dir := os.Getenv("STARSWEEP_CRASH")
	if dir == "" {
		os.Exit(m.Run())
	}
	if limit, _ := strconv.ParseUint(os.Getenv("STARSWEEP_FILE_LIMIT"), 10, 64); limit > 0 {
		if err := fulldisk.Limit(limit); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	err := trainForever(dir, os.Stdout)
	fmt.Fprintln(os.Stderr, err)
	if errors.Is(err, results.ErrStorage) {
		os.Exit(80)
	}
	os.Exit(1)
}

const epochsPerTrial = 5

// trainForever continues the study in dir: trials of five epochs with checkpoints and pictures, until an error.
func trainForever(dir string, acknowledged io.Writer) error {
	s, err := createStudy(dir, meta, nil, results.Options{Now: stopped, FlushRows: 4, FlushEvery: time.Hour})
	if err != nil {
		return err
	}
	picture, err := os.ReadFile(filepath.Join(dir, "picture.png"))
	if err != nil {
		return err
	}
	for i := len(s.Finished()); ; i++ {
		id := fmt.Sprint("t", i)
		if err := s.BeginTrial(trial(id, i)); err != nil {
			return err
		}
		c, _, err := s.Resume(id)
		if err != nil {
			return err
		}
		for e := c.Row.Epoch + 1; e <= epochsPerTrial; e++ {
			if err := errors.Join(
				s.SaveCheckpoint(checkpoint(id, e)),
				s.AppendSample(results.Sample{Trial: id, Epoch: e, Kind: "grid", PNG: picture}),
				s.AppendEpoch(epoch(id, e)),
			); err != nil {
				return err
			}
			fmt.Fprintln(acknowledged, "epochs", id, e)
		}
		if err := s.FinishTrial(outcome(id, results.Completed)); err != nil {
			return err
		}
		fmt.Fprintln(acknowledged, "trials", id, epochsPerTrial)
	}
}

// child starts trainForever in a separate process.
func child(t *testing.T, dir string, env ...string) (cmd *exec.Cmd, stdout io.Reader, stderr *strings.Builder) {
	t.Helper()
	exe, err := os.Executable()
	check(t, err)
	check(t, os.MkdirAll(dir, 0o777))
	if path := filepath.Join(dir, "picture.png"); !exists(path) {
		check(t, os.WriteFile(path, noisePicture(t, 40), 0o666))
	}
	stderr = new(strings.Builder)
	cmd = exec.Command(exe)
	cmd.Env = append(append(os.Environ(), "STARSWEEP_CRASH="+dir), env...)
	cmd.Stderr = stderr
	stdout, err = cmd.StdoutPipe()
	check(t, err)
	check(t, cmd.Start())
	return cmd, stdout, stderr
}

// collect adds the acknowledged rows that a child reports. The last line may be cut by the kill.
func collect(acknowledged map[string]bool, stdout io.Reader) {
	lines := bufio.NewReader(stdout)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		acknowledged[strings.TrimSpace(line)] = true
	}
}

// verify checks the tables that a reader finds: each row once, and when complete every acknowledged one.
func verify(t *testing.T, dir string, acknowledged map[string]bool, complete bool) {
	t.Helper()
	got := map[string]bool{}
	for _, table := range results.Tables() {
		columns := map[results.Table][]string{results.Trials: {"trial", "epochs"}, results.Epochs: {"trial", "epoch"},
			results.Samples: {"trial", "epoch"}, results.Pareto: {"scope", "trial", "epoch", "lr"}}[table]
		for _, line := range segmentRows(t, dir, table, columns...) {
			key := string(table) + " " + line
			if got[key] {
				t.Fatalf("row %q is duplicated", key)
			}
			got[key] = true
		}
	}
	for key := range acknowledged {
		if complete && !got[key] {
			t.Fatalf("acknowledged row %q is lost", key)
		}
	}
	if complete {
		verifyPareto(t, dir)
	}
}

// verifyPareto checks that the pareto table is of all rows, whenever its writer died.
func verifyPareto(t *testing.T, dir string) {
	t.Helper()
	v, err := results.Open(dir)
	check(t, err)
	defer v.Close()
	names := []string{"scope", "lr", "fid", "seeds", "rank", "contribution", "hypervolume", "reference_fid"}
	want := columns(t, v, results.Pareto, names...)
	slices.Sort(want)
	wantLines(t, segmentRows(t, dir, results.Pareto, names...), want...)
}

func TestNoKillLosesOrDoublesARow(t *testing.T) {
	const rounds = 20 // of one study; its files grow in number, and each round reads all of them
	studies := 5
	if testing.Short() {
		studies = 1
	}
	for range studies {
		killAgainAndAgain(t, filepath.Join(t.TempDir(), "study"), rounds)
	}
}

func killAgainAndAgain(t *testing.T, dir string, rounds int) {
	t.Helper()
	acknowledged := map[string]bool{}
	cut := 0
	kills := 0
	for ; kills < rounds || len(acknowledged) < rounds && kills < 10*rounds; kills++ { // a busy machine gets little done before each
		cmd, stdout, stderr := child(t, dir)
		done := make(chan struct{})
		go func() { collect(acknowledged, stdout); close(done) }()
		time.Sleep(time.Duration(20+rand.IntN(100)) * time.Millisecond)
		verify(t, dir, nil, false) // a reader while the writer is active
		check(t, cmd.Process.Kill())
		<-done
		if cmd.Wait(); stderr.Len() > 0 {
			t.Fatalf("round %d: the child stopped by itself: %s", kills, stderr)
		}
		verify(t, dir, acknowledged, false) // what the dead process left, before anything is repaired
		s := create(t, dir)
		if s.Recovery().Dropped > 0 {
			cut++
		}
		verify(t, dir, acknowledged, true)
		for id := range s.Finished() {
			acknowledged["trials "+id+" 5"] = true // it stays finished
		}
		check(t, s.Close())
	}
	if len(acknowledged) < rounds {
		t.Errorf("got %d acknowledged rows in %d rounds: the children did too little for a test", len(acknowledged), kills)
	}
	t.Logf("%d kills, %d acknowledged rows, %d torn tails", kills, len(acknowledged), cut)

	for line := range acknowledged { // and what the rows hold is what was trained
		if id, isTrial := strings.CutPrefix(line, "trials "); isTrial {
			id = strings.TrimSuffix(id, " 5")
			rows := slices.DeleteFunc(segmentRows(t, dir, results.Epochs, "trial", "epoch", "step", "loss_discriminator"),
				func(s string) bool { return !strings.HasPrefix(s, id+" ") })
			wantLines(t, rows, id+" 1 100 -1", id+" 2 200 -2", id+" 3 300 -3", id+" 4 400 -4", id+" 5 500 -5")
			break
		}
	}
}

// fill runs a child until the disk refuses it.
func fill(t *testing.T, dir string, env ...string) (acknowledged map[string]bool, message string) {
	t.Helper()
	cmd, stdout, stderr := child(t, dir, env...)
	timer := time.AfterFunc(60*time.Second, func() { cmd.Process.Kill() })
	defer timer.Stop()
	acknowledged = map[string]bool{}
	collect(acknowledged, stdout)
	cmd.Wait()
	if got := cmd.ProcessState.ExitCode(); got != 80 {
		t.Fatalf("got exit code %d and %q, want 80, a storage error", got, stderr)
	}
	if len(acknowledged) == 0 {
		t.Fatalf("no row was acknowledged: %s", stderr)
	}
	return acknowledged, stderr.String()
}

func TestAFileThatMayNotGrowIsAStorageErrorThatLosesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "study")
	acknowledged, message := fill(t, dir, "STARSWEEP_FILE_LIMIT=30000")
	if !strings.Contains(message, filepath.Join(dir, "journal")) || !strings.Contains(message, "file too large") {
		t.Errorf("got error %q, want the journal's path and the cause", message)
	}
	verify(t, dir, acknowledged, false)
	s := create(t, dir)
	verify(t, dir, acknowledged, true)
	t.Logf("%d rows before: %sthen %d bytes of torn tail", len(acknowledged), message, s.Recovery().Dropped)
}

func TestAFullDiskIsAStorageErrorThatLosesNothing(t *testing.T) {
	for _, size := range []string{"128k", "300k"} {
		t.Run(size, func(t *testing.T) {
			disk, enlarge := fulldisk.Mount(t, size)
			dir := filepath.Join(disk, "study")
			acknowledged, message := fill(t, dir)
			if !strings.Contains(message, dir) || !strings.Contains(message, "no space left on device") {
				t.Errorf("got error %q, want the path and the cause", message)
			}
			verify(t, dir, acknowledged, false)
			enlarge("2m")
			s := create(t, dir)
			verify(t, dir, acknowledged, true)
			check(t, s.Close())
			t.Logf("%d rows before: %s", len(acknowledged), message)
		})
	}
}
