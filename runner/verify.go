package runner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/starsweep/starsweep/internal/archive"
	"github.com/starsweep/starsweep/internal/durable"
	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results"
)

func verifyCommand(env *Env) *cobra.Command {
	c := &cobra.Command{
		Use:   "verify DIR|FILE",
		Short: "Check a study or an archive for damage",
		Long: `Verify checks the directory of a study, or an archive of one: the checksums of
journals, tables and checkpoints, that the tables have the rows of the journals,
each once, that trials and scripts have the names of their content, and that
there are no other files. It changes nothing. An archive is also compared with
its manifest; it is unpacked into a temporary folder, at most to a hundred times
its size.

While a process writes the study, its tables are not compared. One of another
machine that has given no sign of life for a minute is watched first, for a bit
more than a minute.

Every problem is a line that begins with the file. Notes are about what harms
nothing: files that a killed process left, or rows that the next run writes to
the tables.`,
		Example: `  starsweep verify runs/quickstart
  starsweep verify quickstart.tar.gz`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageErrorf("got %d arguments, want the directory of one study, or an archive", len(args))
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error { return env.verify(c.Context(), args[0]) },
	}
	return exits(c, exitDamaged, exitStorage)
}

func (e *Env) verify(ctx context.Context, name string) error {
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return asUsageError(err)
	case info.IsDir():
		found := &findings{to: e.Stdout}
		if err := e.verifyStudy(ctx, name, found); err != nil {
			return err
		}
		return found.end(name)
	case !archive.Named(name):
		return usageErrorf("%s: got neither the directory of a study nor a file with the name of an archive, .tar.gz, .tgz or .zip",
			plain.Line(name))
	}
	dir, err := os.MkdirTemp("", "starsweep-verify-*")
	if err != nil {
		return durable.StorageError(dir, err)
	}
	defer os.RemoveAll(dir)
	to, err := os.OpenRoot(dir)
	if err != nil {
		return durable.StorageError(dir, err)
	}
	defer to.Close()
	problems, err := archive.Unpack(ctx, name, to)
	if err != nil {
		return asUsageError(err)
	}
	found := &findings{to: e.Stdout, archive: true}
	for _, p := range problems {
		found.add(results.Problem{Path: p.Path, What: p.What})
	}
	if found.problems == 0 {
		if err := e.verifyStudy(ctx, dir, found); err != nil {
			return err
		}
	}
	return found.end(name)
}

// verifyStudy verifies a directory. One without a journal is an archive of tables alone.
func (e *Env) verifyStudy(ctx context.Context, dir string, found *findings) (err error) {
	if _, err := os.Stat(filepath.Join(dir, "journal")); errors.Is(err, fs.ErrNotExist) && found.archive {
		found.Verified, err = results.VerifyTables(ctx, dir, found.add)
		return asUsageError(err)
	}
	if found.Verified, err = results.Verify(ctx, dir, e.options(), found.add); err != nil {
		return asUsageError(err)
	}
	if err := verifyScripts(dir, found); err != nil || found.problems > 0 {
		return err
	}
	v, err := results.Open(dir)
	if err != nil {
		return err
	}
	defer v.Close()
	return e.verifyConfigurations(ctx, v, found)
}

// verifyScripts compares the copies of scripts with the hashes that name their folders.
func verifyScripts(dir string, found *findings) error {
	folders, err := os.ReadDir(filepath.Join(dir, "script"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return durable.StorageError(dir, err)
	}
	for _, f := range folders {
		p := results.Problem{Path: "script/" + f.Name()}
		if !f.IsDir() || !isHash(f.Name()) {
			p.What, p.Harmless = "not a version of the script", true
			found.add(p)
			continue
		}
		if files, err := results.ScriptFiles(dir, f.Name()); err != nil {
			p.What = err.Error()
		} else if got := hash(files); got != f.Name() {
			p.What = "its files have the hash " + got
		}
		if p.What != "" {
			found.add(p)
		}
	}
	return nil
}

// verifyConfigurations makes the configuration of every trial from the copies of scripts, and compares it with the record. Another version
// may make other programs of a script.
func (e *Env) verifyConfigurations(ctx context.Context, v *results.View, found *findings) error {
	const most = 20 // the reason of one trial is often that of all
	r, wrong := newRestorer(e, v), 0
	for _, t := range v.Trials() {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if t.Status == results.Skipped {
			continue
		}
		_, err := r.restore(ctx, t)
		if err == nil {
			continue
		}
		if wrong++; wrong <= most {
			found.add(results.Problem{What: err.Error(), Harmless: r.trainedBy(t) != e.Version})
		}
	}
	if wrong > most {
		found.add(results.Problem{What: fmt.Sprintf("likewise %d more trials", wrong-most), Harmless: true})
	}
	return nil
}

// findings are what verify has found and printed.
type findings struct {
	results.Verified
	to       io.Writer
	archive  bool
	problems int
}

// add prints a problem.
func (f *findings) add(p results.Problem) {
	line := p.What
	if p.Path != "" {
		line = p.Path + ": " + line
	}
	if p.Harmless {
		line = "note: " + line
	} else {
		f.problems++
	}
	fmt.Fprintln(f.to, plain.Line(line))
}

// end says whether what was verified is sound.
func (f *findings) end(name string) error {
	if f.problems > 0 {
		return withCode(exitDamaged, fmt.Errorf("%s: %s", name, plain.Count(f.problems, "problem")))
	}
	_, err := fmt.Fprintf(f.to, "%s is sound: %s, %s, %s of tables, %s, %s\n", plain.Line(name), plain.Count(f.Trials, "trial"),
		plain.Count(f.Journals, "journal"), plain.Count(f.Tables, "file"), plain.Count(f.Rows, "row"), plain.Count(f.Checkpoints, "checkpoint"))
	return err
}
