package live_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/live"
)

func TestAPageOfThisMachineIsReadWithoutAToken(t *testing.T) {
	s := newStudy(t, "digits")
	x := serve(t, s.dir)
	for _, name := range []string{"localhost", "localhost:9999", "127.0.0.1:80", "[::1]:8080", "LOCALHOST"} {
		if answer, body := x.get(t, "/", host(name)); answer.StatusCode != 200 || !strings.Contains(body, "<h1>digits</h1>") {
			t.Errorf("host %s: got %s\n%s", name, answer.Status, body)
		}
	}
}

// A page of another site can make its name lead to this machine. Browsers then send that name.
func TestAnotherNameThanThatOfTheMachineIsRefused(t *testing.T) {
	s := newStudy(t, "digits")
	x := serve(t, s.dir)
	for _, name := range []string{"evil.example", "evil.example:8080", "127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.1",
		"0.0.0.0"} {
		for _, path := range []string{"/", "/events?topic=state", "/style.css", "/?token=" + token} {
			if answer, body := x.get(t, path, host(name), withToken); answer.StatusCode != http.StatusMisdirectedRequest ||
				strings.Contains(body, "digits") {
				t.Errorf("host %s, %s: got %s", name, path, answer.Status)
			}
		}
	}
}

func TestAPageForOthersNeedsTheToken(t *testing.T) {
	s := newStudy(t, "digits")
	s.begin(t, "a1", "x")
	x := serve(t, s.dir, private)
	for _, path := range []string{"/", "/trials/a1", "/trials/a1/sheet?epoch=1&kind=grid", "/events?topic=state", "/style.css",
		"/script.js", "/absent"} {
		for name, change := range map[string]func(*http.Request){
			"none":             func(*http.Request) {},
			"another":          header("Authorization", "Bearer "+token+"x"),
			"empty":            header("Authorization", "Bearer "),
			"a cookie":         header("Cookie", "starsweep-80="+token+"x"),
			"of another port":  header("Cookie", "starsweep-1="+token),
			"basic":            header("Authorization", "Basic "+token),
			"in another place": header("Token", token),
		} {
			if answer, body := x.get(t, path, change, host("gpu7")); answer.StatusCode != http.StatusUnauthorized ||
				strings.Contains(body, "digits") {
				t.Errorf("%s, token %s: got %s\n%s", path, name, answer.Status, body)
			}
		}
	}
	if answer, body := x.get(t, "/", withToken, host("gpu7")); answer.StatusCode != 200 || !strings.Contains(body, "digits") {
		t.Errorf("got %s\n%s", answer.Status, body)
	}
	if answer, _ := x.get(t, "/", header("Cookie", "starsweep-80="+token), host("gpu7")); answer.StatusCode != 200 {
		t.Errorf("got %s with the cookie", answer.Status)
	}
}

func TestATokenInTheAddressBecomesACookie(t *testing.T) {
	s := newStudy(t, "digits")
	s.begin(t, "a1", "x")
	x := serve(t, s.dir, private)
	answer, _ := x.get(t, "/trials/a1?token="+token+"&x=1")
	if answer.StatusCode != http.StatusSeeOther || answer.Header.Get("Location") != "/trials/a1?x=1" {
		t.Errorf("got %s to %q", answer.Status, answer.Header.Get("Location"))
	}
	cookies := answer.Cookies()
	if len(cookies) != 1 || !cookies[0].HttpOnly || cookies[0].SameSite != http.SameSiteStrictMode || cookies[0].Value != token {
		t.Fatalf("got the cookies %v", cookies)
	}
	if answer, _ := x.get(t, "/trials/a1", func(r *http.Request) { r.AddCookie(cookies[0]) }); answer.StatusCode != 200 {
		t.Errorf("got %s with the cookie", answer.Status)
	}
	answer, _ = x.get(t, "/?token=another-token-for-tests-1234")
	if answer.StatusCode != http.StatusUnauthorized || len(answer.Cookies()) > 0 {
		t.Errorf("got %s for another token", answer.Status)
	}
	// The address that follows is one of this server.
	answer, _ = x.get(t, "//evil.example/?token="+token)
	if to, err := url.Parse(answer.Header.Get("Location")); err != nil || to.Host != "" {
		t.Errorf("got %s to %q", answer.Status, answer.Header.Get("Location"))
	}
}

func TestAServerWithoutATokenGrantsNothing(t *testing.T) {
	s := newStudy(t, "digits")
	x := serve(t, s.dir, private, func(c *live.Config) { c.Token = "" })
	for _, change := range []func(*http.Request){func(*http.Request) {}, header("Authorization", "Bearer "),
		header("Cookie", "starsweep-80=")} {
		if answer, _ := x.get(t, "/", change, host("gpu7")); answer.StatusCode != http.StatusUnauthorized {
			t.Errorf("got %s", answer.Status)
		}
	}
}

