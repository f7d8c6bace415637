package claim

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/starsweep/starsweep/internal/durable"
	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/internal/regular"
)

// Writer is a process that writes a study.
type Writer struct {
	Name      string `json:"writer"`              // unique, and safe as the name of a file
	Host      string `json:"host"`                //
	Boot      string `json:"boot,omitempty"`      // of the machine, unique
	Namespace string `json:"namespace,omitempty"` // in which PID is counted
	PID       int    `json:"pid"`
	Start     string `json:"start,omitempty"` // of the process: with another one, the PID was given to another process
	Device    string `json:"device,omitempty"`
}

// NewWriter describes this process, which trains on device, under a name that was never used before.
func NewWriter(device string) Writer {
	host, _ := os.Hostname() // empty if the machine has none
	w := Writer{Host: host, PID: os.Getpid(), Device: device}
	w.Boot, w.Namespace = machine()
	w.Start, _ = started(w.PID)
	var random [6]byte
	rand.Read(random[:]) // which never fails
	w.Name = fmt.Sprintf("%s-%d-%x", fileName(host), w.PID, random)
	return w
}

func (w Writer) String() string {
	if w.PID == 0 {
		return plain.Line(w.Name)
	}
	return fmt.Sprintf("process %d on %s", w.PID, plain.Line(w.Host))
}

// fileName is a part of the name of a file that any system accepts.
func fileName(host string) string {
	host, _, _ = strings.Cut(host, ".")
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' {
			return r
		}
		return -1
	}, host)
	if name == "" {
		return "host"
	}
	return name[:min(len(name), 32)]
}

// parse returns the writer that a file describes, the zero Writer if it describes none.
func parse(content []byte) Writer {
	var w Writer
	if err := json.Unmarshal(content, &w); err != nil {
		return Writer{} // a file that is being created, or damaged
	}
	return w
}

// Options are the zero value, but in tests.
type Options struct {
	HeartbeatEvery time.Duration // 10 s
	StaleAfter     time.Duration // 60 s

	ModTime func(path string) (time.Time, error) // when a file was last written, by the clock of the file system
	Dead    func(Writer) bool                    // reports that a writer was a process of this machine and has ended
}

func (o Options) normal() Options {
	if o.HeartbeatEvery == 0 {
		o.HeartbeatEvery = 10 * time.Second
	}
	if o.StaleAfter == 0 {
		o.StaleAfter = 60 * time.Second
	}
	if o.ModTime == nil {
		o.ModTime = modTime
	}
	if o.Dead == nil {
		o.Dead = ended
	}
	return o
}

// modTime opens the file, because a client of NFS may answer from its memory otherwise.
func modTime(path string) (time.Time, error) {
	f, err := regular.Open(path)
	if err != nil {
		return time.Time{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return time.Time{}, err
	}
	return info.ModTime(), nil
}

// Join makes w a writer of the study in dir until Close.
func Join(dir string, w Writer, o Options) (*Desk, error) {
	for _, folder := range []string{"claims", "writers", "suggestions"} {
		if err := durable.MkdirAll(filepath.Join(dir, folder)); err != nil {
			return nil, err
		}
	}
	content, err := json.Marshal(w)
	if err != nil {
		return nil, err
	}
	d := &Desk{dir: dir, w: w, content: append(content, '\n'), o: o.normal(), link: os.Link,
		held: map[string]*Claim{}, seen: map[string]sighting{}, known: map[string]knownClaim{}}
	if err := d.create(d.heartbeat(w.Name)); err != nil {
		return nil, durable.StorageError(d.heartbeat(w.Name), err)
	}
	info, err := os.Stat(d.heartbeat(w.Name))
	if err != nil {
		return nil, durable.StorageError(d.heartbeat(w.Name), err)
	}
	d.joined = info.ModTime()
	quit, done := make(chan struct{}), make(chan struct{})
	d.stop = sync.OnceFunc(func() { close(quit); <-done })
	go func() {
		defer close(done)
		tick := time.NewTicker(d.o.HeartbeatEvery)
		defer tick.Stop()
		for {
			select {
			case <-quit:
				return
			case <-tick.C:
				d.mu.Lock()
				// A file system that refuses a heartbeat refuses rows as well, and they report it. Without heartbeats others
				// take the trials over, as they should.
				_ = d.beat()
				d.mu.Unlock()
			}
		}
	}()
	return d, nil
}

// Joined is when this writer joined, by the clock of the file system.
func (d *Desk) Joined() time.Time { return d.joined }

// Writer is who makes the claims of this desk.
func (d *Desk) Writer() Writer { return d.w }

// beat writes the heartbeat once more. Its bytes stay the same at every instant, since claims are the same file.
func (d *Desk) beat() error {
	d.beats++
	path := d.heartbeat(d.w.Name)
	f, err := regular.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o666)
	if err != nil {
		return durable.StorageError(path, err)
	}
	_, err = f.WriteAt(d.content, 0)
	return durable.StorageError(path, errors.Join(err, f.Close()))
}

