package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"sync"
	"time"

	"github.com/starsweep/starsweep/results"
)

// worked is what the writers of one process did.
type worked struct {
	Claims  []float64 `json:"claims"`  // milliseconds that each won claim took
	Refused int       `json:"refused"` // trials that another writer had
	Trained []int     `json:"trained"`
}

// process runs its share of the writers until all trials are finished. Each writer opens the directory for itself.
func (t task) process() (all worked, err error) {
	var mu sync.Mutex
	var group sync.WaitGroup
	for range t.writers {
		group.Go(func() {
			w, werr := t.writer()
			mu.Lock()
			defer mu.Unlock()
			all.Claims, all.Trained = append(all.Claims, w.Claims...), append(all.Trained, w.Trained...)
			all.Refused += w.Refused
			err = errors.Join(err, werr)
		})
	}
	group.Wait()
	return all, err
}

// writer trains trials from the first on, as a run does.
func (t task) writer() (done worked, err error) {
	w, err := create(t.dir)
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	begun, finished := make([]bool, t.trials), make([]bool, t.trials)
	index := make(map[string]int, t.trials)
	for i := range t.trials {
		index[id(i)] = i
	}
	look := func(ids []string) {
		for _, id := range ids {
			if s, ok := w.View().State(id); ok {
				begun[index[id]], finished[index[id]] = true, s.Status == results.Completed
			}
		}
	}
	for _, s := range w.View().Trials() {
		begun[index[s.ID]], finished[index[s.ID]] = true, s.Status == results.Completed
	}
	for left := 0; ; { // the first trial that is not finished
		changed, err := w.Refresh()
		if err != nil {
			return done, err
		}
		look(changed)
		for left < t.trials && finished[left] {
			left++
		}
		if left == t.trials {
			return done, nil
		}
		c, err := t.choose(w, &done, left, begun, finished)
		if err != nil {
			return done, err
		}
		if c == nil { // others have all that is left
			time.Sleep(100 * time.Millisecond)
			continue
		}
		i := index[c.Trial]
		if s, ok := w.View().State(c.Trial); ok && s.Status == results.Completed {
			finished[i] = true
		} else if err := train(c, i, t.rows); err != nil {
			return done, err
		} else {
			done.Trained = append(done.Trained, i)
			finished[i] = true
		}
		if err := c.Release(); err != nil {
			return done, err
		}
	}
}

// choose claims a trial: one that nobody has begun, or else any that is not finished; nil if others have them all.
func (t task) choose(w *results.Writer, done *worked, left int, begun, finished []bool) (*results.Claim, error) {
	for _, any := range []bool{false, true} {
		for i := left; i < t.trials; i++ {
			if finished[i] || begun[i] != any {
				continue
			}
			start := time.Now()
			c, err := w.Claim(id(i))
			switch {
			case err == nil:
				done.Claims = append(done.Claims, milliseconds(start, 1))
				return c, nil
			case errors.Is(err, results.ErrClaimed):
				done.Refused++
				begun[i] = true
			default:
				return nil, err
			}
		}
	}
	return nil, nil
}

// crowd is what many writers of one directory did.
type crowd struct {
	Writers   int       `json:"writers"`
	Processes int       `json:"processes"`
	Trials    int       `json:"trials"`
	Kills     int       `json:"kills"`
	Seconds   float64   `json:"seconds"`
	Claim     []float64 `json:"ms_claim"` // median, 99th percentile and longest
	Refused   int       `json:"refused"`
	Twice     int       `json:"twice"` // trials that two writers trained to the end
	Rows      counts    `json:"rows"`
}

// many lets the writers train all trials, kills some of their processes, and checks what is there in the end.
func (t task) many() (c crowd, err error) {
	c = crowd{Writers: t.writers, Processes: t.processes, Trials: t.trials}
	w, err := create(t.dir)
	if err != nil {
		return c, err
	}
	if err := w.Close(); err != nil {
		return c, err
	}
	start := time.Now()
	endings := make(chan ended)
	var running []*exec.Cmd
	for range t.processes {
		p, err := t.launch(endings)
		if err != nil {
			return c, err
		}
		running = append(running, p)
	}
	killed := map[*exec.Cmd]bool{}
	var claims []float64
	trained := map[int]int{}
	for len(running) > 0 {
		var kill <-chan time.Time
		if len(killed) < t.kills {
			kill = time.After(time.Duration(rand.Float64() * float64(2*time.Second)))
		}
		select {
		case <-kill:
			p := running[rand.IntN(len(running))]
			killed[p] = true
			p.Process.Kill() // one that has ended has ended
		case e := <-endings:
			running = slices.DeleteFunc(running, func(p *exec.Cmd) bool { return p == e.cmd })
			if killed[e.cmd] {
				p, err := t.launch(endings)
				if err != nil {
					return c, err
				}
				running = append(running, p)
				continue
			}
			if e.err != nil {
				return c, e.err
			}
			claims = append(claims, e.Claims...)
			c.Refused += e.Refused
			for _, i := range e.Trained {
				if trained[i]++; trained[i] == 2 {
					c.Twice++
				}
			}
		}
	}
	c.Seconds, c.Kills = time.Since(start).Seconds(), len(killed)
	slices.Sort(claims)
	c.Claim = []float64{claims[len(claims)/2], claims[len(claims)*99/100], claims[len(claims)-1]}
	c.Rows, err = t.count()
	return c, err
}

// ended is a process that has.
type ended struct {
	cmd *exec.Cmd
	worked
	err error
}

// launch starts a process with its share of the writers.
func (t task) launch(results chan<- ended) (*exec.Cmd, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	var out, errs bytes.Buffer
	cmd := exec.Command(exe, "process", "-dir", t.dir, "-trials", fmt.Sprint(t.trials), "-rows", fmt.Sprint(t.rows),
		"-writers", fmt.Sprint(t.writers/t.processes))
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		e := ended{cmd: cmd}
		if e.err = cmd.Wait(); e.err != nil {
			e.err = fmt.Errorf("%w: %s", e.err, errs.String())
		} else {
			e.err = json.Unmarshal(out.Bytes(), &e.worked)
		}
		results <- e
	}()
	return cmd, nil
}
