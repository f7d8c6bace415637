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
		Use: "features", Short: "List the extractors of features, and add their weights", Args: cobra.ArbitraryArgs, RunE: unknownCommand,
	}
	c.AddCommand(
		exits(&cobra.Command{
			Use:     "list",
			Short:   "List the extractors and whether their weights are present",
			Example: `  starsweep features list`,
			Args:    noArgs,
			RunE:    func(*cobra.Command, []string) error { listFeatures(env); return nil },
		}),
		exits(&cobra.Command{
			Use:   "add FILE",
			Short: "Add the weights of Inception v3",
			Long: `Add reads the weights of Inception v3 from a file and keeps them for the
extractors that need them: the weights of FID as .pth or .pt, those of Keras as
.h5, or either as .safetensors. Features list says where to get them.`,
			Example: `  starsweep features add pt_inception-2015-12-05-6726825d.pth`,
			Args: func(_ *cobra.Command, args []string) error {
				if len(args) != 1 {
					return usageErrorf("got %d arguments, want one file of weights: starsweep features list says which, and where to get it",
						len(args))
				}
				return nil
			},
			RunE: func(_ *cobra.Command, args []string) error {
				added, err := env.networks().Add(args[0])
				if err != nil {
					return asUsageError(err)
				}
				printOrigin(env, added)
				return nil
			},
		}),
		exits(&cobra.Command{
			Use:   "get NAME",
			Short: "Download the weights of Inception v3 and check their digests",
			Long: `Get downloads the published weights of the extractor inception (81 MB), checks
their digests and adds them.`,
			Example:   `  starsweep features get inception`,
			ValidArgs: []cobra.Completion{"inception"},
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
					printOrigin(env, got)
				}
				return asUsageError(err)
			},
		}),
	)
	return c
}

func printOrigin(env *Env, o feature.Origin) {
	published := o.Published
	if published == "" {
		published = "not a known published file"
	}
	fmt.Fprintf(env.Stdout, "%s: added from %s (%s)\n", o.Network, plain.Line(o.File), published)
}

// downloaded prints the progress of a download every 4 MB.
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
		state := "present"
		if errors.Is(i.Err, fs.ErrNotExist) {
			state = "missing"
		} else if i.Err != nil {
			state = "damaged"
		}
		digest := i.Digest
		if digest != "" {
			digest = digest[:16]
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", i.Name, state, digest, i.Doc)
	}
	w.Flush()
	var printed []string
	for _, i := range list {
		if i.Err == nil || slices.Contains(printed, i.Err.Error()) { // two networks may need one file
			continue
		}
		printed = append(printed, i.Err.Error())
		fmt.Fprintf(env.Stdout, "%s: %s\n", i.Name, plain.Line(i.Err.Error()))
	}
}
