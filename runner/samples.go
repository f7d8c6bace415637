package runner

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"strings"

	"github.com/starsweep/starsweep/engine/data"
	"github.com/starsweep/starsweep/engine/train"
	"github.com/starsweep/starsweep/results"
)

// drawSheet draws the sample sheet of an epoch, from the same latents at every epoch. A sheet that a killed run drew is kept, even if it
// has another size.
func (ev *evaluator) drawSheet(run *train.Run, epoch int) error {
	if ev.trainer.study.View().HasSample(ev.trial.ID, epoch, sheetKind) {
		return nil
	}
	n := ev.trial.Job.Evaluation.Sheet
	pixels, err := run.Sample(n, 0)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := png.Encode(&b, sheet(ev.set, pixels, n)); err != nil {
		return err
	}
	return ev.trainer.held(ev.trial).claim.AppendSample(results.Sample{Trial: ev.trial.ID, Epoch: epoch, Kind: sheetKind, PNG: b.Bytes()})
}

// redrawSheet draws the sheet of the last epoch of a resumed trial if the journal has lost it, since the state is available. Lost sheets
// of earlier epochs cannot be restored.
func (ev *evaluator) redrawSheet(run *train.Run, done int) error {
	job, study := ev.trial.Job, ev.trainer.study.View()
	if job.Program.Sample == nil {
		return nil
	}
	var lost []string
	for epoch := 1; epoch <= done; epoch++ {
		if !job.Evaluation.Due(epoch, job.Epochs) || study.HasSample(ev.trial.ID, epoch, sheetKind) {
			continue
		}
		if epoch == done {
			if err := ev.drawSheet(run, epoch); err != nil {
				return err
			}
		} else {
			lost = append(lost, fmt.Sprint(epoch))
		}
	}
	if len(lost) > 0 {
		ev.trainer.warn(fmt.Errorf("trial %s: the sample sheets of these epochs are lost: %s", ev.trial.ID, strings.Join(lost, ", ")))
	}
	return nil
}

// sheetKind is the kind of sample sheets in the samples table.
const sheetKind = "grid"

// sheet draws n images in about a square, or n points as a scatter plot with a margin around the points of the set.
func sheet(set *data.Set, x []float32, n int) *image.NRGBA {
	if set.Shape().Points() {
		reach := float32(0)
		for _, v := range set.F32 {
			reach = max(reach, v, -v)
		}
		return data.Scatter(x, n, 256, 1.25*float64(reach))
	}
	cols := 1
	for cols*cols < n {
		cols++
	}
	return data.Montage(x, n, set.H, set.W, set.C, cols)
}
