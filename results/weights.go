package results

import "errors"

// checkWeights is removeDamaged for the first of the processes of a run: to read all weights takes time.
func (w *Writer) checkWeights() error {
	others, err := w.desk.Others()
	if err != nil || len(others) > 0 {
		return err
	}
	return w.removeDamaged()
}

// removeDamaged removes damaged checkpoints of finished trials.
func (w *Writer) removeDamaged() error {
	for _, t := range w.view.Trials() {
		if !t.Status.Final() || !w.view.HasCheckpoint(t.ID) {
			continue
		}
		_, err := w.view.LoadCheckpoint(t.ID)
		if err == nil || errors.Is(err, ErrStorage) {
			continue
		}
		if err := w.removeCheckpoint(t.ID); err != nil {
			return err
		}
		if !w.view.HasCheckpoint(t.ID) {
			w.recovery.note("removed the weights of trial %s, which is finished: %v", t.ID, err)
		}
	}
	return nil
}
