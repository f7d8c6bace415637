package results

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/starsweep/starsweep/internal/durable"
)

// journalFolder has a journal for each writer. In a study of the old schema it is the only journal.
const journalFolder = "journal"

// oldWriter stands for the writers of a study of the old schema.
const oldWriter = "journal"

// openJournals returns the journals of a study, of which nothing is read yet.
func openJournals(dir string, f file) (*journals, error) {
	j := newJournals(filepath.Join(dir, journalFolder), f.ID)
	if f.Schema == oldSchema {
		j.old = &oldJournal{generations: map[string]int{}}
		return j, nil
	}
	if f.Plan != nil {
		var err error
		j.extract, err = openExtract(dir, f)
		return j, err
	}
	info, err := os.Stat(j.dir)
	made := filepath.Join(dir, upgradeFolder, journalFolder)
	switch {
	case err == nil && info.IsDir():
	case exists(made): // an upgrade has not ended
		j.dir = made
	case err == nil:
		return nil, durable.StorageError(j.dir, errors.New("not a folder"))
	}
	return j, nil
}

// upgradeFolder has what an upgrade has made and not yet put in its place.
const upgradeFolder = ".upgrade"

// oldJournal turns lines of a journal of the old schema, which are in the order of time, into entries of today's.
type oldJournal struct {
	generations map[string]int // by trial: how often it was begun
	lines       int
	plan        string // the digest of the last plan
}

// translate makes an entry today's. It returns false for one that means nothing today.
func (o *oldJournal) translate(e *entry) bool {
	o.lines++
	id := e.owner()
	switch {
	case e.Plan != nil:
		e.Number, o.plan = o.lines, e.Plan.digest()
		return true
	case e.Trial != nil: // a trial begins once, unless it is forgotten
		o.generations[id]++
		e.Under = o.plan
	case id == "":
		return e.Study != ""
	}
	e.Generation = o.generations[id]
	return true
}
