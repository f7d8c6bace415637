package live

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results/report"
)

//go:embed *.html *.css *.js
var files embed.FS

var templates = template.Must(template.New("").Funcs(template.FuncMap{"moment": moment, "trialpath": trialPath}).ParseFS(files, "*.html"))

// moment is a time as pages write it, to the second.
func moment(t time.Time) template.HTML {
	t = t.UTC()
	return template.HTML(fmt.Sprintf(`<time datetime="%s">%s</time>`, t.Format(time.RFC3339), t.Format("2006-01-02 15:04:05 UTC")))
}

// routes are the pages. None takes the path of a file.
func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.studyPage)
	mux.HandleFunc("GET /trials/{trial}", s.trialPage)
	mux.HandleFunc("GET /trials/{trial}/sheet", s.sheet)
	mux.HandleFunc("GET /events", s.events)
	mux.HandleFunc("POST /stop", s.stop)
	mux.HandleFunc("POST /trials/{trial}/prune", s.prune)
	style, script := report.Assets()
	own := func(name string) string {
		b, err := files.ReadFile(name)
		if err != nil { // it is embedded
			panic(err)
		}
		return string(b)
	}
	mux.HandleFunc("GET /style.css", asset("text/css; charset=utf-8", style+own("live.css")))
	mux.HandleFunc("GET /script.js", asset("text/javascript; charset=utf-8", script+own("live.js")))
	return mux
}

// asset serves a text.
func asset(kind, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", kind)
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(text))
	}
}

// patienceOfPage is how long a page waits for what has never been rendered. Later, its script adds it.
const patienceOfPage = 2 * time.Second

// group is a topic on a page.
type group struct {
	Name     string
	Sections []Section
}

// page is what the layout of all pages needs.
type page struct {
	Title, Study, Dir string
	Trial             string // empty on the page of the study
	Groups            []group
	Topics            []string
	Since             int64
	Buttons           bool
}

// study serves the page of the study.
func (s *Server) studyPage(w http.ResponseWriter, r *http.Request) {
	s.page(w, r, page{}, stateTopic, reportTopic)
}

// trialPage serves the page of a trial.
func (s *Server) trialPage(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("trial")
	v, _ := s.current()
	if v != nil {
		if t, found := v.State(id); found {
			s.page(w, r, page{Trial: id, Title: v.Meta().Label(t.Point, t.Seed)}, trialTopic+id)
			return
		}
	}
	refuse(w, http.StatusNotFound, "the study has no such trial, or it has not begun")
}

// page serves a page of topics.
func (s *Server) page(w http.ResponseWriter, r *http.Request, p page, topics ...string) {
	v, _ := s.current()
	p.Study, p.Dir, p.Topics, p.Buttons = filepath.Base(s.Dir), s.Dir, topics, s.granted(r)
	if v != nil {
		p.Study = v.Meta().Study
	}
	if p.Title == "" {
		p.Title = p.Study
	}
	for i, name := range topics {
		if !s.topic(v, name) {
			refuse(w, http.StatusServiceUnavailable, "too many pages are open")
			return
		}
		sections, version := s.board.read(r.Context(), name, patienceOfPage)
		if i == 0 || version < p.Since { // what changes meanwhile is sent again
			p.Since = version
		}
		p.Groups = append(p.Groups, group{name, sections})
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	text, err := rendered("page", p)
	if err != nil {
		refuse(w, http.StatusInternalServerError, err.Error())
		return
	}
	_, _ = w.Write([]byte(text)) // the reader may have gone
}

// rendered executes a template. What scripts and files are named cannot change the direction of the text.
func rendered(name string, data any) (template.HTML, error) {
	var b bytes.Buffer
	if err := templates.ExecuteTemplate(plain.NewWriter(&b), name, data); err != nil {
		return "", err
	}
	return template.HTML(b.String()), nil
}

// part is a template that makes a section. Those of the report have other IDs.
type part struct{ id, title string }

// sections executes templates.
func sections(data any, parts ...part) (list []Section, err error) {
	for _, p := range parts {
		text, err := rendered(p.id, data)
		if err != nil {
			return nil, err
		}
		list = append(list, Section{ID: "live-" + p.id, Title: p.title, HTML: text})
	}
	return list, nil
}

// failed is what a topic shows that cannot be rendered.
func failed(topic string, err error) []Section {
	return []Section{{ID: "live-error-" + strings.ReplaceAll(topic, ":", "-"), Title: "This cannot be shown",
		HTML: template.HTML("<p>" + template.HTMLEscapeString(plain.Error(err)) + "</p>")}}
}

// stateSections show how the study stands.
func (s *Server) stateSections() ([]Section, error) {
	v, why := s.current()
	if v == nil {
		return sections(why, part{"absent", "Not begun"})
	}
	now, err := stateOf(v, s.Now())
	if err != nil {
		return nil, err
	}
	list, err := sections(now, part{"progress", "Now"}, part{"workers", "Workers"}, part{"queue", "Queue"})
	if why != nil {
		list = append(failed("study", why), list...)
	}
	return list, err
}

// trialPath is the address of the page of a trial.
func trialPath(id string) string { return "/trials/" + url.PathEscape(id) }

// reportSections show what the report shows.
func (s *Server) reportSections() (list []Section, err error) {
	v, _ := s.current()
	if v == nil {
		return []Section{}, nil
	}
	parts, err := report.Sections(v, report.Options{Link: trialPath})
	for _, p := range parts {
		list = append(list, Section{ID: p.ID, Title: p.Title, HTML: p.HTML})
	}
	return list, err
}

// sheet serves a sample sheet.
func (s *Server) sheet(w http.ResponseWriter, r *http.Request) {
	v, _ := s.current()
	q := r.URL.Query()
	epoch, err := strconv.Atoi(q.Get("epoch"))
	if v == nil || err != nil {
		refuse(w, http.StatusNotFound, "there is no such picture")
		return
	}
	png, found, err := v.Sheet(r.PathValue("trial"), epoch, q.Get("kind"))
	switch {
	case err != nil:
		refuse(w, http.StatusInternalServerError, plain.Error(err))
	case !found:
		refuse(w, http.StatusNotFound, "there is no such picture")
	default:
		w.Header().Set("Content-Type", "image/png")
		w.Header().Set("Cache-Control", "private, max-age=3600") // its address changes with its content
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(png))
	}
}
