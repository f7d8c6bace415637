package runner

import (
	"os"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/starsweep/starsweep/results"
)

// directory is where the study lies: as the command line says, or runs/NAME, or runs/NAME-PROFILE. One of these that holds the study
// of another script is refused: two scripts of one name share a directory only if they are told to.
func (s *study) directory(o runOptions) (string, error) {
	if o.dir != "" {
		return o.dir, nil
	}
	name := s.Name
	if o.profile != "" {
		name += "-" + o.profile
	}
	if !folderName(name) {
		return "", usage("the study would lie in runs/%q, which is no name of a folder: choose one with --dir", name)
	}
	dir := filepath.Join("runs", name)
	origin, err := results.Origin(dir)
	if err != nil || origin == "" {
		return dir, nil // there is no study yet, or opening it will say what is wrong
	}
	other := filepath.Join(dir, filepath.FromSlash(origin))
	theirs, err := os.Stat(other)
	if err != nil {
		return dir, nil // the script was moved
	}
	if ours, err := os.Stat(s.path); err != nil || os.SameFile(ours, theirs) {
		return dir, nil
	}
	return "", usage("%s holds the study of %s, and this is %s: choose another directory with --dir, or that one with --dir %s", dir, other,
		s.path, dir)
}

// origin is the path of a script from a directory, so that both may be moved together; absolute where there is none.
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

// folderName reports whether a name can be that of a folder, on any system that starsweep runs on, and of a study.
func folderName(name string) bool {
	odd := func(r rune) bool { return r == '/' || r == '\\' || unicode.IsControl(r) }
	return name != "" && name != "." && name != ".." && utf8.ValidString(name) && !strings.ContainsFunc(name, odd)
}