// Close releases all claims and ends the writer. It may be called twice.
func (d *Desk) Close() error {
	d.stop()
	var errs []error
	for _, c := range d.claims() {
		errs = append(errs, c.Release())
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return errors.Join(append(errs, d.remove(d.heartbeat(d.w.Name)))...)
}

func (d *Desk) claims() (list []*Claim) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range d.held {
		list = append(list, c)
	}
	return list
}

// Others returns the writers that may be alive, but this one, ordered by name.
func (d *Desk) Others() ([]Writer, error) {
	others, _, err := d.writers()
	return others, err
}

// writers returns all writers but this one: those that may be alive, and those that cannot be.
func (d *Desk) writers() (others, dead []Writer, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	names, err := names(filepath.Join(d.dir, "writers"))
	if err != nil {
		return nil, nil, err
	}
	slices.Sort(names)
	for _, name := range names {
		if name == d.w.Name {
			continue
		}
		content, err := read(d.heartbeat(name))
		if err != nil {
			return nil, nil, err
		}
		w := parse(content)
		w.Name = name // whatever the file says
		stale, err := d.stale(w)
		switch {
		case err != nil:
			return nil, nil, err
		case stale:
			dead = append(dead, w)
		default:
			others = append(others, w)
		}
	}
	return others, dead, nil
}

// sighting is what a heartbeat was when it was first seen so.
type sighting struct {
	written time.Time // zero: there was no heartbeat
	beat    int       // of the one who looks
}

// patience is how many times this writer must have beaten before it believes that another one does not. A writer that was itself
// stopped, with its machine perhaps, has not beaten meanwhile and knows nothing about others. A clock that jumps makes a heartbeat old
// but does not hold it still.
const patience = 3

// stale reports whether w can no longer train: its process has ended, or its heartbeat stands still and is old by the clock of the file
// system, for which this writer's own heartbeat, written now, is the probe. If that clock was set back, standing still for as long is
// enough.
func (d *Desk) stale(w Writer) (bool, error) {
	if w.Name == d.w.Name {
		return false, nil
	}
	if d.o.Dead(w) {
		return true, nil
	}
	written, err := d.o.ModTime(d.heartbeat(w.Name))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, durable.StorageError(d.heartbeat(w.Name), err)
	}
	s, ok := d.seen[w.Name]
	if !ok || !s.written.Equal(written) {
		d.seen[w.Name] = sighting{written, d.beats}
		return false, nil
	}
	still := d.beats - s.beat
	switch {
	case still < patience:
		return false, nil
	case written.IsZero() || still > int(d.o.StaleAfter/d.o.HeartbeatEvery):
		return true, nil
	}
	if err := d.beat(); err != nil {
		return false, err
	}
	d.beats-- // it is the ticks that count
	now, err := d.o.ModTime(d.heartbeat(d.w.Name))
	return now.Sub(written) > d.o.StaleAfter, durable.StorageError(d.heartbeat(d.w.Name), err)
}

// ended reports whether w was a process of this machine, in this namespace of processes, and has ended.
func ended(w Writer) bool {
	boot, namespace := machine()
	if host, _ := os.Hostname(); w.Boot == "" || w.Boot != boot || w.Namespace != namespace || w.Host != host {
		return false
	}
	if !exists(w.PID) {
		return true
	}
	start, zombie := started(w.PID)
	return zombie || start != "" && w.Start != "" && start != w.Start
}
