package data

import (
	"path/filepath"
	"strings"
)

// Info describes a set to users.
type Info struct {
	Name    string
	Doc     string
	Source  string // where the images come from
	Present bool   // Open needs no download (and, if the set is the user's own, only a path)
}

// List describes all sets. It reads downloaded files to check that they are complete.
func (st *Store) List() (list []Info) {
	for _, r := range sets {
		list = append(list, Info{Name: r.Name, Doc: r.Doc, Present: r.ready == nil || r.ready(st),
			Source: strings.ReplaceAll(r.from, "DIR", filepath.Join(st.Dir, r.Name))})
	}
	return list
}
