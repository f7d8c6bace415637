package toptable

import (
	"encoding/csv"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results/frame"
)

// heading is the names of the columns, as plain text.
func (t *Table) heading() []string {
	head := append([]string{"#"}, t.Factors...)
	if t.Apart {
		head = append(head, "configuration")
	}
	head = append(append(head, t.Metrics...), "n")
	if t.remarked() {
		head = append(head, "remarks")
	}
	return head
}

// remarked reports whether a row has a remark.
func (t *Table) remarked() bool {
	return slices.ContainsFunc(t.Rows, func(r Row) bool { return r.Remarks != "" })
}

// cells are a row as text: each text by text, each number, and each mean with its deviation, which may be missing, by number.
func (t *Table) cells(i int, number func(mean, deviation string) string, text func(string) string) []string {
	r := t.Rows[i]
	cells := []string{strconv.Itoa(i + 1)}
	for _, level := range r.Levels {
		switch level.(type) {
		case nil:
			cells = append(cells, "")
		case int64, float64:
			cells = append(cells, number(frame.Text(level), ""))
		default:
			cells = append(cells, text(frame.Text(level)))
		}
	}
	if t.Apart {
		cells = append(cells, text(r.Configuration))
	}
	for _, s := range r.Values {
		cells = append(cells, number(spread(s)))
	}
	if cells = append(cells, strconv.Itoa(r.Values[0].N)); t.remarked() {
		cells = append(cells, text(r.Remarks))
	}
	return cells
}

// Markdown writes the table with its caption above, in columns that are aligned as text too, and the measures in full below.
func (t *Table) Markdown(w io.Writer) error {
	heading := t.heading()
	for i, name := range heading {
		heading[i] = plain.Markdown(name)
	}
	rows := [][]string{heading}
	for i := range t.Rows {
		rows = append(rows, t.cells(i, plainNumber, plain.Markdown))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n%s", plain.Markdown(t.Caption()), plain.MarkdownTable(rows))
	for _, m := range t.measures() {
		fmt.Fprintf(&b, "\n%s\n", plain.Markdown(m.line()))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// plainNumber writes a number, with its deviation if it has one.
func plainNumber(mean, deviation string) string {
	if deviation == "" {
		return mean
	}
	return mean + " ± " + deviation
}

// LaTeX writes the table as an environment table, which needs no package, after comments with the measures in full.
func (t *Table) LaTeX(w io.Writer) error {
	var b strings.Builder
	row := func(cells []string) { fmt.Fprintf(&b, "%s \\\\\n", strings.Join(cells, " & ")) }
	heading := t.heading()
	for i, name := range heading {
		heading[i] = latex(name)
	}
	texts := len(t.Factors)
	if t.Apart {
		texts++
	}
	columns := "r" + strings.Repeat("l", texts) + strings.Repeat("r", len(t.Metrics)) + "r"
	heading[len(columns)-1] = "$n$"
	if t.remarked() {
		columns += "l"
	}
	for _, m := range t.measures() {
		fmt.Fprintf(&b, "%% %s\n", plain.Line(m.line()))
	}
	fmt.Fprintf(&b, "\\begin{table}\n\\centering\n\\caption{%s}\n\\label{tab:%s}\n\\begin{tabular}{%s}\n\\hline\n", latex(t.Caption()),
		label.ReplaceAllString(t.Study, "-"), columns)
	row(heading)
	b.WriteString("\\hline\n")
	for i := range t.Rows {
		row(t.cells(i, latexNumber, latex))
	}
	b.WriteString("\\hline\n\\end{tabular}\n\\end{table}\n")
	_, err := io.WriteString(w, b.String())
	return err
}

var label = regexp.MustCompile(`[^A-Za-z0-9]+`)

var latexEscapes = map[rune]string{
	'\\': `\textbackslash{}`, '&': `\&`, '%': `\%`, '$': `\$`, '#': `\#`, '_': `\_`, '{': `\{`, '}': `\}`, '~': `\textasciitilde{}`,
	'^': `\textasciicircum{}`, '<': `\textless{}`, '>': `\textgreater{}`, '|': `\textbar{}`, '±': `$\pm$`, '×': `$\times$`, '"': `''`,
	'[': `{[}`, ']': `{]}`, // which after \\ would be its argument
	'\'': `\textquotesingle{}`, '`': `\textasciigrave{}`,
}

var hyphens = regexp.MustCompile(`--+`) // which would be a dash

// latex escapes a text.
func latex(s string) string {
	var b strings.Builder
	for _, r := range plain.Line(s) {
		if escaped, special := latexEscapes[r]; special {
			b.WriteString(escaped)
		} else {
			b.WriteRune(r)
		}
	}
	return hyphens.ReplaceAllStringFunc(b.String(), func(s string) string { return strings.Join(strings.Split(s, ""), "{}") })
}

var power = regexp.MustCompile(`(-?[0-9.]+)e([+-]?)0*([0-9]+)`)

// latexNumber writes a number, with its deviation if it has one, in mathematics and with powers of ten.
func latexNumber(mean, deviation string) string {
	text := plainNumber(mean, deviation)
	if text == "" {
		return ""
	}
	text = power.ReplaceAllStringFunc(text, func(number string) string {
		m := power.FindStringSubmatch(number)
		exponent := fmt.Sprintf("10^{%s%s}", strings.TrimPrefix(m[2], "+"), m[3])
		if m[1] == "1" {
			return exponent
		}
		return m[1] + ` \cdot ` + exponent
	})
	return "$" + strings.ReplaceAll(text, "±", `\pm`) + "$"
}

// CSV writes the table for programs: numbers in full, with the deviation, the number of seeds and the measure of each metric in columns of
// their own.
func (t *Table) CSV(w io.Writer) error {
	out := csv.NewWriter(w)
	number := "rank"
	if t.planned {
		number = "place" // in the plan
	}
	head := append([]string{number}, t.Factors...)
	for _, name := range t.Metrics {
		head = append(head, name, name+"_sd", name+"_n", name+"_measure")
	}
	out.Write(append(head, "trials", "remarks", "configuration")) // Flush reports the error
	for i, r := range t.Rows {
		cells := []string{strconv.Itoa(i + 1)}
		for _, level := range r.Levels {
			switch x := level.(type) {
			case nil:
				cells = append(cells, "")
			case string:
				cells = append(cells, plain.Cell(x))
			default:
				cells = append(cells, frame.Text(level))
			}
		}
		for j, s := range r.Values {
			cells = append(cells, full(s.Mean), full(s.SD), strconv.Itoa(s.N), t.Measures[j])
		}
		out.Write(append(cells, strconv.Itoa(r.Trials), r.Remarks, r.Configuration))
	}
	out.Flush()
	return out.Error()
}

// full is a number with all its digits; nothing for none.
func full(x float64) string {
	if x != x {
		return ""
	}
	return strconv.FormatFloat(x, 'g', -1, 64)
}
