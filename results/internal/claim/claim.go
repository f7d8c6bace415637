// Package claim says which process works on what in a study's directory that any number of processes share: who trains a trial, which
// of them live, and which decision is the one that all follow. It knows files and processes, and nothing of journals; package
// results alone imports it.
//
// No locks are used, since not every file system has them, and no clock is trusted but that of the file system:
//
//	writers/WRITER            who the writer is, as JSON that never changes; written again every few seconds, for its time of change
//	claims/TRIAL.GGGGGG       the same file under another name (link(2), which one process wins): its owner trains the trial
//	suggestions/NNNNNN.json   made by link(2) as well; whoever was first is followed by all
//	verdicts/NNNNNN.json      likewise
//	warm/000000.json          likewise
//
// A claim has a generation. The highest one counts; its owner removes it when it has done with the trial. To take over the claim of a
// writer that is dead is to link the next generation: removing or renaming a file by name might hit the claim of a third process
// that was faster. Claims save work and decide nothing: equal trials give equal rows, and among different ones the highest generation
// counts.
package claim

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/starsweep/starsweep/internal/durable"
	"github.com/starsweep/starsweep/internal/regular"
)

// ErrTaken is in the chain of the error for a trial that another live writer has claimed.
var ErrTaken = errors.New("the trial is claimed")

// Desk is where one writer makes claims. Its methods may be called from several goroutines.
type Desk struct {
	w       Writer
	content []byte                      // of the heartbeat and of each claim
	link    func(from, to string) error // os.Link, but in tests
	stop    func()                      // ends the beats
	joined  time.Time                   // by the file system's clock

	mu      sync.Mutex
	held    map[string]*Claim     // by trial
	known   map[string]knownClaim // contents read earlier, by the name of the file
	witness                       // ticks when this writer beats
}

// Claim is the right to train a trial.
type Claim struct {
	Trial      string
	Generation int  // counts the owners of the trial, from 1
	TookOver   bool // from a writer that is dead
	desk       *Desk
}

// knownClaim is the owner that the file of a claim named.
type knownClaim struct {
	file  fs.FileInfo
	owner Writer
}

