package number

import "github.com/starsweep/starsweep/engine/spec"

// Tree finds what was made for a point by the values that decided it, in the order in which they were read: which value is read next
// depends only on those before. The zero tree is empty.
type Tree[T any] struct {
	leaf *T
	name string // of the value that decides here; "" at a leaf
	at   int    // its place in points
	next map[spec.Value]*Tree[T]
}

// Find returns what was made for points like this one; nil if nothing was.
func (t *Tree[T]) Find(point spec.Point) *T {
	for t != nil && t.leaf == nil {
		v, _ := point.GetAt(t.at, t.name)
		t = t.next[v]
	}
	if t == nil {
		return nil
	}
	return t.leaf
}

// Add stores what was made for a point when the values of the names decided, in this order. Anything stored in the meantime
// stays. It returns the number of new nodes, and whether made was stored.
func (t *Tree[T]) Add(names []string, point spec.Point, made *T) (nodes int, stored bool) {
	for _, name := range names {
		if t.leaf != nil || t.name != "" && t.name != name {
			return nodes, false
		}
		if t.next == nil {
			t.name, t.at, t.next = name, point.Place(name), map[spec.Value]*Tree[T]{}
		}
		v, _ := point.GetAt(t.at, name)
		if t.next[v] == nil {
			t.next[v] = &Tree[T]{}
			nodes++
		}
		t = t.next[v]
	}
	if t.leaf != nil || t.name != "" {
		return nodes, false
	}
	t.leaf = made
	return nodes, true
}
