package main

import (
	"errors"
	"time"

	"github.com/starsweep/starsweep/results"
)

// overhead is what one writer spends on trials that take no time, in milliseconds.
type overhead struct {
	Trials  int     `json:"trials"`
	Trial   float64 `json:"ms_trial"`   // claim, begin, one row and end, all on disk
	Row     float64 `json:"ms_row"`     // one more metric row, on disk
	Reopen  float64 `json:"ms_reopen"`  // all trials, read by another process
	Resume  float64 `json:"ms_resume"`  // the same, by one that goes on writing
	Compact float64 `json:"ms_compact"` // one file made of each table
}

func (t task) overhead() (o overhead, err error) {
	o.Trials = t.trials
	w, err := create(t.dir)
	if err != nil {
		return o, err
	}
	one := func(i, rows int) error {
		if _, err := w.Refresh(); err != nil {
			return err
		}
		c, err := w.Claim(id(i))
		if err != nil {
			return err
		}
		return errors.Join(train(c, i, rows), c.Release())
	}
	start := time.Now()
	for i := range t.trials {
		if err := one(i, 1); err != nil {
			return o, err
		}
	}
	o.Trial = milliseconds(start, t.trials)

	const extra = 5 // trials with many rows each
	start = time.Now()
	for i := range extra {
		if err := one(t.trials+i, t.rows); err != nil {
			return o, err
		}
	}
	o.Row = (milliseconds(start, extra) - o.Trial) / float64(t.rows-1)
	if err := w.Close(); err != nil {
		return o, err
	}

	start = time.Now()
	v, err := results.Open(t.dir)
	if err != nil {
		return o, err
	}
	o.Reopen = milliseconds(start, 1)
	v.Close()
	start = time.Now()
	if w, err = results.Continue(t.dir, results.Options{Now: time.Now}); err != nil {
		return o, err
	}
	o.Resume = milliseconds(start, 1)
	start = time.Now()
	if _, err := w.Compact(); err != nil {
		return o, err
	}
	o.Compact = milliseconds(start, 1)
	return o, w.Close()
}

func milliseconds(since time.Time, n int) float64 {
	return time.Since(since).Seconds() * 1000 / float64(n)
}
