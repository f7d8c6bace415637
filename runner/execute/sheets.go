package execute

import (
	"fmt"
	"strings"

	"github.com/starsweep/starsweep/results"
)

// sheetKind is the kind of sample sheets in the samples table.
const sheetKind = "grid"

// drawSheet records the sample sheet of an epoch. One that a killed run drew is kept, even if it has another size.
func (s *session) drawSheet(t *Trainee, epoch int) error {
	if s.x.Study.View().HasSample(s.trial.ID, epoch, sheetKind) {
		return nil
	}
	png, err := t.Sheet(s.trial.Job.Evaluation.Sheet)
	if err != nil {
		return err
	}
	return s.claim.AppendSample(results.Sample{Trial: s.trial.ID, Epoch: epoch, Kind: sheetKind, PNG: png})
}

// redrawSheet draws the sheet of the last epoch of a resumed trial if the journal has lost it, since the state is available. Lost sheets
// of earlier epochs cannot be restored.
func (s *session) redrawSheet() error {
	if s.trial.Job.Program.Sample == nil {
		return nil
	}
	var lost []string
	for epoch := 1; epoch <= s.trainee.Done; epoch++ {
		if !s.due(epoch) || s.x.Study.View().HasSample(s.trial.ID, epoch, sheetKind) {
			continue
		}
		if epoch == s.trainee.Done {
			if err := s.drawSheet(s.trainee, epoch); err != nil {
				return err
			}
		} else {
			lost = append(lost, fmt.Sprint(epoch))
		}
	}
	if len(lost) > 0 {
		s.x.lab.Warn(fmt.Errorf("trial %s: the sample sheets of these epochs are lost: %s", s.trial.ID, strings.Join(lost, ", ")))
	}
	return nil
}
