package starlib

import "github.com/starsweep/starsweep/engine/spec"

// tree finds what was made for a point by the values that decided about it: which value is asked for next depends on those before
// alone. The zero tree is empty.
type tree[T any] struct {
	leaf *T
	name string // of the value that decides here; "" at a leaf
	at   int    // its place in points
	next map[spec.Value]*tree[T]
}

// find is what was made for points like this one; nil if nothing was.
func (t *tree[T]) find(point spec.Point) *T {
	for t != nil && t.leaf == nil {
		v, _ := point.GetAt(t.at, t.name)
		t = t.next[v]
	}
	if t == nil {
		return nil
	}
	return t.leaf
}

// add enters what was made for a point when the values of the names decided, in this order. Something that was made meanwhile
// stays. It returns how many nodes are new.
func (t *tree[T]) add(names []string, point spec.Point, made *T) (nodes int) {
	for _, name := range names {
		if t.leaf != nil || t.name != "" && t.name != name {
			return nodes
		}
		if t.next == nil {
			t.name, t.at, t.next = name, point.Place(name), map[spec.Value]*tree[T]{}
		}
		v, _ := point.GetAt(t.at, name)
		if t.next[v] == nil {
			t.next[v] = &tree[T]{}
			nodes++
		}
		t = t.next[v]
	}
	if t.leaf == nil && t.name == "" {
		t.leaf = made
	}
	return nodes
}