// Take claims trial with a generation above known, the highest one that the journals know, 0 if none. The error is ErrTaken if a live
// writer holds the trial. The caller reads the journals again after it: another writer may have trained the trial between the caller's
// last look and the claim.
func (d *Desk) Take(trial string, known int) (*Claim, error) {
	if trial == "" || strings.ContainsAny(trial, `/\`) || strings.HasPrefix(trial, ".") {
		return nil, fmt.Errorf("claim of trial %q: want a name that a file can have", trial)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	const tries = 20 // each follows upon a change that another process made meanwhile
	refused := 0     // a generation that another process has, though a client of NFS may not list it yet
	for range tries {
		generations, err := d.generations(trial)
		if err != nil {
			return nil, err
		}
		last := max(refused, highest(generations))
		if last > 0 {
			owner, stale, err := d.owner(&Claim{Trial: trial, Generation: last, desk: d})
			if err != nil {
				return nil, err
			}
			if !stale {
				return nil, fmt.Errorf("%w: trial %s, by %s", ErrTaken, trial, owner)
			}
		}
		if last == math.MaxInt {
			return nil, fmt.Errorf("%s: no claim follows one of such a generation: no process has made it: remove it", claimPath(d.dir, trial, last))
		}
		c := &Claim{Trial: trial, Generation: max(known, last) + 1, TookOver: last > 0, desk: d}
		won, err := d.make(c)
		if err != nil {
			return nil, err
		}
		if !won {
			refused = c.Generation
			continue
		}
		if generations, err = d.generations(trial); err != nil {
			return nil, err
		}
		if highest(generations) == c.Generation {
			return c, d.settle(c, generations)
		}
		// Others took the trial over and over between the look and the link: a generation below the current one must not stay.
		if err := d.remove(c.path()); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("%w: trial %s, by many in turn", ErrTaken, trial)
}

// make makes the file of c. Another process may have been faster.
func (d *Desk) make(c *Claim) (won bool, err error) {
	path := c.path()
	err = d.link(d.heartbeat(d.w.Name), path)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		err = d.create(path)
	}
	switch {
	case err == nil:
		return true, nil
	case !errors.Is(err, fs.ErrExist):
		return false, durable.StorageError(path, err)
	case d.held[c.Trial] != nil || !isFile(path):
		return false, nil
	}
	// NFS reports a link that it made, and whose answer it then lost, as one that exists.
	content, err := read(path)
	return bytes.Equal(content, d.content), err
}

// create is link for a file system without links, and for a heartbeat that somebody has removed: a file that only one process creates.
func (d *Desk) create(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	_, err = f.Write(d.content)
	if err = errors.Join(err, f.Close()); err != nil {
		os.Remove(path)
	}
	return err
}

// settle makes c the only claim of its trial: the generations below it are of dead writers, one of which may yet wake up and must
// not find its own.
func (d *Desk) settle(c *Claim, generations []int) error {
	d.held[c.Trial] = c
	for _, g := range generations {
		if g < c.Generation {
			if err := d.remove(claimPath(d.dir, c.Trial, g)); err != nil {
				return err
			}
		}
	}
	return nil
}

// Held reports whether c is still the current claim of its trial. It is not if this process did not run for so long that another one
// took the trial over.
func (c *Claim) Held() (bool, error) {
	generations, err := c.desk.generations(c.Trial)
	if err != nil || highest(generations) != c.Generation {
		return false, err
	}
	content, err := read(c.path())
	return bytes.Equal(content, c.desk.content), err
}

// Release gives the trial up. Releasing a claim that was lost does nothing.
func (c *Claim) Release() error {
	d := c.desk
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.held[c.Trial] == c {
		delete(d.held, c.Trial)
	}
	content, err := read(c.path())
	if err != nil || !bytes.Equal(content, d.content) {
		return err
	}
	return d.remove(c.path())
}

// Abandon leaves the claim behind as a process does that dies: once this one has gone, another takes the trial over.
func (c *Claim) Abandon() {
	d := c.desk
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.held[c.Trial] == c {
		delete(d.held, c.Trial)
	}
}

// Info describes a claim of somebody.
type Info struct {
	Claim
	Owner       Writer
	Mine, Stale bool
}

// List returns the current claim of each trial that has one, ordered by trial.
func (d *Desk) List() ([]Info, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	current, err := current(d.dir)
	if err != nil {
		return nil, err
	}
	var list []Info
	for _, c := range current {
		c.desk = d
		owner, stale, err := d.owner(&c)
		switch {
		case errors.Is(err, fs.ErrNotExist): // released since
			continue
		case err != nil:
			return nil, err
		}
		list = append(list, Info{Claim: c, Owner: owner, Mine: owner.Name == d.w.Name, Stale: stale})
	}
	return list, nil
}

// owner returns who holds c, and whether it can no longer train. A claim that is gone is stale.
func (d *Desk) owner(c *Claim) (w Writer, stale bool, err error) {
	path, name := c.path(), filepath.Base(c.path())
	if entry, err := os.Lstat(path); err == nil && !entry.Mode().IsRegular() && !isFile(path) { // it has only the name of a claim
		return Writer{}, true, nil
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Writer{}, true, nil
	} else if err != nil {
		return Writer{}, false, durable.StorageError(path, err)
	}
	if k, ok := d.known[name]; ok && os.SameFile(k.file, info) {
		// The number of a removed file may have gone to another one, so a stale owner is looked at again.
		if stale, err = d.stale(k.owner); !stale || err != nil {
			return k.owner, stale, err
		}
	}
	content, err := read(path)
	if err != nil {
		return Writer{}, false, err
	}
	w = parse(content)
	if w.Name == "" { // not written yet, or never: nobody beats for it
		w.Name = "the writer of " + name
	}
	d.known[name] = knownClaim{info, w}
	stale, err = d.stale(w)
	return w, stale, err
}

// Sweep removes what dead writers left and nobody takes over: claims of trials that are done, and the heartbeats of those that hold
// no others.
func (d *Desk) Sweep(done func(trial string) bool) error {
	list, err := d.List()
	if err != nil {
		return err
	}
	_, dead, err := d.writers()
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	holds := map[string]bool{}
	for _, c := range list {
		switch {
		case !c.Stale || !done(c.Trial):
			holds[c.Owner.Name] = true
		default:
			if err := d.remove(c.path()); err != nil {
				return err
			}
		}
	}
	for _, w := range dead {
		if holds[w.Name] {
			continue
		}
		if err := d.remove(d.heartbeat(w.Name)); err != nil {
			return err
		}
		delete(d.seen, w.Name)
	}
	return nil
}

func (c *Claim) path() string { return claimPath(c.desk.dir, c.Trial, c.Generation) }

func claimPath(dir, trial string, generation int) string {
	return filepath.Join(dir, "claims", fmt.Sprintf("%s.%06d", trial, generation))
}

// remove removes a file; the removal need not survive a power failure, which no writer survives.
func (d *Desk) remove(path string) error {
	delete(d.known, filepath.Base(path))
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return durable.StorageError(path, err)
	}
	return nil
}

// generations returns those of the claims of trial, in order.
func (d *Desk) generations(trial string) (list []int, err error) {
	files, err := names(filepath.Join(d.dir, "claims"))
	for _, f := range files {
		if t, g, ok := split(f); ok && t == trial {
			list = append(list, g)
		}
	}
	slices.Sort(list)
	return list, err
}

// highest returns the last of generations in order, 0 if there is none.
func highest(generations []int) int {
	if len(generations) == 0 {
		return 0
	}
	return generations[len(generations)-1]
}

// current returns the highest claim of each trial, ordered by trial.
func current(dir string) ([]Claim, error) {
	files, err := names(filepath.Join(dir, "claims"))
	if err != nil {
		return nil, err
	}
	last := map[string]int{}
	for _, f := range files {
		if t, g, ok := split(f); ok {
			last[t] = max(last[t], g)
		}
	}
	var list []Claim
	for t, g := range last {
		list = append(list, Claim{Trial: t, Generation: g})
	}
	slices.SortFunc(list, func(a, b Claim) int { return cmp.Compare(a.Trial, b.Trial) })
	return list, nil
}

// IsClaim reports whether a file in the folder of claims has the name of one.
func IsClaim(file string) bool { _, _, ok := split(file); return ok }

// split parses the name of a claim's file. Other names for the same generation are those of files that no writer made.
func split(file string) (trial string, generation int, ok bool) {
	dot := strings.LastIndexByte(file, '.')
	if dot <= 0 {
		return "", 0, false
	}
	g, err := strconv.Atoi(file[dot+1:])
	return file[:dot], g, err == nil && g > 0 && file[dot+1:] == fmt.Sprintf("%06d", g)
}

// isFile reports whether a name is that of a regular file, or of a link that leads to one.
func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// names returns the files in a folder, sorted; none if there is no folder. Whatever else is there is not of the study.
func names(dir string) ([]string, error) {
	list, _, err := regular.Names(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return slices.DeleteFunc(list, func(name string) bool { return name[0] == '.' }), durable.StorageError(dir, err)
}

// read returns the content of a file, nil if there is none.
func read(path string) ([]byte, error) {
	content, err := regular.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return content, durable.StorageError(path, err)
}
