package report

import (
	"embed"
	"html/template"
	"io"

	"github.com/starsweep/starsweep/internal/durable"
	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results"
)

//go:embed *.html *.css *.js
var files embed.FS

var (
	layout = template.Must(template.ParseFS(files, "report.html"))
	parts  = template.Must(template.ParseFS(files, "sections.html"))
)

// Assets returns the style sheet and the script of the sections. Nothing but sorting and filtering needs the script.
func Assets() (style, script string) {
	read := func(name string) string {
		b, err := files.ReadFile(name)
		if err != nil { // it is embedded
			panic(err)
		}
		return string(b)
	}
	return read("report.css"), read("report.js")
}

// File writes the page to a file, all at once.
func File(path string, v *results.View, o Options) error {
	return durable.WriteShared(path, func(w io.Writer) error { return Write(w, v, o) })
}

// Write writes the page.
func Write(w io.Writer, v *results.View, o Options) error {
	sections, err := Sections(v, o)
	if err != nil {
		return err
	}
	return write(w, v.Meta().Study, sections)
}

// write writes a page of sections.
func write(w io.Writer, title string, sections []Section) error {
	style, script := Assets()
	return layout.Execute(plain.NewWriter(w), map[string]any{"Title": title, "Sections": sections, "Style": template.CSS(style),
		"Script": template.JS(script)})
}
