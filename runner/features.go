package runner

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/starsweep/starsweep/engine/feature"
	"github.com/starsweep/starsweep/internal/fetch"
	"github.com/starsweep/starsweep/internal/plain"
)

func featuresCommand(env *Env) *cobra.Command {
	c := &cobra.Command{
		Use: "features", Short: "list the networks whose features metrics compare, and add weights", Args: cobra.ArbitraryArgs,
		RunE: unknownCommand,
	}
	c.AddCommand(
		&cobra.Command{
			Use: "list", Short: "list the networks, their digests, and whether their weights are here", Args: noArgs,
			RunE: func(*cobra.Command, []string) error { listFeatures(env); return nil },
		},
		&cobra.Command{
			Use: "add FILE", Short: "keep the weights of Inception v3: FID's as .pth or .pt, Keras's as .h5, or either as .safetensors",
			Args: func(_ *cobra.Command, args []string) error {
				if len(args) != 1 {
					return usageErrorf("got %d arguments, want one file of weights: starsweep features list says which and where from", len(args))
				}
				return nil
			},
			RunE: func(_ *cobra.Command, args []string) error {
				added, err := env.networks().Add(args[0])
				if err != nil {
					return asUsageError(err)
				}
				tellOrigin(env, added)
				return nil
			},
		},
		&cobra.Command{
			Use: "get NAME", Short: "fetch the published weights of inception, with their digests checked (81 MB)",
			Args: func(_ *cobra.Command, args []string) error {
				if len(args) != 1 {
					return usageErrorf("got %d arguments, want the name of one network: inception", len(args))
				}
				return nil
			},
			RunE: func(c *cobra.Command, args []string) error {
				index := feature.Index{URL: env.Getenv("PIP_INDEX_URL"), Progress: env.downloaded(args[0])}
				got, err := env.networks().Get(c.Context(), args[0], index)
				if err == nil {
					tellOrigin(env, got)
				}
				return asUsageError(err)
			},
		},
	)
	return c
}

func tellOrigin(env *Env, o feature.Origin) {
	published := o.Published
	if published == "" {
		published = "no published file that starsweep knows"
	}
	fmt.Fprintf(env.Stdout, "%s: added from %s (%s)\n", o.Network, plain.Line(o.File), published)
}

// downloaded shows how far the download of something is, every 4 MB.
func (e *Env) downloaded(what string) fetch.Progress {
	shown := int64(-1)
	return func(done, total int64) {
		if step := done >> 22; step != shown {
			shown = step
			fmt.Fprintf(e.Stderr, "%s: %d of %d MB\n", what, done>>20, total>>20)
		}
	}
}

func listFeatures(env *Env) {
	w := tabwriter.NewWriter(env.Stdout, 0, 0, 2, ' ', 0)
	list := env.networks().List()
	for _, i := range list {
		here := "here"
		if errors.Is(i.Err, fs.ErrNotExist) {
			here = "missing"
		} else if i.Err != nil {
			here = "damaged"
		}
		digest := i.Digest
		if digest != "" {
			digest = digest[:16]
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", i.Name, here, digest, i.Doc)
	}
	w.Flush()
	var told []string
	for _, i := range list {
		if i.Err == nil || slices.Contains(told, i.Err.Error()) { // two networks may want one file
			continue
		}
		told = append(told, i.Err.Error())
		fmt.Fprintf(env.Stdout, "%s: %s\n", i.Name, plain.Line(i.Err.Error()))
	}
}
