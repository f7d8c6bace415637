package live_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/live"
)

// change is what a page is told.
type change struct {
	Topic    string
	All      bool
	Sections []struct{ ID, Title, HTML string }
}

// follower reads server-sent events.
type follower struct {
	answer *http.Response
	lines  *bufio.Scanner
	last   string // ID
}

func (s *server) follow(t testing.TB, query string, changes ...func(*http.Request)) *follower {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, s.url+"/events?"+query, nil)
	must(t, err)
	for _, change := range changes {
		change(r)
	}
	answer, err := http.DefaultClient.Do(r)
	must(t, err)
	t.Cleanup(func() { answer.Body.Close() })
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(nil, 10<<20)
	return &follower{answer: answer, lines: lines}
}

// next is the next event.
func (f *follower) next(t testing.TB) (list []change) {
	t.Helper()
	for f.lines.Scan() {
		if id, found := strings.CutPrefix(f.lines.Text(), "id: "); found {
			f.last = id
		}
		if data, found := strings.CutPrefix(f.lines.Text(), "data: "); found {
			must(t, json.Unmarshal([]byte(data), &list))
			return list
		}
	}
	t.Fatalf("the events end: %v", f.lines.Err())
	return nil
}

// until reads events until a section has a text, and returns how many there were.
func (f *follower) until(t testing.TB, id, text string) (events int) {
	t.Helper()
	late := time.AfterFunc(20*time.Second, func() { f.answer.Body.Close() })
	defer late.Stop()
	for {
		events++
		for _, c := range f.next(t) {
			for _, s := range c.Sections {
				if s.ID == id && strings.Contains(s.HTML, text) {
					return events
				}
			}
		}
	}
}

func TestAPageFollowsWhatOthersWrite(t *testing.T) {
	s := newStudy(t, "digits")
	s.begin(t, "a1", "first")
	x := serve(t, s.dir)
	f := x.follow(t, "topic=state&topic=report")
	f.until(t, "live-workers", "0 of 9")
	s.epoch(t, "a1", 1)
	f.until(t, "live-workers", "fid 10")
	s.end(t, "a1", results.Diverged, "loss is NaN")
	f.until(t, "live-progress", "1 of 1 trials finished")
	one := x.follow(t, "topic=trial:a1")
	one.until(t, "live-status", "loss is NaN")
	must(t, s.Writer.Close())
	f.until(t, "live-workers", "Nobody trains this study")
}

// A page that was away is sent what has changed since, and one that has everything is sent nothing.
func TestEventsGoOnWhereAPageHasLeft(t *testing.T) {
	s := newStudy(t, "digits")
	s.begin(t, "a1", "first")
	x := serve(t, s.dir)
	f := x.follow(t, "topic=trial:a1")
	first := f.next(t)
	if len(first) != 1 || !first[0].All || len(first[0].Sections) < 4 {
		t.Fatalf("got %+v at first, want all sections", first)
	}
	s.epoch(t, "a1", 1)
	f.until(t, "live-epochs", ">10</td>")
	f.answer.Body.Close()
	s.epoch(t, "a1", 2)
	again := x.follow(t, "topic=trial:a1", header("Last-Event-ID", f.last))
	got := again.next(t)
	for _, c := range got {
		for _, s := range c.Sections {
			if c.All || s.ID == "live-hyperparameters" {
				t.Errorf("got %s again", s.ID)
			}
		}
	}
	if !strings.Contains(fmt.Sprint(got), ">5</td>") {
		again.until(t, "live-epochs", ">5</td>")
	}
	if answer, _ := x.get(t, "/events?topic=trial:absent"); answer.StatusCode != http.StatusNotFound {
		t.Errorf("got %s for a trial that is not there", answer.Status)
	}
}

