package live

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
)

// NewToken returns a secret that nobody can guess.
func NewToken() string { return rand.Text() }

// policy lets pages run the scripts that are served beside them, show pictures of the same server, and nothing else. Styles may stand in
// the pictures of the report, which are vector graphics.
const policy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// guarded checks every request before a handler sees it.
func (s *Server) guarded(h http.Handler) http.Handler {
	sameOrigin := http.NewCrossOriginProtection()
	sameOrigin.SetDenyHandler(refusal(http.StatusForbidden, "this request comes from another site"))
	inner := sameOrigin.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch granted := s.granted(r); {
		case s.enters(w, r):
		case !granted && r.Method != http.MethodGet && r.Method != http.MethodHead:
			refuse(w, http.StatusForbidden, "buttons need the token: open the address with ?token= that starsweep has printed")
		case !granted && s.Private:
			refuse(w, http.StatusUnauthorized, "open the address with ?token= that starsweep has printed")
		default:
			r.Body = http.MaxBytesReader(w, r.Body, mostBody)
			h.ServeHTTP(w, r)
		}
	}))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		head := w.Header()
		head.Set("Content-Security-Policy", policy)
		head.Set("X-Content-Type-Options", "nosniff")
		head.Set("Referrer-Policy", "same-origin") // without one, browsers hide the origin of a form from its own server
		head.Set("Cross-Origin-Opener-Policy", "same-origin")
		head.Set("Cross-Origin-Resource-Policy", "same-origin")
		head.Set("Cache-Control", "no-store")
		if !s.Private && !local(r.Host) {
			refuse(w, http.StatusMisdirectedRequest, "this server is for its own machine: open http://localhost with its port")
			return
		}
		inner.ServeHTTP(w, r)
	})
}

// local reports whether the name that a request gives its server is one of the machine itself. A page of another site whose name leads
// to this machine gives that name.
func local(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.Trim(host, "[]"), ".")
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// cookie is the name of the cookie that holds the token. Cookies of one machine are shared by all its ports.
func cookie(r *http.Request) string {
	_, port, err := net.SplitHostPort(r.Host)
	if err != nil {
		port = "80"
	}
	return "starsweep-" + port
}

// enters lets a browser keep the token of an address, and leads it to the same address without, which can be shown and shared.
func (s *Server) enters(w http.ResponseWriter, r *http.Request) bool {
	q := r.URL.Query()
	token := q.Get("token")
	if token == "" || r.Method != http.MethodGet {
		return false
	}
	if !s.is(token) {
		refuse(w, http.StatusUnauthorized, "this token is of another run: open the address that starsweep has printed last")
		return true
	}
	http.SetCookie(w, &http.Cookie{Name: cookie(r), Value: token, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
	q.Del("token")
	to := *r.URL
	to.Scheme, to.Host, to.RawQuery = "", "", q.Encode()
	to.Path = "/" + strings.TrimLeft(to.Path, `/\`) // and not //HOST
	to.RawPath = ""
	http.Redirect(w, r, to.String(), http.StatusSeeOther)
	return true
}

// granted reports whether a request has the token.
func (s *Server) granted(r *http.Request) bool {
	if text, found := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); found {
		return s.is(text)
	}
	c, err := r.Cookie(cookie(r))
	return err == nil && s.is(c.Value)
}

// is compares a text with the token, in a time that tells nothing about either.
func (s *Server) is(text string) bool {
	got, want := sha256.Sum256([]byte(text)), sha256.Sum256([]byte(s.Token))
	return subtle.ConstantTimeCompare(got[:], want[:]) == 1 && s.Token != ""
}

func refusal(code int, why string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { refuse(w, code, why) })
}

// refuse answers with an error.
func refuse(w http.ResponseWriter, code int, why string) { http.Error(w, "starsweep: "+why, code) }

// inUse reports whether an address could not be opened since another process has it.
func inUse(err error) bool { return errors.Is(err, syscall.EADDRINUSE) }

// silent is the log of requests that are no HTTP, of which a terminal should not be full.
func silent() *log.Logger { return log.New(io.Discard, "", 0) }

// hostname is the name of this machine for the address of a page.
func hostname() string {
	if name, err := os.Hostname(); err == nil && name != "" {
		return name
	}
	return "localhost"
}
