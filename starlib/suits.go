package starlib

import (
	"errors"
	"fmt"
	"slices"

	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/starlib/kit"
	"github.com/starsweep/starsweep/starlib/number"
	"github.com/starsweep/starsweep/starlib/optimizer"
)

// most is the largest number of examples that a data set may have, as far as that is known without opening it.
func (l Loader) most(d spec.Data) (n int, known bool) {
	if l.Images != nil {
		n, known = l.Images(d)
	}
	if d.Limit > 0 && (!known || n > d.Limit) {
		return d.Limit, true
	}
	return n, known
}

// suits refuses what a run would refuse as soon as it opens the data, and gives the number of iterations of an epoch, 0 where it is
// not known. It notes what a training of this length never reaches, unless a profile or a setting from outside made it as short.
func (t *trial) suits(p *model.Program, l Loader, n *kit.Notes, shortened bool) (perEpoch int, err error) {
	var errs []error
	fault := func(format string, a ...any) {
		errs = append(errs, &kit.Error{Pos: t.pos, Msg: fmt.Sprintf(format, a...)})
	}
	if l.Fits != nil {
		if err := l.Fits(t.data.Data); err != nil {
			fault("data: %v", err)
		}
	}
	examples, known := l.most(t.data.Data)
	want := p.Batches * p.Config.Batch
	if known && examples < want {
		fault("data: got %d images, want at least the %d of one iteration (%d x %d): lower batch, or take more images", examples, want, p.Batches,
			p.Config.Batch)
	}
	if e := t.evaluate; len(e.Metrics) > 0 {
		compared, known, what := examples, known, "the trial's data have"
		if e.Real == "test" {
			compared, known = l.most(t.data.Data.Test())
			what = "their test split has"
		}
		if known && compared < e.Samples {
			fault(`evaluate: got %d samples, and %s only %d images to compare with: want fewer samples, or other images by real = "train" or "test"`,
				e.Samples, what, compared)
		}
	}
	if image := t.data.image(); t.evaluate.Sheet > maxSheet/image.Elems() {
		fault("evaluate: got sheet = %d images of %d numbers, a sheet of %.3g, want at most %.3g", t.evaluate.Sheet, image.Elems(),
			float64(t.evaluate.Sheet)*float64(image.Elems()), float64(maxSheet))
	}
	if t.evaluate.Every > t.epochs && !shortened {
		n.Add(t.pos, fmt.Sprintf("evaluate: got every = %d of %d epochs: only the last is evaluated", t.evaluate.Every, t.epochs))
	}
	if known && examples >= want {
		perEpoch = examples / want
	}
	return perEpoch, errors.Join(errs...)
}

// maxSheet bounds the numbers of a sheet of samples, which is one picture: 16,384 x 16,384 in grey.
const maxSheet = 1 << 28

// playerNumber is a real number of a player's optimizer, or the bound of its weights.
type playerNumber struct {
	name   string
	player string
	value  spec.Schedule
	bound  number.Bound
}

// lasting are the numbers of a trial's players, which must be good until training ends.
type lasting struct {
	pos              string
	epochs, perEpoch int
	numbers          []playerNumber
}

// check refuses numbers that become wrong while they train, and notes what is not over then.
func (l lasting) check(n *kit.Notes, shortened bool) error {
	var errs []error
	for _, x := range l.numbers {
		if err := x.holds(l.epochs, l.perEpoch); err != nil {
			errs = append(errs, &kit.Error{Pos: l.pos, Msg: fmt.Sprintf("the %s of the %s: %v", x.name, x.player, err)})
		}
		for _, part := range x.value.Beyond(l.epochs, l.epochs*l.perEpoch) {
			if shortened {
				break
			}
			n.Add(l.pos, fmt.Sprintf("the %s of the %s: %v is not over when training ends, after %d epochs", x.name, x.player, part, l.epochs))
		}
	}
	return errors.Join(errs...)
}

// at are the numbers that change over time or between points, with the values of a point.
func (l lasting) at(bind func(id string) spec.Schedule) lasting {
	var changing []playerNumber
	for _, x := range l.numbers {
		if x.value = x.value.Bind(bind); !x.value.IsConstant() {
			changing = append(changing, x)
		}
	}
	l.numbers = changing
	return l
}

// variables are the numbers that depend on the point.
func (l lasting) variables() lasting {
	l.numbers = slices.DeleteFunc(slices.Clone(l.numbers), func(x playerNumber) bool {
		_, ok := x.value.Variable()
		return !ok
	})
	return l
}

func (p *player) numbers() (all []playerNumber) {
	for _, x := range p.optimizer.Params {
		all = append(all, playerNumber{x.Name, p.name, x.Value, optimizer.Bounds[x.Name]})
	}
	for _, x := range []struct {
		name  string
		value *spec.Schedule
		bound number.Bound
	}{{"clip_norm", p.optimizer.ClipNorm, number.AboveZero}, {"clip_value", p.optimizer.ClipValue, number.AboveZero}, {"ema", p.optimizer.EMA, number.Fraction},
		{"clip", p.clip, number.AboveZero}} {
		if x.value != nil {
			all = append(all, playerNumber{x.name, p.name, *x.value, x.bound})
		}
	}
	return all
}

// holds looks at a schedule from the first step to the last. What counts in steps is known only if the data's size is.
func (x playerNumber) holds(epochs, perEpoch int) error {
	if x.value.IsConstant() || perEpoch == 0 && x.value.Counts(spec.Steps) {
		return nil
	}
	if perEpoch == 0 {
		perEpoch = 1000 // any: fractions of epochs are all that counts
	}
	for step, v := range x.value.Over(epochs*perEpoch, perEpoch) {
		if !x.bound.Holds(v) {
			return fmt.Errorf("got %v, which is %.3g in epoch %d, want %s", x.value, v, step/perEpoch+1, x.bound.Want)
		}
	}
	return nil
}
