package execute

import (
	"cmp"
	"context"
	"fmt"
	"sync"

	"github.com/starsweep/starsweep/engine/data"
	"github.com/starsweep/starsweep/engine/feature"
	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/internal/once"
)

// Library opens what jobs read: data sets, each once for all trials, and the digests of extractors. Its methods may be called from
// several goroutines.
type Library struct {
	store    *data.Store
	networks feature.Store
	warn     func(error) // receives the notes of data sets

	sets    once.Map[string, *data.Set]    // by the data's canonical text
	inputs  once.Map[string, model.Inputs] // by the description of the job
	digests once.Map[string, string]       // of extractors, with their names
	noted   sync.Map                       // warnings about sets that were printed
}

// NewLibrary returns a library of the data sets in a store and the extractors with the weights in networks.
func NewLibrary(store *data.Store, networks feature.Store, warn func(error)) *Library {
	return &Library{store: store, networks: networks, warn: warn}
}

// Images opens a data set.
func (l *Library) Images(ctx context.Context, d spec.Data) (*data.Set, error) {
	return l.sets.Do(ctx, d.String(), func() (*data.Set, error) {
		set, err := l.store.Open(ctx, d)
		if err == nil {
			l.warnOfNotes(d, set)
		}
		return set, err
	})
}

// warnOfNotes prints the notes of a set as warnings, each once even if several specifications read the same files.
func (l *Library) warnOfNotes(d spec.Data, set *data.Set) {
	for _, note := range set.Notes {
		warning := fmt.Errorf("%s: %s", cmp.Or(d.Path, d.Name), note)
		if _, said := l.noted.LoadOrStore(warning.Error(), true); !said {
			l.warn(warning)
		}
	}
}
