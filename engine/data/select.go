package data

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/starsweep/starsweep/engine/spec"
)

// selection is the indices of the requested pictures, in order.
func (v survey) selection(wanted spec.Data) ([]int, error) {
	if wanted.Classes != nil && v.labels == nil {
		return nil, fmt.Errorf("classes: got %v, but the images have no labels", wanted.Classes)
	}
	if n := len(wanted.Classes); n > 0 && wanted.Classes[n-1] >= v.classes {
		return nil, fmt.Errorf("classes: got %d, want 0 to %d", wanted.Classes[n-1], v.classes-1)
	}
	var keep []int
	for i := range v.n {
		if wanted.Classes == nil || slices.Contains(wanted.Classes, int(v.labels[i])) {
			keep = append(keep, i)
		}
	}
	if len(keep) == 0 {
		return nil, fmt.Errorf("no images left of %d: classes %v", v.n, wanted.Classes)
	}
	switch {
	case wanted.Limit == 0 || wanted.Limit >= len(keep):
		return keep, nil
	case !wanted.Files: // the order is random already
		return keep[:wanted.Limit], nil
	}
	return v.subset(keep, wanted.Limit), nil
}

// subset draws n of the pictures in keep, always the same ones: first one of every class, larger classes before smaller ones, as far
// as n allows, then from each class its share of the whole. A subset contains every smaller one.
func (v survey) subset(keep []int, n int) []int {
	r := random("subset", "", 0, 0)
	classes := map[int32][]int{}
	for _, k := range r.Perm(len(keep)) {
		class := int32(0)
		if v.labels != nil {
			class = v.labels[keep[k]]
		}
		classes[class] = append(classes[class], keep[k])
	}
	type candidate struct {
		index int
		later bool    // not the first of its class
		rank  float64 // within the class, from 0 to 1
		class int32
	}
	var all []candidate
	for class, pictures := range classes {
		for k, i := range pictures {
			all = append(all, candidate{i, k > 0, (float64(k) + 0.5) / float64(len(pictures)), class})
		}
	}
	slices.SortFunc(all, func(a, b candidate) int {
		if a.later != b.later {
			if b.later {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.class, b.class))
	})
	chosen := make([]int, n)
	for k := range chosen {
		chosen[k] = all[k].index
	}
	slices.Sort(chosen)
	return chosen
}
