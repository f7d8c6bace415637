package results

import (
	"encoding/json"
	"hash/maphash"

	"github.com/starsweep/starsweep/results/internal/journal"
)

// entry is a line of a journal. One of the fields without an indented comment is set; the others belong to it.
type entry struct {
	Study string `json:"study,omitempty"` // the first line of a journal: the ID of the study
	File  *file  `json:"file,omitempty"`  //   and study.json; missing in journals of older versions

	Plan   *Plan `json:"plan,omitempty"`
	Number int   `json:"number,omitempty"` //   above those of all plans that its writer knew: the newest has the highest

	Trial    *Trial `json:"trial,omitempty"`     // a trial begins
	From     int    `json:"from,omitempty"`      //   after this epoch, which others have recorded
	Under    string `json:"under,omitempty"`     //   the digest of the plan of its writer
	TookOver bool   `json:"took_over,omitempty"` //   from a writer that died

	Epoch   *Epoch      `json:"epoch,omitempty"`
	Sample  *sampleHead `json:"sample,omitempty"` // the picture is read on demand
	Outcome *Outcome    `json:"outcome,omitempty"`
	Rows    *rowCount   `json:"rows,omitempty"` //   of the trial that the outcome finishes
	Pause   *pause      `json:"pause,omitempty"`

	Measurement *Measurement `json:"measurement,omitempty"`

	Forget string `json:"forget,omitempty"` // the trial's generations up to this one are retired

	Repaired *repaired `json:"repaired,omitempty"`

	Generation int `json:"generation,omitempty"` // of the claim under which a row was written
}

// rowCount is the number of rows that the other tables have of a trial. Tables do not have the number of samples.
type rowCount struct {
	Epochs  int `json:"epochs"`
	Samples int `json:"samples"`
}

// pause says why a judge has paused a trial.
type pause struct {
	Trial  string `json:"trial"`
	Reason string `json:"reason,omitempty"`
}

// repaired acknowledges that a part of a journal is lost, and that what was left of its rows is recorded elsewhere.
type repaired struct {
	Writer string `json:"writer"`
	journal.Hole
}

// sampleEntry is a line with a sample sheet, as it is written.
type sampleEntry struct {
	Sample     Sample `json:"sample"`
	Generation int    `json:"generation,omitempty"`
}

// sampleHead is a sample as it is read at first: without the picture.
type sampleHead struct {
	sampleKey
	PNG textSum `json:"png"`
}

// textSum tells texts apart within this process.
type textSum uint64

var textSeed = maphash.MakeSeed()

// UnmarshalJSON makes the sum of the text of a value.
func (s *textSum) UnmarshalJSON(b []byte) error {
	*s = textSum(maphash.Bytes(textSeed, b))
	return nil
}

// pictureSum is the sum of a picture as a line has it.
func pictureSum(png []byte) textSum { return textSum(maphash.Bytes(textSeed, encode(png))) }

// owner is the ID of the trial that an entry is about, empty if it is about none.
func (e *entry) owner() string {
	switch {
	case e.Trial != nil:
		return e.Trial.ID
	case e.Epoch != nil:
		return e.Epoch.Trial
	case e.Sample != nil:
		return e.Sample.Trial
	case e.Outcome != nil:
		return e.Outcome.Trial
	case e.Pause != nil:
		return e.Pause.Trial
	case e.Measurement != nil:
		return e.Measurement.Trial
	}
	return e.Forget
}

// encode is the form in which rows are compared: equal values have equal bytes.
func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		return []byte(err.Error()) // such as NaN seconds, which append then rejects
	}
	return b
}
