package starlib

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"go.starlark.net/starlark"
)

// notes gathers what is not wrong in a script but looks so, each once. It is safe for concurrent use.
type notes struct {
	mu   sync.Mutex
	seen map[note]bool
}

type note struct{ pos, msg string }

func (n *notes) add(pos, msg string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.seen == nil {
		n.seen = map[note]bool{}
	}
	n.seen[note{pos, msg}] = true
}

const notesKey = "notes"

// noteHere adds a note about the line where the script stands, while trial(p) is called.
func noteHere(th *starlark.Thread, msg string) {
	if n, ok := th.Local(notesKey).(*notes); ok {
		n.add(here(th).String(), msg)
	}
}

// list is all that was noted, in the order of the lines.
func (n *notes) list() (all []string) {
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

// place takes file:line:col apart.
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
