package kit

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"go.starlark.net/starlark"
)

// Notes collects remarks about lines of a script that are valid but suspicious, each once. It is safe for concurrent use.
type Notes struct {
	mu   sync.Mutex
	seen map[note]bool
}

type note struct{ pos, msg string }

// Add adds a remark about the line at pos, file:line:col.
func (n *Notes) Add(pos, msg string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.seen == nil {
		n.seen = map[note]bool{}
	}
	n.seen[note{pos, msg}] = true
}

const notesKey = "notes"

// SetNotes makes n collect the notes of a thread.
func SetNotes(th *starlark.Thread, n *Notes) { th.SetLocal(notesKey, n) }

// Note adds a remark about the line that the thread evaluates, if it collects notes: while trial(p) is called.
func Note(th *starlark.Thread, msg string) {
	if n, ok := th.Local(notesKey).(*Notes); ok {
		n.Add(Here(th).String(), msg)
	}
}

// List returns the remarks in the order of lines, with their places.
func (n *Notes) List() (all []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	ordered := make([]note, 0, len(n.seen))
	for x := range n.seen {
		ordered = append(ordered, x)
	}
	slices.SortFunc(ordered, func(a, b note) int {
		file, line, col := place(a.pos)
		otherFile, otherLine, otherCol := place(b.pos)
		return cmp.Or(cmp.Compare(file, otherFile), cmp.Compare(line, otherLine), cmp.Compare(col, otherCol), cmp.Compare(a.msg, b.msg))
	})
	for _, x := range ordered {
		all = append(all, fmt.Sprintf("%s: %s", x.pos, x.msg))
	}
	return all
}

// place parses file:line:col.
func place(pos string) (file string, line, col int) {
	rest, last := pos, ""
	for _, n := range []*int{&col, &line} {
		i := strings.LastIndexByte(rest, ':')
		if i < 0 {
			break
		}
		rest, last = rest[:i], rest[i+1:]
		*n, _ = strconv.Atoi(last)
	}
	return rest, line, col
}
