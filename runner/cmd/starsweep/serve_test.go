//go:build linux

package main

import (
	"bufio"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/internal/chromium"
)

// served waits for the address of pages, and returns it with its token.
func (r *running) served() string {
	r.t.Helper()
	r.until("serving  http://")
	return strings.TrimSpace(r.text.String()[strings.LastIndex(r.text.String(), "serving  http://")+len("serving  "):])
}

// press presses a button of the pages at an address with a token.
func press(t *testing.T, address, button string) {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse // the page of a trial that has just begun may not be there yet
	}}
	for _, step := range []func() (*http.Response, error){
		func() (*http.Response, error) { return c.Get(address) },
		func() (*http.Response, error) {
			to, _, _ := strings.Cut(address, "/?")
			return c.PostForm(to+button, url.Values{})
		},
	} {
		answer, err := step()
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode >= http.StatusBadRequest {
			t.Fatalf("%s: got %s", button, answer.Status)
		}
	}
}

// told waits until the server of pages knows that a study stands in some way.
func told(t *testing.T, address, how string) {
	t.Helper()
	to, _, _ := strings.Cut(address, "/?")
	answer, err := http.Get(to + "/events?topic=state")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
		if strings.Contains(lines.Text(), how) {
			return
		}
	}
	t.Fatalf("the events end without %q", how)
}

// The stop button does what SIGTERM does, for all worker processes of a run and from any server of the directory.
func TestTheStopButtonEndsARunInGoodOrder(t *testing.T) {
	if testing.Short() {
		t.Skip("it trains for seconds")
	}
	for name, from := range map[string]func(r *running, dir string) string{
		"its own pages": func(r *running, _ string) string { return r.served() },
		"other pages": func(_ *running, dir string) string {
			other := begin(t, t.TempDir(), "serve", dir, "--address", ":0")
			t.Cleanup(func() {
				if err := other.Process.Signal(os.Interrupt); err != nil {
					t.Error(err)
				}
				if code := other.end(); code != 0 {
					t.Errorf("serve ends with %d\n%s", code, &other.text)
				}
			})
			return other.served()
		},
	} {
		t.Run(name, func(t *testing.T) {
			script, dir := write(t, long)
			r := begin(t, t.TempDir(), "run", script, "--backend", "cpu", "--dir", dir, "--serve", "127.0.0.1:0", "--processes", "2")
			address := ""
			if name == "its own pages" {
				address = from(r, dir)
			}
			for done := regexp.MustCompile(`process ([12]): .* epoch 1/12 `); len(done.FindAllString(r.text.String(), -1)) < 2; {
				r.until("epoch 1/12  ")
			}
			if address == "" {
				address = from(r, dir)
			}
			press(t, address, "/stop")
			again := "\nstarsweep: asked to stop; run the same command again to continue"
			if code := r.end(); code != 75 || !strings.Contains(r.text.String(), again) {
				t.Errorf("exit code %d\n%s", code, &r.text)
			}
			// A process that is asked between two epochs has none to finish.
			said := regexp.MustCompile(`(?m)^process [12]: starsweep: asked to stop: (?:finishing epoch \d+ of trial \d, about .*s|`+
				`no epoch is in progress); interrupt to leave at once$`).FindAllString(r.text.String(), -1)
			if len(said) != 2 {
				t.Errorf("it does not say which epochs are finished\n%s", &r.text)
			}
			finishing := regexp.MustCompile(`(?m)^process ([12]): starsweep: asked to stop: finishing epoch (\d+) of trial (\d),`).
				FindAllStringSubmatch(r.text.String(), -1)
			for _, f := range finishing {
				done := regexp.MustCompile(fmt.Sprintf(`process %s: trial %s/2 .* epoch %s/12  `, f[1], f[3], f[2]))
				if !done.MatchString(r.text.String()) {
					t.Errorf("%s, and it is not\n%s", f[0], &r.text)
				}
			}
			if left, err := filepath.Glob(filepath.Join(dir, "requests", "*")); err != nil || len(left) > 0 {
				t.Errorf("%v are left, %v", left, err)
			}
		})
	}
}