func TestPagesRunNoScriptButTheirOwn(t *testing.T) {
	s := newStudy(t, "digits")
	s.begin(t, "a1", "x")
	x := serve(t, s.dir)
	for _, path := range []string{"/", "/trials/a1", "/trials/a1/sheet?epoch=9&kind=grid", "/absent", "/style.css"} {
		answer, body := x.get(t, path)
		policy := answer.Header.Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'none'; script-src 'self'; ") || !strings.Contains(policy, "frame-ancestors 'none'") {
			t.Errorf("%s: got the policy %q", path, policy)
		}
		for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin",
			"Cross-Origin-Resource-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin", "Cache-Control": "no-store"} {
			if got := answer.Header.Get(name); got != want {
				t.Errorf("%s: got %s %q, want %q", path, name, got, want)
			}
		}
		if strings.Count(body, "<script") > strings.Count(body, `<script src="/script.js" defer></script>`) {
			t.Errorf("%s: the page has scripts of its own", path)
		}
	}
}

// Nothing in a request names a file.
func TestNoFileCanBeRead(t *testing.T) {
	s := newStudy(t, "digits")
	s.begin(t, "a1", "x")
	x := serve(t, s.dir)
	for _, path := range []string{"/study.json", "/journal/", "/../study.json", "/..%2fstudy.json", "/%2e%2e/%2e%2e/etc/passwd",
		"/trials/../study.json", "/trials/..%2f..%2fetc%2fpasswd", "/trials/a1/sheet?epoch=1&kind=..%2f..%2f..%2fetc%2fpasswd",
		"/trials/%2e%2e%2fstudy.json/sheet?epoch=1&kind=grid", "/trials/a1%00/sheet?epoch=1&kind=grid", "//etc/passwd", `/..\study.json`,
		"/events?topic=trial:../../etc/passwd", "/assets/../../study.json"} {
		c, err := net.Dial("tcp", strings.TrimPrefix(x.url, "http://")) // as it stands, which http.Client would change
		must(t, err)
		must(t, c.SetDeadline(time.Now().Add(10*time.Second)))
		_, err = io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
		must(t, err)
		answer, err := io.ReadAll(c)
		must(t, err, c.Close())
		status, _, _ := strings.Cut(string(answer), "\r\n")
		if !strings.Contains(status, " 404 ") && !strings.Contains(status, " 400 ") && !strings.Contains(status, " 307 ") ||
			strings.Contains(string(answer), "root:") || strings.Contains(string(answer), `"schema"`) {
			t.Errorf("%s: got\n%s", path, answer)
		}
	}
}

func TestRequestsHaveLimits(t *testing.T) {
	s := newStudy(t, "digits")
	x := serve(t, s.dir)
	if answer, _ := x.get(t, "/", header("X-Long", strings.Repeat("x", 40<<10))); answer.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("got %s for a long header", answer.Status)
	}
	for _, query := range []string{"", "?topic=state&topic=report&topic=state&topic=report&topic=state"} {
		if answer, _ := x.get(t, "/events"+query); answer.StatusCode != http.StatusBadRequest {
			t.Errorf("%q: got %s", query, answer.Status)
		}
	}
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete} {
		if answer, _ := x.do(t, method, "/", withToken); answer.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("%s: got %s", method, answer.Status)
		}
	}
}

func TestAddressesAreThoseOfTheMachineUnlessTheySayOtherwise(t *testing.T) {
	for address, others := range map[string]bool{":0": false, "127.0.0.1:0": false, "localhost:0": false, "0.0.0.0:0": true, "[::]:0": true} {
		l, err := live.Listen(address)
		if err != nil && strings.HasPrefix(address, "[") {
			continue // a machine without IPv6
		}
		must(t, err)
		if live.Open(l) != others {
			t.Errorf("%s: others can reach it: %v, want %v", address, !others, others)
		}
		must(t, l.Close())
	}
	l, err := live.Listen(":0")
	must(t, err)
	defer l.Close()
	for address, want := range map[string]string{
		l.Addr().String(): " is in use by another process: choose another port, or 0 for any that is free",
		"8080":            `got "8080", want an address such as :8080 or 0.0.0.0:8080`,
		":http-nothing":   "unknown port",
		":70000":          "invalid port",
	} {
		if _, err := live.Listen(address); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", address, err, want)
		}
	}
}

func TestTokensAreNew(t *testing.T) {
	if a, b := live.NewToken(), live.NewToken(); a == b || len(a) < 26 {
		t.Errorf("got %s and %s", a, b)
	}
}

func TestServingEndsWithItsContext(t *testing.T) {
	s := newStudy(t, "digits")
	l, err := live.Listen(":0")
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	x := live.New(live.Config{Dir: s.dir, Open: func(dir string) (*results.View, error) { return results.Open(dir) }, Now: time.Now})
	ended := make(chan error)
	go func() { ended <- x.Serve(ctx, l) }()
	answer, err := http.Get(x.URL(l) + "events?topic=state") // somebody follows
	must(t, err)
	defer answer.Body.Close()
	cancel()
	select {
	case err := <-ended:
		must(t, err)
	case <-time.After(5 * time.Second):
		t.Fatal("it goes on after 5 s")
	}
}
