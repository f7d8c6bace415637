package results

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/internal/durable"
	"github.com/starsweep/starsweep/internal/regular"
	"github.com/starsweep/starsweep/results/internal/claim"
)

// Problem is something that Verify found in a file of a study, or in the study as a whole if the path is empty.
type Problem struct {
	Path     string // below the study's directory
	What     string
	Harmless bool // nothing is lost or wrong: the next run clears it up, or it is no file of the study
}

// Verified counts what Verify checked.
type Verified struct{ Trials, Journals, Tables, Rows, Checkpoints int }

// verifier checks a study.
type verifier struct {
	ctx  context.Context
	dir  string
	view *View
	live map[string]bool // writers
	tell func(Problem)
	lost bool // journals have lost something that no repair has acknowledged
	Verified
}

// Verify checks a study without changing it: that its journals are whole, that the IDs of trials are those of their content, that the
// tables have the rows of the journals, each once, that checkpoints are whole, and that there are no other files. It reports what it finds
// in the order of the files. While processes write the study, its tables are not compared; see View.Watch. Errors are those of Open and
// of ctx, and of folders that cannot be read; a file that cannot be read is a problem, as is a study.json that is damaged. Of an extract,
// VerifyTables checks the tables.
func Verify(ctx context.Context, dir string, o Options, report func(Problem)) (Verified, error) {
	x := &verifier{ctx: ctx, dir: dir, tell: report}
	if f, err := readFile(dir); err == nil && f.Plan != nil {
		return VerifyTables(ctx, dir, report)
	}
	dead, err := claim.Watch(ctx, dir, o.claims(), o.watching()) // before all else, since it may take a minute
	if err != nil {
		return x.Verified, err
	}
	published, err := lastPublished(dir) // before the journals are read, since writers may append meanwhile
	if err != nil {
		return x.Verified, err
	}
	if x.view, err = Open(dir); errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrStorage) {
		x.problem("", "%v", err)
		return x.Verified, nil
	} else if err != nil {
		return x.Verified, err
	}
	defer x.view.Close()
	x.view.dead = dead
	if x.live, err = x.view.living(); err != nil {
		return x.Verified, err
	}
	if err := x.view.file.damage; err != nil {
		x.problem(studyFile, "%s", strings.TrimPrefix(err.Error(), filepath.Join(dir, studyFile)+" "))
	}
	x.journals(published)
	x.trials()
	steps := []func() error{x.tables, x.checkpoints, x.decisions, x.presence, x.claims, x.requests, x.others}
	for _, step := range steps {
		if err := errors.Join(context.Cause(ctx), step()); err != nil {
			return x.Verified, err
		}
	}
	return x.Verified, nil
}

func (x *verifier) problem(path, format string, a ...any) {
	x.tell(Problem{Path: path, What: fmt.Sprintf(format, a...)})
}

func (x *verifier) harmless(path, format string, a ...any) {
	x.tell(Problem{path, fmt.Sprintf(format, a...), true})
}

// journals reports what the journals have lost.
func (x *verifier) journals(published map[string]int64) {
	x.Journals = len(x.view.Journals())
	if x.view.Outdated() {
		published = map[string]int64{} // by lines, not by places
	}
	losses := x.view.losses(published, func(name string) bool { return x.live[name] })
	x.lost = len(losses) > 0
	for _, l := range losses {
		path := x.view.journals.path(l.writer)
		below, err := filepath.Rel(x.dir, path)
		if err != nil {
			below = path
		}
		x.problem(filepath.ToSlash(below), "%s", strings.TrimPrefix(x.view.describe(l), path+": "))
	}
}

// trials reports trials that have lost rows, and those whose IDs are not those of their content.
func (x *verifier) trials() {
	x.view.mu.Lock()
	defer x.view.mu.Unlock()
	for _, t := range x.view.fold.ordered() {
		x.Trials++
		if epochs, samples := t.incomplete(); epochs > 0 || samples > 0 {
			x.problem("", "trial %s: %d epochs and %d sample sheets are lost", t.id, epochs, samples)
		}
		switch left := fmt.Sprintf("trial %s: %d rows are left out since those that they depend on are lost", t.id, t.orphans); {
		case t.orphans == 0:
		case x.lost:
			x.problem("", "%s", left)
		case t.ended == nil: // a finished one has been trained again since
			x.harmless("", "%s: the next run trains them again", left)
		}
		if want := spec.TrialID(t.Configuration, uint32(t.Seed)); t.id != want && x.view.journals.old == nil {
			x.problem("", "trial %s: its configuration %s and seed %d are those of trial %s", t.id, t.Configuration, t.Seed, want)
		}
	}
}

// checkpoints loads every checkpoint.
func (x *verifier) checkpoints() error {
	ours := func(name string) bool { return strings.HasSuffix(name, checkpointSuffix) }
	return x.each("checkpoints", ours, func(name string) error {
		path, id := "checkpoints/"+name, strings.TrimSuffix(name, checkpointSuffix)
		c, err := x.view.LoadCheckpoint(id)
		last := x.view.lastEpoch(id)
		_, begun := x.view.State(id)
		if err == nil && (!begun || c.Row.Epoch > last+1) { // written since the journals were read, it may be
			if _, err := x.view.Refresh(); err != nil {
				return err
			}
			last = x.view.lastEpoch(id)
			_, begun = x.view.State(id)
		}
		switch {
		case errors.Is(err, fs.ErrNotExist): // its trial has ended
			return nil
		case err != nil:
			x.problem(path, "%s", strings.TrimPrefix(err.Error(), x.view.checkpointPath(id)+": "))
		case !begun:
			x.harmless(path, "the study has no such trial")
		case c.Row.Epoch > last+1:
			x.problem(path, "it is of epoch %d, but the journals have only %d epochs of the trial", c.Row.Epoch, last)
		}
		x.Checkpoints++
		return nil
	})
}

