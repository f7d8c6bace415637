package claim

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
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
		if plainRune(r) {
			return r
		}
		return -1
	}, host)
	if name == "" {
		return "host"
	}
	return name[:min(len(name), 32)]
}

// plainRune reports whether the name of a writer may have a character.
func plainRune(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-'
}

// IsWriter reports whether a file in the folder of writers has a name that NewWriter may have given.
func IsWriter(file string) bool {
	return file != "" && !strings.ContainsFunc(file, func(r rune) bool { return !plainRune(r) })
}

// parse returns the writer that a file describes, the zero Writer if it describes none.
func parse(content []byte) Writer {
	var w Writer
	if err := json.Unmarshal(content, &w); err != nil {
		return Writer{} // a file that is being created, or damaged
	}
	return w
}

// StaleAfter is the age of a heartbeat that a living writer does not have.
const StaleAfter = 60 * time.Second

// Options are the zero value, but in tests.
type Options struct {
	HeartbeatEvery time.Duration // 10 s
	StaleAfter     time.Duration // the constant of this name

	ModTime func(path string) (time.Time, error) // when a file was last written, by the clock of the file system
	Dead    func(Writer) bool                    // reports that a writer was a process of this machine and has ended
}

func (o Options) normal() Options {
	if o.HeartbeatEvery == 0 {
		o.HeartbeatEvery = 10 * time.Second
	}
	if o.StaleAfter == 0 {
		o.StaleAfter = StaleAfter
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
	if errors.Is(err, fs.ErrPermission) { // it is of another user, and the answer may be late
		info, err := os.Stat(path)
		if err != nil {
			return time.Time{}, err
		}
		return info.ModTime(), nil
	} else if err != nil {
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
	folders := []string{"claims", "writers"}
	for _, s := range Sequences {
		folders = append(folders, string(s))
	}
	for _, folder := range folders {
		if err := durable.MkdirAll(filepath.Join(dir, folder)); err != nil {
			return nil, err
		}
	}
	content, err := json.Marshal(w)
	if err != nil {
		return nil, err
	}
	d := &Desk{witness: newWitness(dir, o), w: w, content: append(content, '\n'), link: os.Link,
		held: map[string]*Claim{}, known: map[string]knownClaim{}}
	d.now = d.probe
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
	d.ticks++
	return d.write()
}

func (d *Desk) write() error {
	path := d.heartbeat(d.w.Name)
	f, err := regular.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o666)
	if err != nil {
		return durable.StorageError(path, err)
	}
	_, err = f.WriteAt(d.content, 0)
	return durable.StorageError(path, errors.Join(err, f.Close()))
}

// probe is the time by the clock of the file system. It is no tick: a process that looks twice has not waited.
func (d *Desk) probe() (time.Time, error) {
	if err := d.write(); err != nil {
		return time.Time{}, err
	}
	now, err := d.o.ModTime(d.heartbeat(d.w.Name))
	return now, durable.StorageError(d.heartbeat(d.w.Name), err)
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
	list, err := readWriters(d.dir)
	if err != nil {
		return nil, nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range list {
		w := s.Writer
		if w.Name == d.w.Name {
			continue
		}
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

// stale reports whether w is another writer, which can no longer train.
func (d *Desk) stale(w Writer) (bool, error) {
	if w.Name == d.w.Name {
		return false, nil
	}
	return d.witness.stale(w)
}

// Watch returns once it is known of the other writers whether they live, for as long as ctx is not done. A heartbeat that is young by the
// clock of the file system is of one that does. One that is old is watched until it moves, or has stood still for long enough; tell is
// told before of whom that is so.
func (d *Desk) Watch(ctx context.Context, tell func([]Writer)) error {
	others, err := d.Others()
	if err != nil || len(others) == 0 {
		return err
	}
	return d.watch(ctx, &d.mu, others, d.o.HeartbeatEvery/10, func() {}, tell) // it ticks when it beats
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