func TestThePruneButtonEndsOneTrial(t *testing.T) {
	if testing.Short() {
		t.Skip("it trains for seconds")
	}
	script, dir := write(t, long)
	r := begin(t, t.TempDir(), "run", script, "--backend", "cpu", "--dir", dir, "--serve", ":0", "--set", "epochs=4")
	address := r.served()
	r.until("epoch 1/4  ")
	claims, err := filepath.Glob(filepath.Join(dir, "claims", "*.000001"))
	if err != nil || len(claims) != 1 {
		t.Fatalf("got claims %v, %v", claims, err)
	}
	press(t, address, "/trials/"+strings.TrimSuffix(filepath.Base(claims[0]), ".000001")+"/prune")
	if code := r.end(); code != 0 || !regexp.MustCompile(`(?m)pruned.*by hand`).MatchString(r.text.String()) {
		t.Errorf("exit code %d\n%s", code, &r.text)
	}
	if n := strings.Count(r.text.String(), "epoch 4/4  "); n != 1 {
		t.Errorf("%d trials have all epochs, want the other one\n%s", n, &r.text)
	}
}

// The pages of a real run show a new epoch without being loaded again, and how it ends.
func TestABrowserFollowsARun(t *testing.T) {
	if testing.Short() {
		t.Skip("it trains for seconds")
	}
	b := chromium.New(t)
	script, dir := write(t, long)
	r := begin(t, t.TempDir(), "run", script, "--backend", "cpu", "--dir", dir, "--serve", ":0", "--set", "epochs=4000")
	b.Open(r.served())
	b.Until(`window.first = /\d+ of 4000/.exec(document.getElementById("live-workers").textContent)?.[0]`)
	b.Until(`![undefined, window.first].includes(/\d+ of 4000/.exec(document.getElementById("live-workers").textContent)?.[0])`)
	b.Eval(`document.querySelector("#live-workers a").click()`)
	b.Until(`location.pathname.startsWith("/trials/") && document.getElementById("live-status").textContent.includes("running")`)
	if err := r.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if code := r.end(); code != 75 {
		t.Errorf("exit code %d\n%s", code, &r.text)
	}
	if said := b.Complaints(); len(said) > 0 && !strings.Contains(strings.Join(said, " "), "ERR_CONNECTION_REFUSED") {
		t.Errorf("the browser complains:\n%s", strings.Join(said, "\n"))
	}
}

// TestNothingSeriousKeepsPeopleFromTheLivePages asks axe-core about the pages of a study in training, in both themes: once two of four
// trials have ended, and the others have curves and sample sheets.
func TestNothingSeriousKeepsPeopleFromTheLivePages(t *testing.T) {
	if testing.Short() {
		t.Skip("it trains for seconds")
	}
	axe, b := chromium.Axe(t), chromium.New(t)
	quickstart, err := os.ReadFile(filepath.Join("..", "..", "..", "examples", "quickstart.star"))
	if err != nil {
		t.Fatal(err)
	}
	script, dir := write(t, strings.Replace(string(quickstart), " epochs        = p.epochs", " epochs = 3 if p.lr < 2e-3 else p.epochs", 1))
	r := begin(t, t.TempDir(), "run", script, "--backend", "cpu", "--dir", dir, "--serve", ":0", "--workers", "2",
		"--set", "epochs=4000", "--set", "width=4", "--set", "images=256", "--set", "samples=100")
	address := r.served()
	told(t, address, "2 of 4 trials finished") // the report is drawn when a page asks for it, and on a busy machine not soon again
	checked := func(page string) {
		t.Helper()
		for _, theme := range []string{"light", "dark"} {
			for _, v := range b.Violations(axe, theme) {
				if v.Serious() {
					t.Errorf("the page of the %s, %s: %s", page, theme, v)
				}
			}
		}
	}
	b.Open(address)
	b.Until(`document.querySelector("#live-workers .status.running") && document.querySelector("form button") &&
		document.querySelector("#factors svg") && document.querySelector("#trials table")`)
	checked("study")
	b.Eval(`document.querySelector("#live-workers a").click()`)
	b.Until(`location.pathname.startsWith("/trials/") && document.querySelector("#live-status .status.running") &&
		document.querySelector("form button") && document.querySelector("#live-curves svg") && document.querySelector("#live-sheets img")`)
	checked("trial")
	if err := r.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if code := r.end(); code != 75 {
		t.Errorf("exit code %d\n%s", code, &r.text)
	}
}