// decisions parses every decision.
func (x *verifier) decisions() (err error) {
	number := func(name string) (n int, ours bool) {
		_, err := fmt.Sscanf(name, "%06d.json", &n)
		return n, err == nil && name == fmt.Sprintf("%06d.json", n)
	}
	for _, s := range claim.Sequences {
		err = errors.Join(err, x.each(string(s), func(name string) bool { _, ours := number(name); return ours }, func(name string) error {
			n, _ := number(name)
			if text, err := claim.ReadDecision(x.dir, s, n); err != nil || !json.Valid(text) {
				x.problem(filepath.Join(string(s), name), "not the decision that its name says")
			}
			return nil
		}))
	}
	return err
}

// presence reports what is in the folders of journals, claims and heartbeats, and of no process that wrote the study.
func (x *verifier) presence() error {
	empty := func(folder string) func(name string) error {
		return func(name string) error {
			if info, err := os.Stat(filepath.Join(x.dir, folder, name)); err == nil && info.Size() == 0 && !x.writing() {
				x.harmless(folder+"/"+name, "it is empty")
			}
			return nil
		}
	}
	var err error
	if !x.view.Outdated() { // whose journal is a file
		err = x.each(journalFolder, fileName, empty(journalFolder))
	}
	return errors.Join(err, x.each("claims", claim.IsClaim, empty("claims")),
		x.each("writers", claim.IsWriter, func(string) error { return nil })) // see claims
}

// claims reports what processes that have ended left behind.
func (x *verifier) claims() error {
	r, err := x.view.presence()
	for _, w := range r.Writers {
		switch {
		case w.Unreadable != nil && !w.Dead:
			x.harmless("writers/"+w.Name, "%v", w.Unreadable)
		case w.Dead:
			x.harmless("writers/"+w.Name, "%s has ended without leaving the study", w.Writer)
		}
	}
	for _, c := range r.Claims {
		if c.Stale {
			x.harmless(fmt.Sprintf("claims/%s.%06d", c.Trial, c.Generation), "%s has ended without giving the trial up", c.Owner)
		}
	}
	return err
}

// requests reports what nobody has removed of requests that stand for nothing any more.
func (x *verifier) requests() error {
	ours := func(name string) bool { _, ours := parseRequest(name); return ours }
	return x.each(requestFolder, ours, func(name string) error {
		switch r, _ := parseRequest(name); {
		case r.trial == "" && !x.live[r.writer]:
			x.harmless(requestFolder+"/"+name, "the process has ended")
		case r.trial != "" && x.view.answered(r):
			x.harmless(requestFolder+"/"+name, "the trial has ended")
		}
		return nil
	})
}

// others reports files that are not of the study.
func (x *verifier) others() error {
	known := append(sequences(), journalFolder, "checkpoints", "claims", "writers", "script", requestFolder, studyFile, "report.html",
		"MANIFEST.json") // of an archive that was unpacked
	for _, t := range Tables() {
		known = append(known, string(t))
	}
	if x.view.Outdated() {
		known = append(known, "lock")
	}
	files, others, err := x.names(".")
	for _, name := range slices.Concat(files, others) {
		switch {
		case name == keptJournal:
			x.harmless(name, "the journal before the upgrade, which may be deleted")
		case !slices.Contains(known, name):
			x.harmless(name, "not a file of the study")
		}
	}
	return err
}

// names are the regular files in a folder of the study, and whatever else is there, but for what a crash left half-written. A folder that
// does not exist has none.
func (x *verifier) names(folder string) (files, others []string, err error) {
	dir := filepath.Join(x.dir, folder)
	files, others, err = regular.Names(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, durable.StorageError(dir, err)
	}
	files = slices.DeleteFunc(files, func(name string) bool {
		half := strings.HasSuffix(name, durable.TempSuffix)
		if half && len(x.live) == 0 {
			x.harmless(filepath.ToSlash(filepath.Join(folder, name)), "left half-written by a process that ended")
		}
		return half
	})
	return files, others, nil
}

// each calls f for the files in a folder of the study that have a name of ours, and reports whatever else is there.
func (x *verifier) each(folder string, ours func(string) bool, f func(name string) error) error {
	files, others, err := x.names(folder)
	if err != nil {
		return err
	}
	for _, name := range others {
		x.harmless(folder+"/"+name, "not a file of the study: %v", otherThanFile(filepath.Join(x.dir, folder, name)))
	}
	for _, name := range files {
		if x.ctx.Err() != nil {
			return context.Cause(x.ctx)
		}
		if !ours(name) {
			x.harmless(folder+"/"+name, "not a file of the study")
		} else if err := f(name); err != nil {
			return err
		}
	}
	return nil
}

// writing reports whether a process writes the study.
func (x *verifier) writing() bool {
	return slices.Contains(slices.Collect(maps.Values(x.live)), true)
}
