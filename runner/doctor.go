package runner

import (
	"fmt"
	"path/filepath"
	"runtime"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/starsweep/starsweep/engine/train"
)

func doctorCommand(env *Env) *cobra.Command {
	return &cobra.Command{
		Use: "doctor", Short: "list backends, plugins, data sets, features and caches, and how to get what is missing", Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			fmt.Fprintf(env.Stdout, "starsweep %s, %s %s/%s, %d cores\n\nbackends\n", env.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0))
			w := tabwriter.NewWriter(env.Stdout, 0, 0, 2, ' ', 0)
			for _, b := range train.List(env.trainOptions()) {
				switch {
				case b.Available:
					fmt.Fprintf(w, "  %s\tok\t%s\n", b.Name, b.Detail)
				case b.Hint == "": // there is a plugin, but it does not work
					fmt.Fprintf(w, "  %s\tbroken\t%s\n", b.Name, b.Detail)
				default:
					fmt.Fprintf(w, "  %s\tmissing\t%s; %s\n", b.Name, b.Detail, b.Hint)
				}
			}
			w.Flush()
			fmt.Fprintln(env.Stdout, "\ndata sets")
			listData(env)
			fmt.Fprintln(env.Stdout, "\nfeatures")
			listFeatures(env)
			fmt.Fprintln(env.Stdout, "\nfolders")
			for _, f := range []struct{ what, path string }{{"data", env.data()}, {"features", env.networks().Dir}, {"cache", env.cache()}, {"plugins", env.plugins()}} {
				fmt.Fprintf(env.Stdout, "  %-8s %s\n", f.what, filepath.Clean(f.path))
			}
			return nil
		},
	}
}
