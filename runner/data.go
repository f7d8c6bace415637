package runner

import (
	"fmt"
	"image/png"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/starsweep/starsweep/engine/data"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/internal/plain"
)

func dataCommand(env *Env) *cobra.Command {
	c := &cobra.Command{Use: "data", Short: "List, download and inspect data sets", Args: cobra.ArbitraryArgs, RunE: unknownCommand}
	c.AddCommand(
		exits(&cobra.Command{
			Use:     "list",
			Short:   "List the data sets and whether they are present",
			Example: `  starsweep data list`,
			Args:    noArgs,
			RunE:    func(*cobra.Command, []string) error { listData(env); return nil },
		}),
		exits(&cobra.Command{
			Use:   "get NAME",
			Short: "Download a data set and check its digests",
			Long: `Get downloads a data set into the folder data of STARSWEEP_HOME and checks the
digests of its files. A data set that is present is not downloaded again.`,
			Example: `  starsweep data get mnist
  starsweep data get cifar10`,
			Args:      oneName,
			ValidArgs: dataNames(data.Downloads()...),
			RunE: func(c *cobra.Command, args []string) error {
				err := env.store().Get(c.Context(), args[0], env.downloaded(args[0]))
				if err == nil {
					fmt.Fprintf(env.Stdout, "%s is in %s\n", args[0], plain.Line(env.data()))
				}
				return asUsageError(err)
			},
		}),
		showDataCommand(env),
	)
	return c
}

// dataNames are the names of data sets, of all or of some, with what a shell says of them.
func dataNames(some ...string) (names []cobra.Completion) {
	for _, d := range data.Declarations() {
		if len(some) == 0 || slices.Contains(some, d.Name) {
			names = append(names, cobra.CompletionWithDesc(d.Name, d.Doc))
		}
	}
	return names
}

