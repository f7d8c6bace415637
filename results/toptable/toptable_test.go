package toptable_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/results/frame"
	"github.com/starsweep/starsweep/results/toptable"
)

// study is a frame of two hyperparameters, one of which some configurations lack, and one that is fixed.
func study(rows ...frame.Row) *frame.Frame {
	f := &frame.Frame{Study: "ct_dcgan 2", Metrics: []string{"fid", "recall", "loss_critic"},
		Objectives: []results.Objective{{Metric: "fid", Direction: pareto.Min}, {Metric: "recall", Direction: pareto.Max}},
		Measures:   map[string]string{"fid": "fid() samples=9", "recall": "precision_recall(k=3) samples=9", "loss_critic": "train=77"},
		Factors: []frame.Factor{{Name: "lr", Kind: spec.Float, Levels: []any{1e-5, 0.001}},
			{Name: "loss", Kind: spec.String, Levels: []any{"a_b|c", "50% & <x>"}}, {Name: "penalty", Kind: spec.Float, Levels: []any{10.0}},
			{Name: "batch", Kind: spec.Int, Levels: []any{int64(64)}}},
		Left: []frame.Omission{{Reason: "trials of earlier plans", N: 3}, {Reason: "failed trials, without values", N: 1}}}
	seeds := map[string]int64{}
	for i, r := range rows {
		r.ID, r.Index, r.Seed = fmt.Sprint("t", i), i, seeds[r.Configuration]
		seeds[r.Configuration]++
		f.Rows = append(f.Rows, r)
	}
	return f
}

func trial(configuration string, lr float64, loss string, penalty any, status results.Status, fid float64) frame.Row {
	r := frame.Row{Configuration: configuration, Status: status, Values: map[string]float64{},
		Point: map[string]any{"lr": lr, "loss": loss, "penalty": penalty, "batch": int64(64)}}
	if !math.IsNaN(fid) {
		r.Values["fid"], r.Values["recall"], r.Values["loss_critic"] = fid, fid/100, -fid
	}
	return r
}

var papers = func() *frame.Frame {
	nan := math.NaN()
	return study(
		trial("broken", 0.001, "a_b|c", 10.0, results.Diverged, nan), trial("broken", 0.001, "a_b|c", 10.0, results.Failed, nan),
		trial("good", 1e-5, "50% & <x>", nil, results.Completed, 98.7), trial("good", 1e-5, "50% & <x>", nil, results.Completed, 99.6),
		trial("good", 1e-5, "50% & <x>", nil, results.Collapsed, 400), // not in the mean
		trial("fair", 1e-5, "a_b|c", 10.0, results.Completed, 120), trial("fair", 1e-5, "a_b|c", 10.0, results.Pruned, 120),
		trial("lone", 0.001, "50% & <x>", nil, results.Completed, 110.123))
}

