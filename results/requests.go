package results

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/starsweep/starsweep/internal/durable"
	"github.com/starsweep/starsweep/internal/regular"
)

// People ask running processes for something by files, so that whoever may write the directory may ask, from any machine:
//
//	requests/prune.TRIAL.GENERATION   the trial ends as pruned after the epoch in progress
//	requests/stop.WRITER              the process leaves as if it were interrupted
//
// A file is only made if somebody is there who can do it, and stands for nothing later: a request to prune is answered once that or a
// later generation of the trial has ended or was forgotten, and a writer's name is never used again. What becomes of a request
// is recorded as any ending is, so that files of answered ones may be removed by anybody at any time.
const requestFolder = "requests"

// ErrNotRunning is in the chain of the error for a request that no live process could answer.
var ErrNotRunning = errors.New("nobody trains it")

// AskToPrune asks the process that trains a trial to end it. Errors: ErrNotRunning, ErrStorage.
func (v *View) AskToPrune(id string) error {
	if err := v.reread(); err != nil { // it may have begun, or ended, since
		return err
	}
	holders, err := v.Claims()
	if err != nil {
		return err
	}
	s, begun := v.State(id)
	if h := holders[id]; !begun || !h.Live || s.Status.Final() || !fileName(id) {
		return fmt.Errorf("trial %s: %w", id, ErrNotRunning)
	}
	return v.ask(pruneRequest(id, holders[id].Generation))
}

// AskToStop asks all processes that have the study open for writing and may be alive to leave, and returns how many those are. Errors:
// ErrNotRunning if there is none, ErrStorage.
func (v *View) AskToStop() (asked int, err error) {
	processes, err := v.Writers()
	if err != nil {
		return 0, err
	}
	for _, p := range processes {
		if !p.Live || p.PID == 0 {
			continue
		}
		if err := v.ask(stopRequest(p.Name)); err != nil {
			return asked, err
		}
		asked++
	}
	if asked == 0 {
		return 0, fmt.Errorf("%s: %w", v.dir, ErrNotRunning)
	}
	return asked, nil
}

func pruneRequest(id string, generation int) string {
	return fmt.Sprintf("prune.%s.%06d", id, generation)
}
func stopRequest(writer string) string { return "stop." + writer }

// ask makes the file of a request.
func (v *View) ask(name string) error {
	path := filepath.Join(v.dir, requestFolder, name)
	if err := durable.MkdirAll(filepath.Dir(path)); err != nil {
		return err
	}
	return durable.WriteShared(path, func(w io.Writer) error {
		_, err := io.WriteString(w, "asked by hand\n")
		return err
	})
}

// request is the name of a file in the folder of requests, taken apart.
type request struct {
	trial      string // to prune; empty: to stop
	generation int
	writer     string // to stop
}

// parseRequest takes the name of a file apart.
func parseRequest(name string) (r request, ok bool) {
	if writer, found := strings.CutPrefix(name, "stop."); found {
		return request{writer: writer}, writer != ""
	}
	rest, found := strings.CutPrefix(name, "prune.")
	dot := strings.LastIndexByte(rest, '.')
	if !found || dot <= 0 {
		return request{}, false
	}
	g, err := strconv.Atoi(rest[dot+1:])
	r = request{trial: rest[:dot], generation: g}
	return r, err == nil && g > 0 && pruneRequest(r.trial, g) == name
}

// requests lists the requests that are there, by the names of their files.
func (v *View) requests() (map[string]request, error) {
	dir := filepath.Join(v.dir, requestFolder)
	files, _, err := regular.Names(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, durable.StorageError(dir, err)
	}
	list := map[string]request{}
	for _, name := range files {
		if r, ok := parseRequest(name); ok {
			list[name] = r
		}
	}
	return list, nil
}

// Requests returns the trials and the processes that were asked to end and have not yet.
func (v *View) Requests() (trials, writers map[string]bool, err error) {
	all, err := v.requests()
	trials, writers = map[string]bool{}, map[string]bool{}
	for _, r := range all {
		switch {
		case r.trial == "":
			writers[r.writer] = true
		case !v.answered(r):
			trials[r.trial] = true
		}
	}
	return trials, writers, err
}

// answered reports whether a request to prune stands for nothing any more.
func (v *View) answered(r request) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	t := v.fold.trials[r.trial]
	if t == nil || t.forgotten >= r.generation {
		return true
	}
	for _, g := range t.generations {
		for _, row := range g.rows {
			if row.outcome != nil && g.number >= r.generation {
				return true
			}
		}
	}
	return false
}

// AskedToPrune reports whether somebody has asked to end the trial, whichever process had it then.
func (c *Claim) AskedToPrune() (bool, error) {
	all, err := c.w.view.requests()
	for _, r := range all {
		if r.trial == c.Trial && r.generation <= c.Generation && !c.w.view.answered(r) {
			return true, nil
		}
	}
	return false, err
}

// AskedToStop reports whether somebody has asked this process to leave.
func (w *Writer) AskedToStop() bool {
	return exists(filepath.Join(w.view.dir, requestFolder, stopRequest(w.name)))
}

// removeRequests removes the requests for which answered is true.
func (v *View) removeRequests(answered func(request) bool) error {
	all, err := v.requests()
	if err != nil {
		return err
	}
	for name, r := range all {
		if !answered(r) {
			continue
		}
		if err := durable.Remove(filepath.Join(v.dir, requestFolder, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// sweepRequests removes requests that are answered, and those to processes that are gone.
func (w *Writer) sweepRequests() error {
	live, err := w.view.living()
	if err != nil {
		return err
	}
	return w.view.removeRequests(func(r request) bool {
		if r.trial == "" {
			return !live[r.writer]
		}
		return w.view.answered(r)
	})
}
