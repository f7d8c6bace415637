package runner

import (
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/starsweep/starsweep/engine/train"
	"github.com/starsweep/starsweep/internal/plain"
)

func doctorCommand(env *Env) *cobra.Command {
	return exits(&cobra.Command{
		Use:   "doctor",
		Short: "Show what is installed, and how to install what is missing",
		Long: `Doctor lists backends and plugins, data sets, feature extractors and folders. It
reports which of them work here, and how to install those that are missing.`,
		Example: `  starsweep doctor`,
		Args:    noArgs,
		RunE: func(*cobra.Command, []string) error {
			fmt.Fprintf(env.Stdout, "starsweep %s, %s %s/%s, %d cores\n", env.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH,
				runtime.GOMAXPROCS(0))
			fmt.Fprintln(env.Stdout, "\nbackends")
			if err := listBackends(env.Stdout, train.List(env.trainOptions())); err != nil {
				return err
			}
			fmt.Fprintln(env.Stdout, "\ndata sets")
			listData(env)
			fmt.Fprintln(env.Stdout, "\nfeatures")
			listFeatures(env)
			fmt.Fprintln(env.Stdout, "\nfolders")
			w := tabwriter.NewWriter(env.Stdout, 0, 0, 2, ' ', 0)
			for _, f := range []struct{ what, path string }{
				{"data", env.data()}, {"features", env.networks().Dir}, {"cache", env.cache()}, {"plugins", env.plugins()},
			} {
				fmt.Fprintf(w, "  %s\t%s\n", f.what, plain.Line(filepath.Clean(f.path)))
			}
			return w.Flush()
		},
	})
}

func listBackends(to io.Writer, backends []train.Info) error {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	for _, b := range backends {
		detail := plain.Line(b.Detail)
		switch {
		case b.Available:
			fmt.Fprintf(w, "  %s\tok\t%s\n", b.Name, detail)
		case b.Hint == "": // there is a plugin, but it does not work
			fmt.Fprintf(w, "  %s\tbroken\t%s\n", b.Name, detail)
		default:
			fmt.Fprintf(w, "  %s\tmissing\t%s; %s\n", b.Name, detail, plain.Line(b.Hint))
		}
	}
	return w.Flush()
}
