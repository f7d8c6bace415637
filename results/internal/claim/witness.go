package claim

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"sync"
	"time"

	"github.com/starsweep/starsweep/internal/durable"
)

// witness tells from heartbeats that it has seen over some time which writers are dead. It is the one definition of that.
type witness struct {
	dir   string
	o     Options
	seen  map[string]sighting       // of heartbeats, by the name of the writer
	ticks int                       // its measure of time: a witness that does not run does not tick
	now   func() (time.Time, error) // by the clock of the file system; nil: it writes nothing and cannot know
}

func newWitness(dir string, o Options) witness {
	return witness{dir: dir, o: o.normal(), seen: map[string]sighting{}}
}

// sighting is what a heartbeat was when it was first seen so.
type sighting struct {
	written time.Time // zero: there was no heartbeat
	tick    int
}

// patience is how many times a witness must have ticked, once every HeartbeatEvery, before it believes that a writer does not. One that
// was itself stopped, with its machine perhaps, has not ticked meanwhile and knows nothing about others. A clock that jumps makes a
// heartbeat old but does not hold it still.
const patience = 3

// stale reports whether w can no longer train: its process has ended, or its heartbeat stands still and is old by the clock of the file
// system. If that clock was set back, or is not known, standing still for as long is enough.
func (k *witness) stale(w Writer) (bool, error) {
	if k.o.Dead(w) {
		return true, nil
	}
	written, err := k.written(w)
	if err != nil {
		return false, err
	}
	s, ok := k.seen[w.Name]
	if !ok || !s.written.Equal(written) {
		k.seen[w.Name] = sighting{written, k.ticks}
		return false, nil
	}
	still := k.ticks - s.tick
	switch {
	case still < patience:
		return false, nil
	case written.IsZero() || still > int(k.o.StaleAfter/k.o.HeartbeatEvery):
		return true, nil
	case k.now == nil:
		return false, nil
	}
	return k.old(written)
}

func (k *witness) heartbeat(name string) string { return filepath.Join(k.dir, "writers", name) }

// written is when w last gave a sign of life, by the clock of the file system; zero if it has no heartbeat.
func (k *witness) written(w Writer) (time.Time, error) {
	at, err := k.o.ModTime(k.heartbeat(w.Name))
	if errors.Is(err, fs.ErrNotExist) {
		return time.Time{}, nil
	}
	return at, durable.StorageError(k.heartbeat(w.Name), err)
}

// watch returns once it is known of each writer in list whether it lives: one with a young heartbeat does, and one with an old heartbeat
// that moves; tell is told which heartbeats are old and are watched. Mu guards the witness, and tick is called each time before it looks.
func (k *witness) watch(ctx context.Context, mu sync.Locker, list []Writer, every time.Duration, tick func(), tell func([]Writer)) error {
	first := map[string]time.Time{}
	doubtful := func(w Writer) (bool, error) {
		mu.Lock()
		defer mu.Unlock()
		stale, err := k.stale(w)
		if stale || err != nil {
			return false, err
		}
		written, err := k.written(w)
		if at, looked := first[w.Name]; looked || err != nil {
			return written.Equal(at), err
		}
		first[w.Name] = written
		return k.old(written)
	}
	for told := false; ; told = true {
		var left []Writer
		for _, w := range list {
			doubt, err := doubtful(w)
			if err != nil {
				return err
			}
			if doubt {
				left = append(left, w)
			}
		}
		if list = left; len(list) == 0 {
			return nil
		}
		if !told {
			tell(list)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(every):
			tick()
		}
	}
}

// old reports whether a heartbeat is old enough to be that of a dead writer. The clock of this machine, which may be wrong, answers only
// for a witness that has no other one, and then decides no more than whether watching is worthwhile.
func (k *witness) old(written time.Time) (bool, error) {
	if k.now == nil {
		return !written.IsZero() && time.Since(written) > k.o.StaleAfter, nil
	}
	now, err := k.now()
	return err == nil && !written.IsZero() && now.Sub(written) > k.o.StaleAfter, err
}

// Watch returns the writers of the study in dir that are dead, with their last heartbeats. It writes nothing, and so cannot ask the file
// system for the time: old heartbeats are watched until they move, or have stood still for longer than StaleAfter. Tell is told before
// which ones that are.
func Watch(ctx context.Context, dir string, o Options, tell func([]Writer)) (dead map[string]time.Time, err error) {
	list, err := readWriters(dir)
	if err != nil {
		return nil, err
	}
	k := newWitness(dir, o)
	var writers []Writer
	for _, s := range list {
		writers = append(writers, s.Writer)
	}
	if err := k.watch(ctx, new(sync.Mutex), writers, k.o.HeartbeatEvery, func() { k.ticks++ }, tell); err != nil {
		return nil, err
	}
	dead = map[string]time.Time{}
	for _, w := range writers {
		stale, err := k.stale(w)
		if err != nil {
			return nil, err
		}
		if stale {
			dead[w.Name] = k.seen[w.Name].written
		}
	}
	return dead, nil
}
