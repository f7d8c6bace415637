package results

import (
	"errors"
	"fmt"
	"time"
)

// alone returns an error with ErrInUse in its chain if other processes have the study open.
func (w *Writer) alone(dir, why string) error {
	if err := w.watch(); err != nil {
		return err
	}
	others, err := w.desk.Others()
	if err != nil {
		return err
	}
	if len(others) > 0 {
		return fmt.Errorf("%s: %w by %s, but %s: wait for it or stop it", dir, ErrInUse, others[0], why)
	}
	return nil
}

// Claims that are not of trials, whose IDs have no hyphen.
const (
	maintenanceClaim = "0-maintenance" // to change files of others
	paretoClaim      = "0-pareto"      // to write the pareto table
)

// maintain calls f while no other process changes files of others. It waits for one that does.
func (w *Writer) maintain(f func() error) error {
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		err := w.exclusively(maintenanceClaim, func(func() error) error { return f() })
		if !errors.Is(err, ErrClaimed) {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%w: it is being repaired: %w", ErrInUse, err)
		}
	}
}

// exclusively calls f with a claim, or returns ErrClaimed if another process has it. Held returns an error with ErrClaimLost in its chain
// if this process stood still for so long that another one took the claim over.
func (w *Writer) exclusively(claim string, f func(held func() error) error) error {
	c, err := w.desk.Take(claim, 0)
	if err != nil {
		return err
	}
	return errors.Join(f((&Claim{Trial: claim, c: c}).Held), c.Release())
}
