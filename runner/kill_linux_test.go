package runner_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/starsweep/starsweep/results"
)

// Studies that are killed again and again end with the tables of one that is not. STARSWEEP_KILLS=1000 makes a long test of it.
func TestKilledStudiesEndWithTheSameTables(t *testing.T) {
	kills := 100
	if text := os.Getenv("STARSWEEP_KILLS"); text != "" {
		var err error
		if kills, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	} else if testing.Short() {
		kills = 5
	}
	for _, processes := range []int{1, 3} {
		t.Run(fmt.Sprint(processes), func(t *testing.T) { newKiller(t, killStudy, processes).loop(processes, kills) })
		for _, search := range []string{"tpe(8, startup = 3)", "nsga2(8, population = 3)"} {
			learns := strings.NewReplacer("choice(1e-3, 1e-2)", "log_uniform(1e-3, 1e-2)", "seeds = 2", "search = "+search).Replace(killStudy)
			t.Run(fmt.Sprint(processes, search), func(t *testing.T) { newKiller(t, learns, processes).loop(processes, kills/4) })
		}
		for _, rule := range []string{"asha(reduction = 2, least = 2)", "median(trials = 2)"} {
			compares := strings.Replace(killStudy, "seeds = 2", "seeds = 2, prune = "+rule, 1)
			t.Run(fmt.Sprint(processes, rule), func(t *testing.T) { newKiller(t, compares, processes).loop(processes, kills/10) })
		}
		// Trials with the largest rate diverge, so that these points have fewer seeds than others.
		adaptive := strings.NewReplacer("choice(1e-3, 1e-2)", "choice(1e-3, 1e-2, 1e30)", "seeds = 2", "seeds = adaptive(2, 4)").
			Replace(killStudy)
		t.Run(fmt.Sprint(processes, "adaptive"), func(t *testing.T) { newKiller(t, adaptive, processes).loop(processes, kills/4) })
	}
}

// loop kills processes of one study after another.
func (k *killer) loop(processes, kills int) {
	k.Helper()
	start, studies := time.Now(), 0
	for ; k.kills < kills; studies++ {
		k.disturbed(processes, min(kills, k.kills+8))
	}
	k.Logf("%d kills of %d studies, %d epochs finished before a kill, in %v", k.kills, studies, k.epochs, time.Since(start))
	if k.epochs < kills/2 {
		k.Error("the processes did too little for a test")
	}
}

// killer kills processes that run the study of a lab.
type killer struct {
	*lab
	rand   *rand.Rand
	takes  time.Duration // a run
	orders bool          // the end of the study depends on the order in which results come: its search learns, or its rules compare

	kills, epochs int
}

// newKiller has seen how long an undisturbed run of so many processes takes.
func newKiller(t *testing.T, study string, processes int) *killer {
	t.Helper()
	k := &killer{lab: newLab(t, study), rand: rand.New(rand.NewPCG(1, uint64(processes)))}
	k.orders = strings.Contains(study, "search =") || strings.Contains(study, "prune =")
	start := time.Now()
	k.undisturbed(processes)
	k.takes = time.Since(start)
	return k
}

// process is a command that trains the study, perhaps with children that do so.
type process struct {
	*exec.Cmd
	output *bytes.Buffer
	done   chan error
}

func (k *killer) start(dir string) *process {
	k.Helper()
	p := &process{Cmd: exec.Command("starsweep", k.args(dir)...), output: &bytes.Buffer{}, done: make(chan error, 1)}
	p.Env = append(os.Environ(), "STARSWEEP_HOME="+k.home, "GOMAXPROCS="+fmt.Sprint(2+2*k.rand.IntN(2))) // 4: it evaluates while it trains
	p.Stdout, p.Stderr = p.output, p.output
	p.WaitDelay = time.Second // children may outlive it and hold its output
	if err := p.Start(); err != nil {
		k.Fatal(err)
	}
	k.Cleanup(func() { kill(append(descendants(p.Process.Pid), p.Process.Pid)...) })
	go func() { p.done <- p.Wait() }()
	return p
}

// ended reports whether p ends within a time, which by itself it does only once the study is finished.
func (k *killer) ended(p *process, within time.Duration) bool {
	k.Helper()
	select {
	case err := <-p.done:
		if err != nil {
			k.Fatalf("%v\n%s", err, p.output)
		}
		return true
	case <-time.After(within):
		return false
	}
}

// undisturbed runs the study with so many processes on one directory.
func (k *killer) undisturbed(processes int) {
	k.Helper()
	dir := filepath.Join(k.TempDir(), "study")
	var all []*process
	for range processes {
		all = append(all, k.start(dir))
	}
	for _, p := range all {
		if !k.ended(p, time.Minute) {
			k.Fatalf("it has not ended in a minute:\n%s", p.output)
		}
	}
	k.check(dir)
}

