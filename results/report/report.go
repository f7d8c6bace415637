// Package report writes the report of a study: what it asked and what came out, its fronts, what its factors did, courses, samples, how
// trials ended, the table of trials, and what the study was made with. It is made of sections, which the live page shows as well
// (runner/live); the report is one file of them, which needs no network and no server. It reads studies through packages results, frame
// and compare, and draws by package figure. The commands run, report and archive write it.
package report

import (
	"context"
	"html/template"

	"github.com/starsweep/starsweep/internal/parallel"
	"github.com/starsweep/starsweep/results"
)

// Options are choices of the reader.
type Options struct {
	Link func(trial string) string // the address of the page of a trial; nil: trials refer to the table of trials
}

// Section is a part of the page. Its HTML is complete and safe to show: texts of scripts and of results are escaped.
type Section struct {
	ID, Title string
	HTML      template.HTML
}

// sections are all parts of the page, in its order. A part that has nothing to show is empty, and left out.
var sections = []struct {
	id, title string
	write     func(*study) (template.HTML, error)
}{
	{"study", "What the study asked, and what came out", (*study).summary},
	{"front", "Pareto front", (*study).fronts},
	{"factors", "What each factor does", (*study).factors},
	{"importance", "What mattered", (*study).importance},
	{"courses", "Courses over epochs", (*study).courses},
	{"samples", "Samples", (*study).samples},
	{"ends", "How trials ended", (*study).ends},
	{"history", "The search", (*study).history},
	{"again", "Measured again", (*study).again},
	{"trials", "Trials", (*study).table},
	{"origin", "How it was made", (*study).origin},
}

// Sections returns the parts of the page that the study has something for, in their order. They need what Assets returns.
func Sections(v *results.View, o Options) (list []Section, err error) {
	s, err := read(v, o)
	if err != nil {
		return nil, err
	}
	s.analyze()
	// The parts only read the study, and are written at the same time.
	html := make([]template.HTML, len(sections))
	err = parallel.For(context.Background(), len(sections), func(i int) (err error) {
		html[i], err = sections[i].write(s)
		return err
	})
	if err != nil {
		return nil, err
	}
	for i, part := range sections {
		if html[i] != "" {
			list = append(list, Section{part.id, part.title, html[i]})
		}
	}
	return list, nil
}
