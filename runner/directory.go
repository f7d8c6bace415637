package runner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/starsweep/starsweep/results"
)

// directory returns the directory of the study: that of the command line, or runs/NAME, or runs/NAME-PROFILE. A default directory that
// holds the study of another script is an error: two scripts with the same name share a directory only if --dir names it.
func (s *script) directory(o runOptions) (string, error) {
	if o.dir != "" {
		return o.dir, nil
	}
	name := s.Name
	if o.profile != "" {
		name += "-" + o.profile
	}
	if !folderName(name) {
		return "", usageErrorf("the study would be in runs/%q, which is not a valid name of a folder: choose another with --dir", name)
	}
	dir := filepath.Join("runs", name)
	origin, err := results.Origin(dir)
	if err != nil || origin == "" {
		return dir, nil // there is no study yet, or opening it will report the error
	}
	other := filepath.Join(dir, filepath.FromSlash(origin))
	theirs, err := os.Stat(other)
	if err != nil {
		return dir, nil // the script was moved
	}
	if ours, err := os.Stat(s.path); err != nil || os.SameFile(ours, theirs) {
		return dir, nil
	}
	return "", usageErrorf("%s holds the study of %s, and this is %s: "+
		"choose another directory with --dir, or continue that study with --dir %s",
		dir, other, s.path, dir)
}

// directoryOf returns the directory of the study that worker processes train. They load the script as well, and say what there is to say.
func (e *Env) directoryOf(ctx context.Context, path string, o runOptions) (string, error) {
	if o.dir != "" {
		return o.dir, nil
	}
	silent := *e
	silent.Stderr = io.Discard
	s, err := load(ctx, &silent, path, o.scriptOptions)
	if err != nil {
		return "", err
	}
	return s.directory(o)
}

// origin returns the path of a script relative to a directory, so that both can be moved together, or absolute if there is none.
func origin(dir, script string) string {
	from, err := filepath.Abs(dir)
	to, errTo := filepath.Abs(script)
	if err != nil || errTo != nil {
		return ""
	}
	path, err := filepath.Rel(from, to)
	if err != nil {
		return filepath.ToSlash(to)
	}
	return filepath.ToSlash(path)
}

// folderName reports whether a name is valid for a folder on every supported system, and so for a study.
func folderName(name string) bool {
	odd := func(r rune) bool { return r == '/' || r == '\\' || unicode.IsControl(r) }
	return name != "" && name != "." && name != ".." && utf8.ValidString(name) && !strings.ContainsFunc(name, odd)
}

// createStudy creates the directory of a study, or opens it to continue the study, and prints what was repaired.
func (e *Env) createStudy(dir string, m results.Meta, files map[string][]byte, device string) (*results.Writer, error) {
	options := e.options()
	options.Device, options.FlushEvery = device, flushEvery
	study, err := results.Create(dir, m, files, options)
	if err != nil {
		return nil, asUsageError(err)
	}
	e.warnOfRepairs(study.Recovery())
	e.warnOfParts(dir, study.View().Meta())
	return study, nil
}

// warnOfRepairs says what was repaired when a study was opened.
func (e *Env) warnOfRepairs(r results.Recovery) {
	const most = 20
	lines := repaired(r)
	for _, line := range lines[:min(most, len(lines))] {
		e.warn(errors.New(line))
	}
	if more := len(lines) - most; more > 0 {
		e.warn(fmt.Errorf("and %d more such notes", more))
	}
}

// repaired says what was repaired, in words.
func repaired(r results.Recovery) (lines []string) {
	if r.Dropped > 0 {
		lines = append(lines, fmt.Sprintf("discarded %d bytes at the ends of journals, which are no whole records", r.Dropped))
	}
	return append(lines, r.Notes...)
}

// warnOfParts warns of parts of a directory's path that readers take for columns, such as lr=0.5 in /scratch/lr=0.5/study: DuckDB and
// others then show the value of the path in every row instead of that of the file.
func (e *Env) warnOfParts(dir string, m results.Meta) {
	if whole, err := filepath.Abs(dir); err == nil {
		dir = whole
	}
	for part := range strings.SplitSeq(filepath.ToSlash(dir), "/") {
		name, _, isPart := strings.Cut(part, "=")
		for _, t := range results.Tables() {
			if isPart && slices.ContainsFunc(m.Fields(t), func(f results.Field) bool { return strings.EqualFold(f.Name, name) }) {
				e.warn(fmt.Errorf("%s: some readers interpret the folder %q as a value of the column %s in every row "+
					"(DuckDB: hive_partitioning = false): choose another --dir",
					dir, part, name))
				break
			}
		}
	}
}

// flushEvery is how long finished rows of a new study wait until the tables are written.
const flushEvery = 2 * time.Second

// withViews opens two studies for reading while they are compared.
func (e *Env) withViews(dirA, dirB string, do func(a, b *results.View) error) error {
	a, err := e.openView(dirA)
	if err != nil {
		return err
	}
	defer a.Close()
	b, err := e.openView(dirB)
	if err != nil {
		return err
	}
	defer b.Close()
	return do(a, b)
}

// openView opens a study for reading, and warns of damage that hides rows.
func (e *Env) openView(dir string, objectives ...results.Objective) (*results.View, error) {
	v, err := results.Open(dir, objectives...)
	if err != nil {
		return nil, asUsageError(err)
	}
	for _, what := range v.Damage() {
		e.warn(fmt.Errorf("%s; the next starsweep run of this study restores what the tables and checkpoints hold of it", what))
	}
	return v, nil
}
