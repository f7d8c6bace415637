// Package live shows a study in a browser while it is trained: the sections of its report, who trains what, and a page for each trial,
// kept up to date by server-sent events. It is an http.Handler over a results.View, so that it also shows a study that other processes
// write, and it needs neither the script nor a device. Package runner alone imports it, for serve and run --serve.
//
// A study is private and what runs it costs money, so these rules hold (guard.go): a page is for the machine itself unless an address says
// otherwise, and then needs a token; buttons need it in any case, and the page's own origin; the name in a request must be one of
// the machine, so that no other site can pass as it; pages run no script but the one that is served beside them. Nothing in a request
// names a file: pictures come from the journals of the study.
package live

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/starsweep/starsweep/results"
)

// Config is what a Server shows, and to whom.
type Config struct {
	Dir     string                                  // of the study, as commands name it
	Open    func(dir string) (*results.View, error) // until it succeeds, pages say that the study has not begun
	Now     func() time.Time
	Token   string        // with it buttons work; empty: there are none
	Private bool          // pages need the token as well
	Every   time.Duration // how often it looks at the study; 0: a second
	Share   float64       // of the time that drawing may take; 0: 2 %

	Patience time.Duration // how long a client may take to receive what it is sent before it is dropped; 0: ten seconds
}

// Server serves the pages of a study.
type Server struct {
	Config
	handler http.Handler
	board   *board
	quick   *purse // for what takes milliseconds
	slow    *purse // for the report

	mu   sync.Mutex
	view *results.View // nil until it is opened
	err  error         // why it is not, or cannot be read
}

// defaultShare is the share of the time that drawing may take. The two purses have a half each, so that a report of seconds does not
// keep the rest from being up to date.
const defaultShare = 0.02

// New returns a server that shows a study once Run runs.
func New(c Config) *Server {
	if c.Every == 0 {
		c.Every = time.Second
	}
	if c.Patience == 0 {
		c.Patience = 10 * time.Second
	}
	if c.Share == 0 {
		c.Share = defaultShare
	}
	s := &Server{Config: c, quick: &purse{share: c.Share / 2}, slow: &purse{share: c.Share / 2}}
	for _, t := range templates.Templates() { // whose first use takes many times as long as the others
		_ = t.Execute(io.Discard, nil)
	}
	s.board = newBoard(c.Now, s.quick, s.slow)
	s.handler = s.guarded(s.routes())
	return s
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Run follows the study until ctx is done.
func (s *Server) Run(ctx context.Context) {
	var beside sync.WaitGroup
	defer beside.Wait()
	for _, p := range []*purse{s.quick, s.slow} {
		beside.Go(func() { s.board.paint(ctx, p, s.Every) })
	}
	beside.Go(func() { s.look(ctx) })
	for ctx.Err() == nil {
		err := s.follow(ctx)
		s.mu.Lock()
		s.err = err
		s.mu.Unlock()
		select {
		case <-ctx.Done():
		case <-time.After(s.Every):
		}
	}
}

// follow opens the study and reads it as others write it.
func (s *Server) follow(ctx context.Context) error {
	v, err := s.Open(s.Dir)
	if err != nil {
		return err
	}
	s.mu.Lock()
	before := s.view
	s.view, s.err = v, nil
	s.mu.Unlock()
	if before != nil {
		_ = before.Close() // of files that are read only
	}
	s.board.outdate(func(string) bool { return true })
	for e, err := range v.Follow(ctx, s.Every) {
		if err != nil {
			return err
		}
		s.board.outdate(func(name string) bool { return name == reportTopic || name == trialTopic+e.Trial })
	}
	return nil
}

// look outdates what changes without an entry in a journal: who is there, and whether the study can be read.
func (s *Server) look(ctx context.Context) {
	tick := time.NewTicker(s.Every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			s.board.outdate(func(name string) bool { return name != reportTopic })
		}
	}
}

// current is the view, and why it is not up to date or is nil.
func (s *Server) current() (*results.View, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.view, s.err
}

// Times and sizes that bound what a client can take.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 15 * time.Second
	writeTimeout  = 30 * time.Second
	idleTimeout   = time.Minute
	mostHeader    = 16 << 10
	mostBody      = 4 << 10
)

// Serve serves pages at an address that Listen has opened until ctx is done, which is not an error.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	h := &http.Server{Handler: s, ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: mostHeader, ErrorLog: silent(),
		BaseContext: func(net.Listener) context.Context { return ctx }} // its end ends those who follow
	var beside sync.WaitGroup
	defer beside.Wait()
	defer cancel()
	beside.Go(func() { s.Run(ctx) })
	ended := make(chan error, 1)
	go func() { ended <- h.Serve(l) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	late, stop := context.WithTimeout(context.Background(), time.Second)
	defer stop()
	if err := h.Shutdown(late); err != nil {
		return h.Close()
	}
	return nil
}

// Listen opens an address: HOST:PORT, or :PORT for the machine itself. Port 0 is any that is free.
func Listen(address string) (net.Listener, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("got %q, want an address such as :8080 or 0.0.0.0:8080", address)
	}
	if host == "" {
		host = "127.0.0.1"
	}
	l, err := net.Listen("tcp", net.JoinHostPort(host, port))
	if inUse(err) {
		return nil, fmt.Errorf("%s is in use by another process: choose another port, or 0 for any that is free", address)
	}
	var wrong *net.OpError
	if errors.As(err, &wrong) && wrong.Err != nil {
		return nil, fmt.Errorf("%s: %w", address, wrong.Err)
	}
	return l, err
}

// Open reports whether others than this machine can reach a listener.
func Open(l net.Listener) bool {
	a, ok := l.Addr().(*net.TCPAddr)
	return !ok || !a.IP.IsLoopback()
}

// URL is where a browser finds the pages.
func (s *Server) URL(l net.Listener) string {
	host, port, _ := net.SplitHostPort(l.Addr().String())
	if a, ok := l.Addr().(*net.TCPAddr); ok && a.IP.IsUnspecified() {
		host = hostname()
	}
	url := "http://" + net.JoinHostPort(host, port) + "/"
	if s.Token != "" {
		url += "?token=" + s.Token
	}
	return url
}

// Topics of the board. Those of trials are trialTopic with the ID.
const (
	stateTopic  = "state"
	reportTopic = "report"
	trialTopic  = "trial:"
)

// topic makes the board have a topic, and reports whether there is one of this name.
func (s *Server) topic(v *results.View, name string) bool {
	switch id, ofTrial := strings.CutPrefix(name, trialTopic); {
	case name == stateTopic:
		return s.board.add(name, s.quick, func() ([]Section, error) { return s.stateSections() })
	case name == reportTopic:
		return s.board.add(name, s.slow, func() ([]Section, error) { return s.reportSections() })
	case ofTrial && v != nil:
		_, found := v.State(id)
		return found && s.board.add(name, s.quick, func() ([]Section, error) { return s.trialSections(id) })
	}
	return false
}