// check checks that a study has ended as an undisturbed one does; where that depends on the order of results, as one with the same
// decisions. What was decided is made again from what it saw.
func (k *killer) check(dir string) {
	k.Helper()
	if code, text := command(k.T, k.home, "replay-search", dir); code != 0 {
		k.Fatalf("%s: exit code %d\n%s", dir, code, text)
	}
	if k.orders {
		whole := filepath.Join(k.TempDir(), "whole")
		if code, text := command(k.T, k.home, k.args(whole, "--budget", "1us")...); code != 75 {
			k.Fatalf("exit code %d\n%s", code, text)
		}
		for _, s := range results.Sequences {
			to := filepath.Join(whole, string(s))
			if err := errors.Join(os.RemoveAll(to), os.CopyFS(to, os.DirFS(filepath.Join(dir, string(s))))); err != nil {
				k.Fatal(err)
			}
		}
		k.run(whole)
		k.want, k.tables = table(k.T, whole), k.canonical(whole)
	}
	k.same(dir)
}

// disturbed does the same, and kills one process after the other at random moments, until there were so many kills.
func (k *killer) disturbed(processes, kills int) {
	k.Helper()
	dir := filepath.Join(k.TempDir(), "study")
	running := make([]*process, processes)
	for i := range running {
		running[i] = k.start(dir)
	}
	rows := map[string]string{}
	var orphans []int
	for len(running) > 0 {
		wait := time.Minute
		if k.kills < kills {
			wait = time.Duration(k.rand.Float64() * float64(k.takes) * 0.6)
		}
		i := k.rand.IntN(len(running))
		p := running[i]
		if k.ended(p, wait) {
			running = slices.Delete(running, i, i+1)
			continue
		}
		if wait == time.Minute {
			k.Fatalf("it has not ended in a minute:\n%s", p.output)
		}
		k.kills++
		children := descendants(p.Process.Pid)
		switch victims := k.rand.IntN(3); {
		case victims == 0 && len(children) > 0: // which the process replaces
			kill(children[k.rand.IntN(len(children))])
			continue
		case victims == 1: // whose children notice it
			kill(p.Process.Pid)
			orphans = append(orphans, children...)
		default:
			kill(append(children, p.Process.Pid)...)
		}
		<-p.done
		k.keeps(dir, rows, p.output.String())
		running[i] = k.start(dir)
	}
	k.epochs += len(rows)
	for _, pid := range orphans {
		for deadline := time.Now().Add(time.Minute); alive(pid); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				k.Fatalf("process %d goes on without its parent", pid)
			}
		}
	}
	k.check(dir)
}

var shown = regexp.MustCompile(`\[(.*)\] epoch ([0-9]+)/`)

// keeps checks that the study in dir still has rows, which it had after earlier kills, with the same numbers, and the epochs that a
// process printed before it was killed. It adds what there is now.
func (k *killer) keeps(dir string, rows map[string]string, printed string) {
	k.Helper()
	now := rowsOf(k.T, dir)
	for key, was := range rows {
		if now[key] != was {
			k.Fatalf("%s: after kill %d there is\n%s\nand was\n%s", dir, k.kills, now[key], was)
		}
	}
	for _, line := range shown.FindAllStringSubmatch(printed, -1) {
		if key := fmt.Sprintf("%s epoch %s", line[1], line[2]); now[key] == "" {
			k.Fatalf("%s: after kill %d there is no row of %s, which the process had printed", dir, k.kills, key)
		}
	}
	for key, text := range now {
		rows[key] = text
	}
}

// rowsOf are the rows of epochs of a study that may not have begun, but for timings, by hyperparameters, seed and epoch.
func rowsOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	rows := map[string]string{}
	v, err := results.Open(dir)
	if errors.Is(err, results.ErrNoStudy) {
		return rows
	} else if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	for row, err := range v.Rows(results.Epochs) {
		if err != nil {
			t.Fatal(err)
		}
		key := fmt.Sprintf("loss=%q lr=%v seed=%v epoch %v", row["loss"], row["lr"], row["seed"], row["epoch"])
		for _, f := range v.Fields(results.Epochs) {
			if f.Timing {
				delete(row, f.Name)
			}
		}
		text, err := json.Marshal(row)
		if err != nil {
			t.Fatal(err)
		}
		if rows[key] != "" {
			t.Fatalf("%s: two rows of %s", dir, key)
		}
		rows[key] = string(text)
	}
	return rows
}

func kill(pids ...int) {
	for _, pid := range pids {
		syscall.Kill(pid, syscall.SIGKILL)
	}
}

// status returns the state and the parent of a process.
func status(pid int) (state string, parent int) {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(fields) < 2 {
		return "", 0
	}
	parent, _ = strconv.Atoi(fields[1])
	return fields[0], parent
}

func alive(pid int) bool { state, _ := status(pid); return state != "" && state != "Z" }

// descendants returns the children of a process, and theirs.
func descendants(pid int) (list []int) {
	parents := map[int][]int{}
	files, _ := os.ReadDir("/proc")
	for _, f := range files {
		if child, err := strconv.Atoi(f.Name()); err == nil && alive(child) {
			_, parent := status(child)
			parents[parent] = append(parents[parent], child)
		}
	}
	for queue := parents[pid]; len(queue) > 0; queue = queue[1:] {
		list = append(list, queue[0])
		queue = append(queue, parents[queue[0]]...)
	}
	return list
}
