// Package hint advises authors of scripts who come from Python, NumPy, PyTorch or Keras: which name a misspelt or foreign one
// probably means, what to write instead of a function that scripts lack, and how to express the parts of Python that Starlark
// leaves out. It holds pure functions over tables, knows only names and the texts of the parser's errors, and advises
// wherever starlib reports an error about a name or the syntax.
package hint

import (
	"fmt"
	"slices"
	"strings"
)

// Unknown is the error for a name that is not one of those known, with the one that was probably meant.
func Unknown(what, got string, names []string) error {
	return fmt.Errorf("there is no %s %q%s", what, got, Suggestion(got, names))
}

// Suggestion is the end of a message about an unknown name: the name that was probably meant, else all of them.
func Suggestion(got string, names []string) string {
	if len(names) == 0 {
		return "; there are none"
	}
	if near := DidYouMean(got, names); near != "" {
		return near
	}
	return "; want one of " + strings.Join(names, ", ")
}

// DidYouMean is " (did you mean NAME?)" for the name that got is a synonym or a misspelling of; "" if there is none.
func DidYouMean(got string, names []string) string {
	best := Meant(got, names)
	if best == "" {
		best = nearest(got, names)
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %s?)", best)
}

// Meant returns the name that got certainly refers to: the same word in another spelling, or a synonym from
// another library. It returns "" if there is none.
func Meant(got string, names []string) string {
	plain := normal(got)
	for _, n := range names {
		if normal(n) == plain {
			return n
		}
	}
	for _, n := range synonyms[plain] {
		if slices.Contains(names, n) {
			return n
		}
	}
	return ""
}

// normal is a name without case, underscores and the 2d of PyTorch's layers.
func normal(name string) string {
	return strings.TrimSuffix(strings.ToLower(strings.ReplaceAll(name, "_", "")), "2d")
}

// nearest returns the name that differs from got by a typing error, at most one per three letters, or by a word in front or behind,
// as steps does from d_steps. Short names have many neighbours, so a suggestion for one must begin with the same letter, and the
// shortest are not searched for among many names.
func nearest(got string, names []string) string {
	got = strings.ToLower(got)
	best, distance := "", max(1, len(got)/3)+1
	if len(got) < 3 && len(names) > 20 {
		distance = 1
	}
	for _, n := range slices.Sorted(slices.Values(names)) {
		lower := strings.ToLower(n)
		d := editDistance(got, lower)
		if len(got) > 2 && (strings.HasSuffix(lower, "_"+got) || strings.HasPrefix(lower, got+"_") || len(lower) > 2 &&
			strings.HasSuffix(got, "_"+lower)) {
			d = min(d, 1)
		}
		if len(got) < 5 && (got == "" || !strings.HasPrefix(lower, got[:1])) {
			continue
		}
		if d < distance {
			best, distance = n, d
		}
	}
	return best
}

// editDistance is the number of letters to insert, delete or replace, and of neighbours to swap, that turns a into b.
func editDistance(a, b string) int {
	var before []int // the row before the last
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		next := make([]int, len(b)+1)
		next[0] = i + 1
		for j := range len(b) {
			replace := row[j]
			if a[i] != b[j] {
				replace++
			}
			next[j+1] = min(replace, next[j]+1, row[j+1]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
		}
		before, row = row, next
	}
	return row[len(b)]
}
