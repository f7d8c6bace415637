package runner

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/standing"
)

// Styles of parts, as SGR parameters.
const (
	bold, faint, red, green = "1", "2", "31", "32"
)

// shownTrials is the number of trials that a screen shows of those that do not train.
const shownTrials = 5

// standingRows is what a terminal shows of a study that is watched. Low terminals hide the first rows: the most important come last.
func standingRows(s *standing.Standing, m results.Meta) (rows []row) {
	var ended []standing.Trial
	for _, t := range s.Trials {
		if t.Newest && t.Reason != "" && t.Standing != standing.Running {
			ended = append(ended, t)
		}
	}
	for _, t := range ended[max(0, len(ended)-shownTrials):] {
		rows = append(rows, trialRow(t, m, ""))
	}
	for _, line := range failureLines(s) {
		rows = append(rows, plainRow(line))
	}
	for _, p := range s.Processes {
		rows = append(rows, processRow(p))
		for _, t := range s.Trials {
			if slices.Contains(p.Trials, t.ID) {
				rows = append(rows, trialRow(t, m, "  "))
			}
		}
	}
	return append(rows, plainRow(standingLine(s)), studyRow(s, m, timeLeft(s)))
}

// trainingRows is what a terminal shows of a study that runs: a row for each trial in training, and one for the study.
func trainingRows(s *standing.Standing, m results.Meta, took time.Duration) (rows []row) {
	for _, t := range s.Trials {
		if t.Standing == standing.Running && t.Newest {
			rows = append(rows, trialRow(t, m, ""))
		}
	}
	left := timeLeft(s)
	if s.SecondsLeft == nil && !s.Done() {
		left = unknownLeft
	}
	return append(rows, append(studyRow(s, m, left), part{text: standing.Rounded(took.Seconds()), rank: 9, style: faint}))
}

// unknownLeft says that nothing is known of the time that is left.
const unknownLeft = "time left unknown"

// studyRow is how the newest plan stands, with the time that is left.
func studyRow(s *standing.Standing, m results.Meta, left string) row {
	progress := fmt.Sprintf("%d/%d", s.Finished, s.Planned)
	line := row{
		{text: plain.Line(s.Study), rank: 7},
		{text: progress + " trials", short: progress, style: bold},
		{text: bar(s.Finished, s.Planned, 30), short: bar(s.Finished, s.Planned, 10), rank: 6},
	}
	for _, name := range []string{standing.Running, string(results.Failed), string(results.Paused), string(results.Pruned),
		string(results.Collapsed), string(results.Diverged)} {
		if n := s.Counts[name]; n > 0 {
			p := part{text: fmt.Sprintf("%d %s", n, name), rank: 5}
			if name == string(results.Failed) {
				p.rank, p.style = 2, red
			}
			line = append(line, p)
		}
	}
	if len(m.Objectives) > 0 {
		o := m.Objectives[0]
		if list, _ := bestOf(s.States, o); len(list) == 1 { // values of several measures have no best one
			line = append(line, part{text: fmt.Sprintf("best %s %.4g", o.Metric, list[0].Value), rank: 3, style: green})
		}
	}
	short := left
	if s.SecondsLeft != nil && !s.Done() {
		short = "~" + standing.Rounded(*s.SecondsLeft)
	} else if left == unknownLeft {
		short = "left: ?"
	}
	return append(line, part{text: left, short: short, rank: 1, elastic: true, style: bold})
}

// trialRow is how a trial stands, indented where there is room.
func trialRow(t standing.Trial, m results.Meta, indent string) row {
	epochs := fmt.Sprintf("%d/%d", t.Epochs, t.Budget)
	line := row{{text: indent + t.ID, short: shortID(t.ID), rank: 1}}
	if t.Standing != standing.Running {
		line = append(line, part{text: t.Standing, rank: 2})
	}
	line = append(line, part{text: "epoch " + epochs, short: epochs, style: bold})
	for i, o := range m.Objectives {
		if value, measured := t.State.Last[o.Metric]; measured {
			line = append(line, part{text: fmt.Sprintf("%s %.4g", o.Metric, value), rank: 2 + min(i, 1)*3, style: green})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(t.Epoch.Metrics)) {
		if player, isLoss := strings.CutPrefix(name, lossPrefix); isLoss {
			line = append(line, part{text: fmt.Sprintf("%s %.3f", plain.Line(player), t.Epoch.Metrics[name]), rank: 4})
		}
	}
	if e := t.Epoch; e.SecondsTrain > 0 {
		speed := fmt.Sprintf("%.0f", float64(e.Images)/e.SecondsTrain)
		line = append(line, part{text: speed + " images/s", short: speed + "/s", rank: 3})
	}
	if t.Attempts > 1 {
		line = append(line, part{text: fmt.Sprintf("attempt %d", t.Attempts), rank: 3, style: red})
	}
	if t.Reason != "" {
		line = append(line, part{text: plain.Line(t.Reason), rank: 6, elastic: true})
	}
	return append(line, part{text: plain.Line(t.Label), rank: 7, elastic: true, style: faint})
}

// lossPrefix begins the columns of losses.
const lossPrefix = "loss_"

// shortID is enough of an ID to tell trials apart and to name one on a command line.
func shortID(id string) string { return id[:min(8, len(id))] }

// processRow is what a process does.
func processRow(p standing.Process) row {
	return append(plainRow(processLine(p)), part{text: plain.Line(p.Device), rank: 1, elastic: true, style: faint})
}

// bar draws a bar that shows a part of a whole.
func bar(part, whole, length int) string {
	full := length
	if whole > 0 {
		full = part * length / whole
	}
	return "[" + strings.Repeat("=", full) + strings.Repeat(" ", length-full) + "]"
}
