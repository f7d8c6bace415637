package runner

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/internal/regular"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/results/effect"
	"github.com/starsweep/starsweep/results/frame"
	"github.com/starsweep/starsweep/starlib/where"
)

// judgement compares the collapse rule, or the condition of --rule, with labels.
func (e *Env) judgement(ctx context.Context, dir string, o agreementOptions) error {
	return e.withTrials(ctx, dir, o.selection, func(v *results.View, f *frame.Frame) error {
		labels, err := readLabels(v, o.labels)
		if err != nil {
			return usageErrorf("--labels: %s: %w", o.labels, err)
		}
		holds, err := condition(ctx, v, "--rule", o.rule)
		if err != nil {
			return err
		}
		rule := effect.Recorded
		if holds != nil {
			columns := frame.Columns(v.Meta())
			if err := allMeasured(f, o.rule, columns); err != nil {
				return err
			}
			rule = func(r frame.Row) (bool, error) { return holds(r.Cells(columns)) }
		}
		j, err := effect.Judge(f, labels, rule)
		if err != nil {
			return err
		}
		if j.Trials == 0 {
			return usageErrorf("--labels: %s: got no label of a trial that ended here, of %s", o.labels, plain.Count(len(labels), "label"))
		}
		if o.json {
			return printJSON(e.Stdout, map[string]any{"trials": j.Trials, "both": j.Both, "rule": j.Rule, "eye": j.Eye, "neither": j.Neither,
				"agree": shareJSON(j.Agree), "kappa": estimateJSON(j.Kappa), "by_eye_alone": rowIDs(j.Missed),
				"by_the_rule_alone": rowIDs(j.Alarms), "unlabelled": j.Unlabelled, "left": leftJSON(f)}, "  ")
		}
		return printJudgement(e.Stdout, f, j, o.to == "markdown")
	})
}

// allMeasured refuses a rule that asks for what no trial has a value of: it would hold nowhere. Where the command measure has recorded
// several measures, the frame has the values of one.
func allMeasured(f *frame.Frame, rule string, columns []string) error {
	used, err := where.Columns("--rule", rule, columns)
	if err != nil {
		return withCode(exitUsage, err)
	}
	for _, name := range used {
		has := func(r frame.Row) bool { return r.Cells(columns)[name] != nil }
		if len(f.Rows) > 0 && !slices.ContainsFunc(f.Rows, has) {
			return usageErrorf("--rule: got %s, of which no trial here has a value: if it was measured in another way, choose that with --measure",
				name)
		}
	}
	return nil
}

// labelSize bounds a file of labels.
const labelSize = 16 << 20

// readLabels reads which trials collapsed by eye: CSV with the header trial,collapsed. Further columns are notes.
func readLabels(v *results.View, path string) (map[string]bool, error) {
	b, err := regular.Read(path, labelSize)
	if err != nil {
		return nil, err
	}
	in := csv.NewReader(bytes.NewReader(b))
	in.TrimLeadingSpace, in.Comment = true, '#'
	lines, err := in.ReadAll()
	if err != nil {
		return nil, err
	}
	if header := []string{"trial", "collapsed"}; len(lines) == 0 || len(lines[0]) < 2 || !slices.Equal(lines[0][:2], header) {
		return nil, fmt.Errorf("want the header trial,collapsed")
	}
	answers := map[string]bool{"yes": true, "true": true, "1": true, "no": false, "false": false, "0": false}
	labels := map[string]bool{}
	for i, line := range lines[1:] {
		t, err := findTrial(v, line[0])
		if err != nil {
			return nil, fmt.Errorf("label %d: %w", i+1, err)
		}
		collapsed, known := answers[strings.ToLower(line[1])]
		if !known {
			return nil, fmt.Errorf("label %d: got %q, want yes or no", i+1, line[1])
		}
		if _, twice := labels[t.ID]; twice {
			return nil, fmt.Errorf("label %d: trial %s has one already", i+1, t.ID)
		}
		labels[t.ID] = collapsed
	}
	return labels, nil
}

func rowIDs(rows []frame.Row) []string {
	ids := []string{}
	for _, r := range rows {
		ids = append(ids, r.ID)
	}
	return ids
}

func printJudgement(to io.Writer, f *frame.Frame, j effect.Judgement, markdown bool) error {
	rows := [][]string{{"", "collapsed by eye", "not by eye"},
		{"collapsed by the rule", strconv.Itoa(j.Both), strconv.Itoa(j.Rule)},
		{"not by the rule", strconv.Itoa(j.Eye), strconv.Itoa(j.Neither)}}
	if err := printRows(to, rows, markdown); err != nil {
		return err
	}
	fmt.Fprintln(to)
	lines := []string{"both say the same in " + j.Agree.String(), "Cohen's kappa: " + j.Kappa.String()}
	for _, x := range []struct {
		what string
		rows []frame.Row
	}{{"by eye alone", j.Missed}, {"by the rule alone", j.Alarms}} {
		for _, r := range x.rows {
			lines = append(lines, fmt.Sprintf("collapsed %s: %s [%s]", x.what, r.ID, plain.Line(f.Label(&r))))
		}
	}
	if j.Unlabelled > 0 {
		lines = append(lines, fmt.Sprintf("without a label: %s that ended", plain.Count(j.Unlabelled, "trial")))
	}
	for _, x := range f.Left {
		lines = append(lines, "left out: "+x.String())
	}
	return printParagraph(to, lines, markdown)
}
