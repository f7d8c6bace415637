package claim

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/starsweep/starsweep/internal/durable"
)

// Reading is what a process finds that writes nothing, so that it cannot ask the file system for the time.
type Reading struct {
	Claims  []Info // ordered by trial; stale only where the owner is known to be dead or has no heartbeat
	Writers []Seen // ordered by name
}

// Seen is a writer with its last heartbeat, by the clock of the file system.
type Seen struct {
	Writer
	Beat time.Time
	Dead bool // for certain: it was a process of this machine
}

// Read returns the claims and the writers of the study in dir. Without the folders there are none.
func Read(dir string) (Reading, error) {
	var r Reading
	writers, err := names(filepath.Join(dir, "writers"))
	if err != nil {
		return Reading{}, err
	}
	slices.Sort(writers)
	for _, name := range writers {
		path := filepath.Join(dir, "writers", name)
		content, err := read(path)
		if err != nil {
			return Reading{}, err
		}
		info, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) { // closed since
			continue
		} else if err != nil {
			return Reading{}, durable.StorageError(path, err)
		}
		w := parse(content)
		w.Name = name
		r.Writers = append(r.Writers, Seen{Writer: w, Beat: info.ModTime(), Dead: ended(w)})
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
