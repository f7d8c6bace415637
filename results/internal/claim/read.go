package claim

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/starsweep/starsweep/internal/durable"
	"github.com/starsweep/starsweep/internal/regular"
)

// Reading is what a process finds that writes nothing, so that it cannot ask the file system for the time.
type Reading struct {
	Claims  []Info // ordered by trial; stale only where the owner is known to be dead or has no heartbeat
	Writers []Seen // ordered by name
}

// Seen is a writer with its last heartbeat, by the clock of the file system.
type Seen struct {
	Writer
	Beat       time.Time
	Dead       bool  // for certain: it was a process of this machine
	Unreadable error // why the heartbeat does not say who the writer is
}

// errNoWriter is the error for a heartbeat that is being created, or damaged.
var errNoWriter = errors.New("it does not say who the writer is")

// readWriters returns the writers of the study in dir, also those of heartbeats that cannot be read, ordered by name.
func readWriters(dir string) (list []Seen, err error) {
	names, err := names(filepath.Join(dir, "writers"))
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if !IsWriter(name) {
			continue
		}
		path := filepath.Join(dir, "writers", name)
		content, err := regular.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) { // closed since
			continue
		}
		s := Seen{Writer: parse(content), Unreadable: err}
		if s.PID == 0 && err == nil {
			s.Unreadable = errNoWriter
		}
		info, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return nil, durable.StorageError(path, err)
		}
		s.Name, s.Beat, s.Dead = name, info.ModTime(), ended(s.Writer) // the name is that of the file, whatever it says
		list = append(list, s)
	}
	return list, nil
}

// Read returns the claims and the writers of the study in dir. Without the folders there are none.
func Read(dir string) (r Reading, err error) {
	if r.Writers, err = readWriters(dir); err != nil {
		return Reading{}, err
	}
	claims, err := current(dir)
	if err != nil {
		return Reading{}, err
	}
	for _, c := range claims {
		content, err := read(claimPath(dir, c.Trial, c.Generation))
		if err != nil {
			return Reading{}, err
		}
		if content == nil { // released since
			continue
		}
		owner := parse(content)
		at := slices.IndexFunc(r.Writers, func(s Seen) bool { return s.Name == owner.Name })
		r.Claims = append(r.Claims, Info{Claim: c, Owner: owner, Stale: at < 0 || r.Writers[at].Dead})
	}
	return r, nil
}
