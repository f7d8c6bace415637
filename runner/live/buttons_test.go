package live_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/results"
)

func TestButtonsNeedTheTokenAndTheOriginOfThePage(t *testing.T) {
	s := newStudy(t, "digits")
	s.begin(t, "a1", "x")
	for name, x := range map[string]*server{"of this machine": serve(t, s.dir), "for others": serve(t, s.dir, private)} {
		own := header("Origin", x.url)
		for _, path := range []string{"/stop", "/trials/a1/prune"} {
			for what, changes := range map[string][]func(*http.Request){
				"without a token":            {own},
				"with another token":         {own, header("Authorization", "Bearer "+token+"x")},
				"with the token as a query":  {own, func(r *http.Request) { r.URL.RawQuery = "token=" + token }},
				"from another site":          {withToken, header("Origin", "http://evil.example")},
				"from a page without origin": {withToken, header("Origin", "null")},
				"as browsers say it":         {withToken, own, header("Sec-Fetch-Site", "cross-site")},
				"from another port":          {withToken, header("Origin", "http://127.0.0.1:1"), header("Sec-Fetch-Site", "same-site")},
			} {
				if answer, body := x.do(t, http.MethodPost, path, changes...); answer.StatusCode != http.StatusForbidden {
					t.Errorf("%s, %s %s: got %s %s", name, path, what, answer.Status, body)
				}
			}
			if answer, _ := x.get(t, path, withToken); answer.StatusCode != http.StatusNotFound && answer.StatusCode != http.StatusMethodNotAllowed {
				t.Errorf("%s, %s: got %s for a link", name, path, answer.Status)
			}
		}
	}
	if _, err := os.Stat(filepath.Join(s.dir, "requests")); err == nil {
		t.Error("something was asked for")
	}
}

func TestAButtonAsksTheProcessThatTrains(t *testing.T) {
	s := newStudy(t, "digits")
	s.begin(t, "a1", "x")
	s.begin(t, "a2", "y")
	x := serve(t, s.dir)
	answer, body := x.do(t, http.MethodPost, "/trials/a1/prune", withToken, header("Origin", x.url))
	if answer.StatusCode != http.StatusSeeOther || answer.Header.Get("Location") != "/trials/a1" {
		t.Fatalf("got %s to %s\n%s", answer.Status, answer.Header.Get("Location"), body)
	}
	for id, want := range map[string]bool{"a1": true, "a2": false} {
		if got, err := s.claims[id].AskedToPrune(); got != want || err != nil {
			t.Errorf("%s is asked to end: %t, %v", id, got, err)
		}
	}
	x.follow(t, "topic=trial:a1").until(t, "live-status", "It is asked to end after this epoch.")
	s.end(t, "a2", results.Completed, "")
	x.follow(t, "topic=trial:a2").until(t, "live-status", "completed")
	for path, why := range map[string]string{"/trials/a2/prune": "nobody trains it", "/trials/absent/prune": "nobody trains it",
		"/trials/..%2f..%2fx/prune": "nobody trains it"} {
		if answer, body := x.do(t, http.MethodPost, path, withToken); answer.StatusCode != http.StatusConflict || !strings.Contains(body, why) {
			t.Errorf("%s: got %s %s", path, answer.Status, body)
		}
	}
	if answer, _ := x.do(t, http.MethodPost, "/stop", withToken); answer.StatusCode != http.StatusSeeOther || !s.AskedToStop() {
		t.Errorf("got %s; the process is asked: %t", answer.Status, s.AskedToStop())
	}
	x.follow(t, "topic=state").until(t, "live-workers", "and is asked to leave")
	must(t, s.Writer.Close())
	if answer, body := x.do(t, http.MethodPost, "/stop", withToken); answer.StatusCode != http.StatusConflict {
		t.Errorf("got %s %s where nobody trains", answer.Status, body)
	}
}
