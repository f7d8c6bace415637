package cpu

import (
	"math/bits"
	"slices"
)

// order is a directed acyclic graph. Vertices are added that need earlier ones, and vertices merge. It is kept in topological order: a
// search for a path between two vertices follows only edges to vertices between them, and a merge moves only those (Pearce and Kelly
// 2007, "A dynamic topological sort algorithm for directed acyclic graphs").
//
// Searches have a budget, so that a graph takes time in proportion to its size. A search that exceeds its budget returns the safe
// answer: there is a path, and the vertices do not merge.
type order struct {
	budget int // most edges that a search follows
	work   int // edges that were followed

	into  []int   // by vertex: itself, or a vertex that it was merged into
	rank  []int   // by vertex: higher than those of all vertices that it needs
	at    []int   // vertex, by rank
	needs [][]int // direct ones, by vertex; some of them were merged since
	users [][]int
	seen  []int // the last search that visited a vertex, by vertex
	tries int   // number of searches
	front frontier
}

// add adds a vertex, the last one in the order, and returns its number.
func (o *order) add() int {
	v := len(o.into)
	o.into, o.rank, o.at, o.seen = append(o.into, v), append(o.rank, v), append(o.at, v), append(o.seen, 0)
	o.needs, o.users = append(o.needs, nil), append(o.users, nil)
	return v
}

// find returns the vertex that v was merged into.
func (o *order) find(v int) int {
	for o.into[v] != v {
		o.into[v] = o.into[o.into[v]]
		v = o.into[v]
	}
	return v
}

// connect records that u, which nothing needs yet, needs v.
func (o *order) connect(u, v int) {
	o.needs[u], o.users[v] = append(o.needs[u], v), append(o.users[v], u)
}

// search returns the vertices that paths from the given ones reach, without these, as long as within holds. A path continues from v to
// next[v]. The search ends when it reaches the goal. ok is false if it exceeds its budget.
func (o *order) search(next [][]int, within func(v int) bool, goal int, from ...int) (met []int, ok bool) {
	o.tries++
	left := o.budget
	todo := slices.Clone(from)
	for len(todo) > 0 {
		v := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		left -= len(next[v])
		o.work += len(next[v])
		if left < 0 {
			return nil, false
		}
		for _, w := range next[v] {
			if w = o.find(w); o.seen[w] != o.tries && within(w) {
				o.seen[w] = o.tries
				met, todo = append(met, w), append(todo, w)
				if w == goal {
					return met, true
				}
			}
		}
	}
	return met, true
}

// anyNeeds reports whether a path leads from one of the vertices to v.
func (o *order) anyNeeds(v int, from ...int) bool {
	met, ok := o.search(o.needs, func(w int) bool { return o.rank[w] >= o.rank[v] }, v, from...)
	return !ok || len(met) > 0 && met[len(met)-1] == v
}

// merge merges two vertices of which neither needs the other. It returns false if a search exceeds its budget.
func (o *order) merge(u, v int) bool {
	if o.rank[u] > o.rank[v] {
		u, v = v, u
	}
	// The new vertex takes the place of the lower one, u. Vertices above it that v needs move below it, those that need u above all.
	below, ok := o.search(o.needs, func(w int) bool { return o.rank[w] > o.rank[u] }, -1, v)
	if !ok {
		return false
	}
	top := 0
	for _, w := range below {
		top = max(top, o.rank[w])
	}
	above, ok := o.search(o.users, func(w int) bool { return o.rank[w] < top }, -1, u)
	if !ok {
		return false
	}
	byRank := func(a, b int) int { return o.rank[a] - o.rank[b] }
	slices.SortFunc(below, byRank)
	slices.SortFunc(above, byRank)
	moved := slices.Concat(below, []int{u}, above)
	var ranks []int
	for _, w := range moved {
		ranks = append(ranks, o.rank[w])
	}
	slices.Sort(ranks)
	for i, w := range moved {
		o.rank[w], o.at[ranks[i]] = ranks[i], w
	}
	if len(o.needs[u])+len(o.users[u]) < len(o.needs[v])+len(o.users[v]) { // move the shorter lists
		o.rank[v], o.at[o.rank[u]] = o.rank[u], v
		u, v = v, u
	}
	o.into[v] = u
	o.needs[u], o.users[u] = append(o.needs[u], o.needs[v]...), append(o.users[u], o.users[v]...)
	o.needs[v], o.users[v] = nil, nil
	return true
}

// needDifferent reports whether each of two vertices needs one that counts and that the other does not need. It goes down the order
// through the vertices that either needs, until both need every vertex that is left.
func (o *order) needDifferent(a, b int, counts func(v int) bool) bool {
	f := &o.front
	f.begin(len(o.rank))
	defer f.end()
	f.add(o.rank[a], true, false)
	f.add(o.rank[b], false, true)
	left, ofA, ofB := o.budget, false, false
	for f.single > 0 {
		rank, byA, byB := f.next()
		v := o.at[rank]
		if v != a && v != b && byA != byB && counts(v) {
			ofA, ofB = ofA || byA, ofB || byB
		}
		left -= len(o.needs[v])
		o.work += len(o.needs[v])
		if left < 0 || ofA && ofB {
			return true
		}
		for _, w := range o.needs[v] {
			f.add(o.rank[o.find(w)], byA, byB)
		}
	}
	return false
}

// frontier is a set of ranks to visit, the highest first, that a, b or both need.
type frontier struct {
	a, b   []uint64 // bit sets
	low    int      // the lowest word in use
	high   int      // the highest
	single int      // number of ranks that only one needs
}

// begin prepares an empty frontier for ranks below n.
func (f *frontier) begin(n int) {
	words := (n + 63) / 64
	for len(f.a) < words {
		f.a, f.b = append(f.a, 0), append(f.b, 0)
	}
	f.low, f.high, f.single = words, 0, 0
}

// end empties the sets, as begin expects them.
func (f *frontier) end() {
	clear(f.a[f.low:])
	clear(f.b[f.low:])
}

func (f *frontier) add(rank int, byA, byB bool) {
	i, bit := rank/64, uint64(1)<<(rank%64)
	f.low, f.high = min(f.low, i), max(f.high, i)
	if (f.a[i]^f.b[i])&bit != 0 {
		f.single--
	}
	if byA {
		f.a[i] |= bit
	}
	if byB {
		f.b[i] |= bit
	}
	if (f.a[i]^f.b[i])&bit != 0 {
		f.single++
	}
}

// next removes and returns the highest rank. The frontier must not be empty.
func (f *frontier) next() (rank int, byA, byB bool) {
	for f.a[f.high]|f.b[f.high] == 0 {
		f.high--
	}
	i := f.high
	rank = bits.Len64(f.a[i]|f.b[i]) - 1
	bit := uint64(1) << rank
	byA, byB = f.a[i]&bit != 0, f.b[i]&bit != 0
	f.a[i] &^= bit
	f.b[i] &^= bit
	if byA != byB {
		f.single--
	}
	return i*64 + rank, byA, byB
}