func write(t testing.TB, o toptable.Options, to string) string {
	t.Helper()
	x, err := toptable.Of(papers(), o)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	switch to {
	case "latex":
		err = x.LaTeX(&b)
	case "csv":
		err = x.CSV(&b)
	default:
		err = x.Markdown(&b)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func wantText(t testing.TB, got, want string) {
	t.Helper()
	if got != strings.TrimPrefix(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// captioned is a text with the caption of the best of papers in place of CAPTION.
func captioned(text, best string) string {
	return strings.Replace(text, "CAPTION", best+" configurations of ct_dcgan 2 by fid (lower is better): mean ± standard deviation over n "+
		"seeds at the last measured epoch; seeds that collapsed, diverged or failed are not among the n. Measured: fid with 9 samples; "+
		"recall with precision_recall(k=3), 9 samples. In all: batch = 64. Left out: 3 trials of earlier plans.", 1)
}

func TestTheBestMeanComesFirst(t *testing.T) {
	wantText(t, write(t, toptable.Options{By: "fid"}, "markdown"), captioned(`
CAPTION

| #   | lr    | loss              | penalty | fid          | recall          | n   | remarks                            |
| --- | ----- | ----------------- | ------- | ------------ | --------------- | --- | ---------------------------------- |
| 1   | 1e-05 | 50% &amp; &lt;x\> |         | 99.15 ± 0.64 | 0.9915 ± 0.0064 | 2   | mode collapse (1 of 3)             |
| 2   | 0.001 | 50% &amp; &lt;x\> |         | 110.1        | 1.101           | 1   |                                    |
| 3   | 1e-05 | a_b\|c            | 10.0    | 120 ± 0      | 1.2 ± 0         | 2   | pruned (1 of 2)                    |
| 4   | 0.001 | a_b\|c            | 10.0    |              |                 | 0   | diverged (1 of 2), failed (1 of 2) |

Measure of fid: fid() samples=9

Measure of recall: precision_recall(k=3) samples=9
`, "All 4"))
}

func TestLaTeXIsEscaped(t *testing.T) {
	caption := strings.NewReplacer("_", `\_`, "±", `$\pm$`).Replace(captioned("CAPTION", "The best 3 of 4"))
	wantText(t, write(t, toptable.Options{By: "fid", Top: 3}, "latex"), strings.Replace(`
% Measure of fid: fid() samples=9
% Measure of recall: precision_recall(k=3) samples=9
\begin{table}
\centering
\caption{CAPTION}
\label{tab:ct-dcgan-2}
\begin{tabular}{rlllrrrl}
\hline
\# & lr & loss & penalty & fid & recall & $n$ & remarks \\
\hline
1 & $10^{-5}$ & 50\% \& \textless{}x\textgreater{} &  & $99.15 \pm 0.64$ & $0.9915 \pm 0.0064$ & 2 & mode collapse (1 of 3) \\
2 & $0.001$ & 50\% \& \textless{}x\textgreater{} &  & $110.1$ & $1.101$ & 1 &  \\
3 & $10^{-5}$ & a\_b\textbar{}c & $10.0$ & $120 \pm 0$ & $1.2 \pm 0$ & 2 & pruned (1 of 2) \\
\hline
\end{tabular}
\end{table}
`, "CAPTION", caption, 1))
}

func TestNoTextOfAScriptIsACommandOfLaTeX(t *testing.T) {
	f := study(trial("a", -2e30, `\input{x} & % $ # ~ ^ | " ' [y] - -- --- ± ×`+"\x1b\n`", nil, results.Completed, 5),
		trial("b", 1e-5, "ns", nil, results.Completed, 6))
	x, err := toptable.Of(f, toptable.Options{By: "fid"})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := x.LaTeX(&b); err != nil {
		t.Fatal(err)
	}
	const want = `1 & $-2 \cdot 10^{30}$ & \textbackslash{}input\{x\} \& \% \$ \# \textasciitilde{} \textasciicircum{} \textbar{} '' ` +
		`\textquotesingle{} {[}y{]} - -{}- -{}-{}- $\pm$ $\times$\textbackslash{}u001b\textbackslash{}n\textasciigrave{} &`
	if !strings.Contains(b.String(), want) {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

func TestCSVHasTheNumbersInFull(t *testing.T) {
	lines := strings.Split(write(t, toptable.Options{By: "loss_critic", Direction: pareto.Max}, "csv"), "\n")
	for i, want := range []string{
		"rank,lr,loss,penalty,loss_critic,loss_critic_sd,loss_critic_n,loss_critic_measure,fid,fid_sd,fid_n,fid_measure,recall,recall_sd," +
			"recall_n,recall_measure,trials,remarks,configuration",
		"1,1e-05,50% & <x>,,-99.15,0.6363961030678867,2,train=77,99.15,0.6363961030678867,2,fid() samples=9,0.9915,0.006363961030678934,2," +
			"precision_recall(k=3) samples=9,3,mode collapse (1 of 3),good",
	} {
		if lines[i] != want {
			t.Errorf("got  %s\nwant %s", lines[i], want)
		}
	}
	if last := lines[4]; !strings.HasPrefix(last, "4,0.001,a_b|c,10.0,,,0,train=77,,,0,") {
		t.Errorf("got last line %s, want one without values", last)
	}
}

func TestHigherMayBeBetter(t *testing.T) {
	x, err := toptable.Of(papers(), toptable.Options{By: "recall", Best: true})
	if err != nil {
		t.Fatal(err)
	}
	if x.Rows[0].Configuration != "fair" || !strings.Contains(x.Caption(), "recall (higher is better)") ||
		!strings.Contains(x.Caption(), "at the epoch where the first objective is best") {
		t.Errorf("got %s first, caption %s", x.Rows[0].Configuration, x.Caption())
	}
}

func TestRowsMayBeInTheOrderOfThePlan(t *testing.T) {
	f := study(trial("worst", 1e-5, "ns", nil, results.Completed, 9), trial("lost", 1e-4, "ns", nil, results.Collapsed, 7),
		trial("best", 1e-3, "ns", nil, results.Completed, 1))
	x, err := toptable.Of(f, toptable.Options{By: "fid", Planned: true, Top: 2})
	if err != nil {
		t.Fatal(err)
	}
	if len(x.Rows) != 2 || x.Rows[0].Configuration != "worst" || x.Rows[1].Configuration != "lost" ||
		!strings.HasPrefix(x.Caption(), "The first 2 of 3 configurations of ct_dcgan 2, in the order of the plan: mean") {
		t.Errorf("got %v, caption %s", x.Rows, x.Caption())
	}
}

func TestEqualRowsOfSeveralConfigurationsAreToldApart(t *testing.T) {
	f := study(trial("wide", 1e-5, "ns", nil, results.Completed, 5), trial("narrow", 1e-5, "ns", nil, results.Completed, 6))
	x, err := toptable.Of(f, toptable.Options{By: "fid"})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := x.Markdown(&b); err != nil || !strings.Contains(b.String(), "| narrow ") {
		t.Errorf("got %v\n%s", err, b.String())
	}
}

func TestWhatCannotBeOrderedIsRefused(t *testing.T) {
	_, err := toptable.Of(papers(), toptable.Options{By: "loss_critic"})
	if err == nil || !strings.Contains(err.Error(), "want loss_critic=min or loss_critic=max") {
		t.Errorf("got %v", err)
	}
	_, err = toptable.Of(study(trial("a", 1, "ns", nil, results.Collapsed, 5)), toptable.Options{By: "fid"})
	if err == nil || !strings.Contains(err.Error(), "fid: none of 1 trials has a value") {
		t.Errorf("got %v", err)
	}
}
