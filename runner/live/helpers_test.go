package live_test

import (
	"bytes"
	"context"
	"image"
	"image/png"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/live"
)

const token = "a-token-for-tests-0123456789"

func must(t testing.TB, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func picture(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	must(t, png.Encode(&b, image.NewGray(image.Rect(0, 0, 2, 2))))
	return b.Bytes()
}

// study is a made-up study that a writer of this process has open.
type study struct {
	*results.Writer
	dir    string
	claims map[string]*results.Claim
}

// newStudy makes a study with a text as its name and one hyperparameter of type string.
func newStudy(t testing.TB, name string) *study {
	t.Helper()
	dir := t.TempDir()
	w, err := results.Create(dir, results.Meta{Study: name, Script: "made-up.star", ScriptHash: "0", Version: "test",
		Columns: []results.Column{{Name: "note", Kind: spec.String}}, Metrics: []string{"loss_generator", "fid"},
		Losses: []string{"loss_generator"}, Objectives: []results.Objective{{Metric: "fid", Direction: pareto.Min}}}, nil,
		results.Options{Now: time.Now})
	must(t, err)
	t.Cleanup(func() { w.Close() })
	return &study{w, dir, map[string]*results.Claim{}}
}

// begin begins a trial.
func (s *study) begin(t testing.TB, id, note string) {
	t.Helper()
	c, err := s.Claim(id)
	must(t, err)
	s.claims[id] = c
	must(t, c.Begin(results.Trial{ID: id, Configuration: "c-" + id, Point: results.Values{"note": note}, Started: time.Now(), Length: 9,
		Data: "ring()"}, nil))
}

// epoch records the next epoch of a trial.
func (s *study) epoch(t testing.TB, id string, n int) {
	t.Helper()
	must(t, s.claims[id].AppendEpoch(results.Epoch{Trial: id, Epoch: n, Evaluated: true, Backend: "cpu",
		Metrics: results.Metrics{"loss_generator": 1 / float64(n), "fid": 10 / float64(n)}}))
}

func (s *study) end(t testing.TB, id string, status results.Status, reason string) {
	t.Helper()
	must(t, s.claims[id].Finish(results.Outcome{Trial: id, Status: status, Reason: reason}), s.claims[id].Release())
}

// server serves a directory at an address of this machine while the test runs.
type server struct {
	live.Config
	url    string
	client *http.Client
}

// serve serves a directory; options change the configuration.
func serve(t testing.TB, dir string, options ...func(*live.Config)) *server {
	t.Helper()
	l, err := live.Listen("127.0.0.1:0")
	must(t, err)
	return serveAt(t, l, dir, options...)
}

func serveAt(t testing.TB, l net.Listener, dir string, options ...func(*live.Config)) *server {
	t.Helper()
	c := live.Config{Dir: dir, Open: func(dir string) (*results.View, error) { return results.Open(dir) }, Now: time.Now, Token: token,
		Every: 20 * time.Millisecond, Share: 2}
	for _, o := range options {
		o(&c)
	}
	s := live.New(c)
	ctx, cancel := context.WithCancel(context.Background())
	var served sync.WaitGroup
	served.Go(func() {
		if err := s.Serve(ctx, l); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		cancel()
		served.Wait()
	})
	x := &server{c, "http://" + l.Addr().String(), &http.Client{Timeout: 20 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) { // until it has opened the study
		_, body := x.get(t, "/", withToken)
		if !strings.Contains(body, "No process has begun") || time.Now().After(deadline) || !exists(dir) {
			return x
		}
	}
}

// do sends a request. Changes are made to it before.
func (s *server) do(t testing.TB, method, path string, changes ...func(*http.Request)) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequest(method, s.url+path, nil)
	must(t, err)
	for _, change := range changes {
		change(r)
	}
	answer, err := s.client.Do(r)
	must(t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	must(t, err)
	return answer, string(body)
}

func (s *server) get(t testing.TB, path string, changes ...func(*http.Request)) (*http.Response, string) {
	t.Helper()
	return s.do(t, http.MethodGet, path, changes...)
}

// header returns a change of a request.
func header(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

func host(name string) func(*http.Request) { return func(r *http.Request) { r.Host = name } }

var withToken = header("Authorization", "Bearer "+token)

func private(c *live.Config) { c.Private = true }

func exists(dir string) bool {
	_, err := results.Open(dir)
	return err == nil
}
