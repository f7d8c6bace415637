package results

import (
	"cmp"
	"fmt"
	"slices"
)

// Sheet names a sample sheet of a trial.
type Sheet struct {
	Epoch int
	Kind  string
	Sum   string // differs between different pictures, in this process
}

// Sheets returns the sample sheets of a trial, by epoch and kind.
func (v *View) Sheets(id string) (list []Sheet) {
	v.mu.Lock()
	defer v.mu.Unlock()
	t := v.fold.trial(id)
	if t == nil {
		return nil
	}
	for key, r := range t.samples {
		list = append(list, Sheet{key.Epoch, key.Kind, fmt.Sprintf("%016x", uint64(r.picture))})
	}
	slices.SortFunc(list, func(a, b Sheet) int { return cmp.Or(cmp.Compare(a.Epoch, b.Epoch), cmp.Compare(a.Kind, b.Kind)) })
	return list
}

// Sheet returns the picture of a sample sheet, a PNG file. Found is false if there is none.
func (v *View) Sheet(id string, epoch int, kind string) (png []byte, found bool, err error) {
	v.mu.Lock()
	var r *row
	if t := v.fold.trial(id); t != nil {
		r = t.samples[sampleKey{id, epoch, kind}]
	}
	v.mu.Unlock()
	if r == nil {
		return nil, false, nil
	}
	s, err := v.readSample(r)
	return s.PNG, err == nil, err
}
