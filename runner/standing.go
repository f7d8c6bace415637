package runner

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/standing"
)

// standingLines are how a study stands as a whole, in words.
func standingLines(s *standing.Standing) (lines []string) {
	lines = append(lines, failureLines(s)...)
	for _, p := range s.Processes {
		line := processLine(p)
		if p.Device != "" {
			line += ", " + plain.Line(p.Device)
		}
		lines = append(lines, line)
	}
	lines = append(lines, standingLine(s))
	if left := timeLeft(s); left != "" {
		lines = append(lines, left)
	}
	return lines
}

// standingLine is how the newest plan stands.
func standingLine(s *standing.Standing) string {
	if s.Planned == 0 {
		return "no run has planned trials yet"
	}
	var parts []string
	for _, name := range standing.Order {
		if n := s.Counts[name]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, name))
		}
	}
	line := fmt.Sprintf("newest plan: %d of %s finished", s.Finished, plain.Count(s.Planned, "trial"))
	if s.Least > 0 {
		line = fmt.Sprintf("newest plan: %d of at most %s finished, of which %d run in any case", s.Finished, plain.Count(s.Planned, "trial"),
			s.Least)
	}
	if s.Counts[string(results.Completed)] < s.Planned {
		line += ": " + strings.Join(parts, ", ")
	}
	if s.Earlier > 0 {
		line += fmt.Sprintf("; %s of earlier plans", plain.Count(s.Earlier, "trial"))
	}
	return line
}

// processLine is what a process does.
func processLine(p standing.Process) string {
	text := fmt.Sprintf("process %d on %s", p.PID, p.Host)
	if p.Host == "" {
		text = p.Name
	}
	if p.Unreadable != "" {
		text = fmt.Sprintf("writers/%s cannot be read: %s", p.Name, p.Unreadable)
	}
	switch {
	case p.Live:
		text += fmt.Sprintf(": trains %s, heartbeat %s ago", plain.Count(len(p.Trials), "trial"), standing.Rounded(p.Seconds))
	case p.Silent:
		text += fmt.Sprintf(": not heard of for %s (dead or unreachable)", standing.Rounded(p.Seconds))
	default:
		text += fmt.Sprintf(": has ended, last heartbeat %s ago", standing.Rounded(p.Seconds))
	}
	return plain.Line(text)
}

// failureLines describe the failures, a line for each class.
func failureLines(s *standing.Standing) (lines []string) {
	for _, f := range s.Failures {
		lines = append(lines, plain.Line(fmt.Sprintf("failed (%s): %s, such as %s: %s", cmp.Or(f.Class, "other"),
			plain.Count(len(f.Trials), "trial"), f.Trials[0], f.Reason)))
	}
	return lines
}

// timeLeft is the time that is left, as text.
func timeLeft(s *standing.Standing) string {
	switch {
	case s.Done():
		return ""
	case s.SecondsLeft != nil:
		left := "about " + standing.Rounded(*s.SecondsLeft) + " left"
		if s.Least > 0 {
			left += ", or less"
		}
		return left
	case !slices.ContainsFunc(s.Processes, func(p standing.Process) bool { return p.Live }):
		return "nobody is training this study; the command that started it continues it"
	}
	return ""
}