func TestTheNumberOfPagesThatFollowIsBounded(t *testing.T) {
	s := newStudy(t, "digits")
	x := serve(t, s.dir)
	var all []*follower
	for range 64 {
		all = append(all, x.follow(t, "topic=state"))
	}
	refused := x.follow(t, "topic=state")
	if refused.answer.StatusCode != http.StatusServiceUnavailable || refused.answer.Header.Get("Retry-After") == "" {
		t.Errorf("got %s for one too many", refused.answer.Status)
	}
	all[0].answer.Body.Close()
	for range 100 {
		if x.follow(t, "topic=state").answer.StatusCode == http.StatusOK {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Error("one that has gone is still counted")
}

// A study that has not begun has a page, which shows it once it has.
func TestAPageWaitsForItsStudy(t *testing.T) {
	dir := t.TempDir() + "/later"
	x := serve(t, dir)
	if answer, body := x.get(t, "/"); answer.StatusCode != http.StatusOK || !strings.Contains(body, "No process has begun this study yet") {
		t.Fatalf("got %s\n%s", answer.Status, body)
	}
	f := x.follow(t, "topic=state&topic=report")
	w, err := results.Create(dir, results.Meta{Study: "digits", Script: "digits.star", ScriptHash: "0", Version: "test"}, nil,
		results.Options{Now: time.Now})
	must(t, err)
	defer w.Close()
	f.until(t, "live-workers", "trains 0 trials")
}

// A client that takes nothing is dropped, and holds nobody up meanwhile.
func TestAClientThatTakesNothingIsDropped(t *testing.T) {
	s := newStudy(t, "digits")
	s.begin(t, "a1", strings.Repeat("a long text ", 50_000)) // of which the buffers of a connection hold few
	x := serve(t, s.dir, func(c *live.Config) { c.Patience = 200 * time.Millisecond })
	c, err := net.Dial("tcp", strings.TrimPrefix(x.url, "http://"))
	must(t, err)
	defer c.Close()
	_, err = io.WriteString(c, "GET /events?topic=state HTTP/1.1\r\nHost: localhost\r\n\r\n")
	must(t, err)
	f := x.follow(t, "topic=state")
	for n := 1; n <= 9; n++ {
		s.epoch(t, "a1", n)
		f.until(t, "live-workers", fmt.Sprintf("%d of 9", n))
	}
	time.Sleep(time.Second)
	must(t, c.SetReadDeadline(time.Now().Add(10*time.Second)))
	if n, err := io.Copy(io.Discard, c); err != nil { // the end, and no timeout
		t.Errorf("after %d bytes: %v, want the end", n, err)
	}
}

func TestTrialsOfTheReportLeadToTheirPages(t *testing.T) {
	s := newStudy(t, "digits")
	for _, id := range []string{"a1", "a2"} {
		s.begin(t, id, "first")
		s.epoch(t, id, 1)
		s.end(t, id, results.Completed, "")
	}
	x := serve(t, s.dir)
	var report string
	for _, c := range x.follow(t, "topic=report").next(t) {
		for _, section := range c.Sections {
			report += section.HTML
		}
	}
	if strings.Contains(report, `href="#trial-`) {
		t.Errorf("a trial leads to the table of trials\n%s", report)
	}
	for _, id := range []string{"a1", "a2"} {
		if !strings.Contains(report, `<a href="/trials/`+id+`">`) {
			t.Errorf("%s does not lead to its page\n%s", id, report)
		}
		if answer, _ := x.get(t, "/trials/"+id); answer.StatusCode != http.StatusOK {
			t.Errorf("got %s for the page of %s", answer.Status, id)
		}
	}
}

// The live page and status count by one rule.
func TestAPageCountsAsStatusDoes(t *testing.T) {
	s := newStudy(t, "digits")
	must(t, s.BeginPlan(results.Plan{Trials: []string{"a1", "a2", "a3", "a4"}, Settings: "{}", Began: time.Now()}))
	s.begin(t, "a1", "x")
	s.epoch(t, "a1", 1)
	s.begin(t, "a2", "x")
	s.end(t, "a2", results.Failed, "too large")
	s.begin(t, "more", "suggested in this plan, which does not list it")
	x := serve(t, s.dir)
	_, body := x.get(t, "/")
	for _, want := range []string{"1 of 5 trials finished", ">1 failed<", ">2 running<", ">2 waiting<", "about 0s left",
		"2 trials of the plan have not begun"} {
		if !strings.Contains(body, want) {
			t.Errorf("got no %q in\n%s", want, body)
		}
	}
}
