package runner

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"
)

func featuresCommand(env *Env) *cobra.Command {
	c := &cobra.Command{
		Use: "features", Short: "list the networks whose features metrics compare, and add weights", Args: cobra.ArbitraryArgs, RunE: unknownCommand,
	}
	c.AddCommand(
		&cobra.Command{
			Use: "list", Short: "list the networks, their digests, and whether their weights are here", Args: noArgs,
			RunE: func(*cobra.Command, []string) error { listFeatures(env); return nil },
		},
		&cobra.Command{
			Use: "add FILE", Short: "keep the weights of Inception v3: pytorch-fid's .pth, Keras's .h5, or either as .safetensors",
			Args: func(_ *cobra.Command, args []string) error {
				if len(args) != 1 {
					return usage("got %d arguments, want one file of weights: starsweep features list says which and where from", len(args))
				}
				return nil
			},
			RunE: func(_ *cobra.Command, args []string) error {
				added, err := env.networks().Add(args[0])
				if err != nil {
					return mistake(err)
				}
				published := added.Published
				if published == "" {
					published = "no published file that starsweep knows"
				}
				fmt.Fprintf(env.Stdout, "%s: added from %s (%s)\n", added.Network, added.File, published)
				return nil
			},
		},
	)
	return c
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
		fmt.Fprintf(env.Stdout, "%s: %v\n", i.Name, i.Err)
	}
}
