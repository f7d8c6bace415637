package runner

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/starsweep/starsweep/engine/data"
	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/runner/generated"
)

type sampleOptions struct {
	n            int
	out, backend string
	seed         uint32
	reseed       bool // seed was given
}

func sampleCommand(env *Env) *cobra.Command {
	var o sampleOptions
	c := &cobra.Command{
		Use:   "sample DIR TRIAL --out PATH",
		Short: "Draw samples from the kept weights of a trial",
		Long: `Sample draws images, or points, from the weights that a study keeps of a trial:
those of its last epoch, averaged if the script averages them, as in its
evaluations. TRIAL is an ID, its first digits, or "best", the trial with the
best last value of the first objective. Neither the script nor the data are
needed, only the directory of the study.

The extension of --out is the format:

  none      a folder of PNG files
  .zip      the same files in a zip file
  .npy      an array of float32: images (n, height, width, channels) from -1 to
            1, points (n, 2)
  .parquet  a column "image" of PNG files as Hugging Face's datasets stores it,
            or columns "x" and "y" of points
  .csv      points as text
  .safetensors
            images or points as in .npy, with what they are made of: latent,
            label, noise, whatever the generator reads

A generator that is given labels draws the classes in turn. Pictures then are
in a folder for each class, tables have a column "label", and the labels of an
array NAME.npy are in NAME-labels.npy.

Sample number i is the i-th sample of the trial's evaluations: it has the same
latents. --seed draws others. Equal commands give equal bytes on one backend.`,
		Example: `  starsweep sample runs/quickstart best --n 1000 --out samples.zip
  starsweep sample runs/quickstart 3f2a --n 50000 --out samples.parquet --seed 1`,
		Args: oneTrial,
		RunE: func(c *cobra.Command, args []string) error {
			o.reseed = c.Flags().Changed("seed")
			return sample(c.Context(), env, args[0], args[1], o)
		},
	}
	c.Flags().IntVar(&o.n, "n", 64, "number of samples")
	c.Flags().StringVar(&o.out, "out", "", "`path` of the samples")
	c.Flags().Uint32Var(&o.seed, "seed", 0, "seed of the latents (default that of the trial)")
	backendFlag(c, &o.backend)
	return exits(c, exitScript, exitNoDevice, exitStorage)
}

func sample(ctx context.Context, env *Env, dir, name string, o sampleOptions) error {
	switch {
	case o.n < 1:
		return usageErrorf("--n: got %d, want at least 1", o.n)
	case o.out == "":
		return usageErrorf("--out: got no path, want %s", generated.Formats())
	}
	if err := generated.Check(o.out); err != nil {
		return asUsageError(fmt.Errorf("--out: %w", err))
	}
	v, t, err := env.openTrial(ctx, dir, name)
	if err != nil {
		return err
	}
	defer v.Close()
	backend, err := env.openBackend(o.backend)
	if err != nil {
		return err
	}
	defer backend.Close()
	seed := uint32(t.Seed)
	if o.reseed {
		seed = o.seed
	}
	g, err := openWeights(v, t, backend, seed)
	if err != nil {
		return err
	}
	label := v.Meta().Label(t.Point, t.Seed)
	set := g.set(t, o.n, fmt.Sprintf("%s, trial %s, %s, epoch %d, latents of seed %d", v.Meta().Study, t.ID, label, g.epoch, seed))
	set.Draw = func(from, to int) ([]float32, error) { return g.images(ctx, from, to) }
	set.Inputs = g.Given
	set.Progress = newPasses(env).watch
	err = generated.Write(ctx, o.out, set)
	if closed := g.Close(); err == nil {
		err = closed
	}
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		return asUsageError(err)
	}
	fmt.Fprintf(env.Stdout, "%s: %s of trial %s after epoch %d of %d: %s\n", plain.Line(o.out), plain.Count(o.n, "sample"), t.ID, g.epoch,
		t.Length, label)
	return nil
}

// set describes n samples of a trial.
func (g *generator) set(t *restored, n int, source string) generated.Set {
	config := t.Job.Program.Config
	image := config.Image // [h w c], or [c] for points
	s := generated.Set{Shape: data.Shape{N: n, H: max(1, image.Size('h')), W: max(1, image.Size('w')), C: image.Size('c')},
		Source: source, Batch: g.batch}
	if turns := t.Job.Program.Turns; turns != nil {
		s.Classes = config.Classes
		s.Label = func(i int) int { return turns[i%g.batch%len(turns)] }
	}
	for _, x := range t.Job.Program.Given {
		one := x.Node.Shape.Without("b")
		s.Given = append(s.Given, generated.Given{Name: x.Name, Shape: one.Dims(), Integer: !one.DType.Float()})
	}
	return s
}

// oneTrial checks that the arguments are the directory of a study and the name of a trial.
func oneTrial(_ *cobra.Command, args []string) error {
	if len(args) != 2 {
		return usageErrorf("got %d arguments, want the directory of a study and a trial", len(args))
	}
	return nil
}