func listData(env *Env) {
	w := tabwriter.NewWriter(env.Stdout, 0, 0, 2, ' ', 0)
	for _, i := range env.store().List() {
		state := "missing"
		if i.Present {
			state = "present"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", i.Name, state, i.Doc, plain.Line(i.Source))
	}
	w.Flush()
}

func showDataCommand(env *Env) *cobra.Command {
	var d spec.Data
	var out string
	c := &cobra.Command{
		Use:   "show NAME",
		Short: "Describe a data set and draw its first images",
		Long: `Show opens a data set as a script would, and prints its size, its classes, its
digest, and what was left out. Most flags are arguments of the script's function
of the same name. With --png, it draws the first images.`,
		Example: `  starsweep data show mnist12k --png digits.png
  starsweep data show images --path pictures/ --size 64 --channels 3
  starsweep data show nifti --path scans/ --plane coronal --window 40,400`,
		Args:      oneName,
		ValidArgs: dataNames(),
		RunE: func(c *cobra.Command, args []string) error {
			d.Name = args[0]
			if err := checkDataFlags(c.Flags(), d.Name); err != nil {
				return err
			}
			store := env.store()
			store.Flags = true
			set, err := store.Open(c.Context(), d)
			if err != nil {
				return asUsageError(err)
			}
			env.describeData(set)
			if out == "" {
				return nil
			}
			return drawData(set, out)
		},
	}
	dataFlags(c.Flags(), &d)
	c.Flags().StringVar(&out, "png", "", "write a sheet of the first 64 images to this `file`")
	return exits(c, exitStorage)
}

// dataFlags are the arguments of data sets as flags.
func dataFlags(f *pflag.FlagSet, d *spec.Data) {
	f.StringVar(&d.Path, "path", "", "`path` of the folder or file of the images")
	f.StringVar(&d.Split, "split", "", "split: train or test")
	f.IntVar(&d.Size, "size", 0, "resize to this height and width")
	f.IntVar(&d.Channels, "channels", 0, "convert to 1 channel (grey) or 3 (colour)")
	f.IntVar(&d.Limit, "limit", 0, "maximum number of images")
	f.IntVar(&d.Modes, "modes", 0, "modes of points that are drawn")
	f.IntVar(&d.Count, "count", 0, "number of examples that are drawn")
	f.Float64Var(&d.Radius, "radius", 0, "distance of the modes from the centre")
	f.Float64Var(&d.Sigma, "sigma", 0, "standard deviation of the points of a mode")
	f.Uint64Var(&d.Seed, "seed", 0, "seed of examples that are drawn")
	f.StringVar(&d.Column, "column", "", "column of the images in Parquet files")
	f.StringVar(&d.LabelColumn, "label-column", "", "column of the labels in Parquet files")
	f.IntSliceVar(&d.Classes, "classes", nil, "labels of the images to keep")
	f.StringVar(&d.Plane, "plane", "", "plane of the slices of NIfTI volumes: axial, coronal or sagittal")
	f.Var((*pairFlag)(&d.Window), "window", "centre and width of the window of DICOM or NIfTI values, such as -600,1500")
	f.Var((*pairFlag)(&d.Slices), "slices", "part of each NIfTI volume, such as 0.2,0.8")
	f.BoolVar(&d.Unlabelled, "unlabelled", false, "read every image below the path, in any folder, without labels")
}

// pairFlag is a flag of two numbers.
type pairFlag [2]float64

func (p *pairFlag) Type() string { return "numbers" }

func (p *pairFlag) String() string {
	if *p == (pairFlag{}) {
		return ""
	}
	return fmt.Sprintf("%g,%g", p[0], p[1])
}

func (p *pairFlag) Set(text string) error {
	first, second, ok := strings.Cut(text, ",")
	x, err := strconv.ParseFloat(first, 64)
	y, err2 := strconv.ParseFloat(second, 64)
	if !ok || err != nil || err2 != nil {
		return fmt.Errorf("got %q, want two numbers such as -600,1500", text)
	}
	*p = pairFlag{x, y}
	return nil
}

// describeData prints the size of a set, its classes, its digest and its notes.
func (e *Env) describeData(set *data.Set) {
	classes := "no classes"
	if set.Classes > 0 {
		classes = fmt.Sprintf("%d classes", set.Classes)
	}
	fmt.Fprintf(e.Stdout, "%s: %d images of %d x %d x %d, %s\ndigest %s\n", plain.Line(set.Name), set.N, set.H, set.W, set.C,
		classes, set.Digest)
	if set.ClassNames != nil {
		names := make([]string, len(set.ClassNames))
		for i, name := range set.ClassNames {
			names[i] = plain.Value(name)
		}
		fmt.Fprintf(e.Stdout, "classes %s\n", strings.Join(names, ", "))
	}
	for _, note := range set.Notes {
		fmt.Fprintf(e.Stdout, "note: %s\n", plain.Line(note))
	}
}

// checkDataFlags refuses flags that are arguments of other data sets only. A subset has the arguments of the set that it is a part of.
// A set that does not exist is left to the store.
func checkDataFlags(given *pflag.FlagSet, name string) (err error) {
	sets := data.Declarations()
	if !slices.ContainsFunc(sets, func(s spec.DataSet) bool { return s.Name == name }) {
		return nil
	}
	own, others := map[string]bool{}, map[string]bool{}
	for _, s := range sets {
		flags := others
		if s.Name == name || s.Subset == name {
			flags = own
		}
		for arg := range strings.FieldsSeq(s.Args) {
			flags[strings.ReplaceAll(strings.TrimSuffix(arg, "?"), "_", "-")] = true
		}
	}
	given.Visit(func(f *pflag.Flag) {
		if others[f.Name] && !own[f.Name] && err == nil {
			err = usageErrorf("--%s: %s has no such argument", f.Name, plain.Line(name))
		}
	})
	return err
}

func drawData(set *data.Set, path string) error {
	n := min(64, set.N)
	index := make([]int32, n)
	for i := range index {
		index[i] = int32(i)
	}
	x := make([]float32, n*set.H*set.W*set.C)
	set.Batch(x, index)
	f, err := os.Create(path)
	if err != nil {
		return withCode(exitStorage, err)
	}
	if err := png.Encode(f, set.Sheet(x, n)); err != nil {
		f.Close()
		return withCode(exitStorage, err)
	}
	return withCode(exitStorage, f.Close())
}
