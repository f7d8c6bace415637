package runner

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/starsweep/starsweep/internal/archive"
	"github.com/starsweep/starsweep/internal/durable"
	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/internal/regular"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/results/report"
)

func archiveCommand(env *Env) *cobra.Command {
	var out string
	var tablesOnly bool
	c := &cobra.Command{
		Use:   "archive DIR",
		Short: "Pack a study into one file",
		Long: `Archive packs a study into one .tar.gz or .zip: its journals, one Parquet file
for each table, the report, copies of the scripts, the checkpoints that are
there, and MANIFEST.json with the SHA-256 of every file, the digests of the data
and the versions of starsweep. Unpack it with tar or unzip; the command that
started the study continues it there. With --tables, the archive has only what
readers of the results need: no journals and no checkpoints.

A study may be archived while it runs: the archive has the rows that were
recorded when the command began. Archives of equal studies have equal bytes.`,
		Example: `  starsweep archive runs/quickstart
  starsweep archive runs/quickstart --tables --out paper/quickstart.zip`,
		Args: oneStudy,
		RunE: func(c *cobra.Command, args []string) error { return env.archive(c.Context(), args[0], out, tablesOnly) },
	}
	c.Flags().StringVar(&out, "out", "", "`file` to write, .tar.gz, .tgz or .zip (default NAME.tar.gz, after the directory)")
	c.Flags().BoolVar(&tablesOnly, "tables", false, "leave out what only a run needs: journals, suggestions, verdicts and checkpoints")
	return exits(c, exitStorage)
}

func (e *Env) archive(ctx context.Context, dir, out string, tablesOnly bool) error {
	v, err := e.openView(dir)
	if err != nil {
		return err
	}
	defer v.Close()
	if out == "" {
		whole, err := filepath.Abs(dir)
		if err != nil {
			return err
		}
		out = filepath.Base(whole) + ".tar.gz"
	}
	if !archive.Named(out) {
		return usageErrorf("--out: %s: got a name without .tar.gz, .tgz or .zip at its end", plain.Line(out))
	}
	if _, err := os.Lstat(out); !errors.Is(err, fs.ErrNotExist) {
		return usageErrorf("%s exists: remove it, or choose another name with --out", plain.Line(out))
	}
	if v.Extract() && !tablesOnly {
		return usageErrorf("%s has tables and no journals: --tables archives them", plain.Line(dir))
	}
	if v.Outdated() && !tablesOnly {
		return usageErrorf("%s has the schema of an older version: the next run upgrades it; --tables archives its tables now", plain.Line(dir))
	}
	p := &packing{ctx: ctx, view: v, tablesOnly: tablesOnly}
	if err := durable.WriteShared(out, func(w io.Writer) error { return p.write(w, out) }); err != nil {
		return err
	}
	info, err := os.Stat(out)
	if err != nil {
		return durable.StorageError(out, err)
	}
	fmt.Fprintf(e.Stdout, "%s: %s in %s, %.1f MB\n", plain.Line(out), plain.Count(p.about.Trials, "trial"), plain.Count(p.files, "file"),
		float64(info.Size())/1e6)
	return nil
}

// packing packs a study.
type packing struct {
	ctx        context.Context
	view       *results.View
	tablesOnly bool

	out   *archive.Writer
	about aboutStudy
	files int
}

// aboutStudy is what a manifest says of the study.
type aboutStudy struct {
	Study    string          `json:"study"`
	Complete bool            `json:"complete"` // it can be unpacked and continued
	Script   string          `json:"script"`   // hash of the newest plan's
	Profile  string          `json:"profile,omitempty"`
	Settings json.RawMessage `json:"settings,omitempty"`
	Trials   int             `json:"trials"`
	Versions []string        `json:"versions"` // of starsweep that finished trials
	Backends []string        `json:"backends"`
	Data     []aboutData     `json:"data"`
}

// aboutData is a data set with the digests of its images.
type aboutData struct {
	Data  string `json:"data"`
	Train string `json:"train"`
	Test  string `json:"test,omitempty"`
}

// write writes the archive. Checkpoints are copied before the view reads on: one that is older than the journals can be continued from,
// one that is newer by more than an epoch cannot.
func (p *packing) write(w io.Writer, name string) (err error) {
	root := p.view.Meta().Study
	if !folderName(root) {
		root = "study"
	}
	if p.out, err = archive.NewWriter(w, name, root); err != nil {
		return err
	}
	if !p.tablesOnly {
		if err := p.folder("checkpoints"); err != nil {
			return err
		}
	}
	if _, err := p.view.Refresh(); err != nil {
		return err
	}
	steps := []func() error{p.journals, p.tables, p.report, func() error { return p.folder("script") }, p.description}
	if p.tablesOnly {
		steps = steps[1:]
	} else {
		for _, s := range results.Sequences {
			steps = append(steps, func() error { return p.folder(string(s)) })
		}
	}
	for _, step := range steps {
		if err := errors.Join(context.Cause(p.ctx), step()); err != nil {
			return err
		}
	}
	if err := p.describe(); err != nil {
		return err
	}
	return p.out.Close(p.about)
}

// add adds a part of a file, from its beginning.
func (p *packing) add(name, file string, size int64) error {
	f, err := regular.Open(file)
	if err != nil {
		return durable.StorageError(file, err)
	}
	defer f.Close()
	p.files++
	return p.out.Add(name, size, f)
}

// content adds a file from memory.
func (p *packing) content(name string, b *bytes.Buffer) error {
	p.files++
	return p.out.Add(name, int64(b.Len()), b)
}

// folder adds the files below a folder of the study, except hidden ones, which are half-written; whatever else is there is not of the
// study. Files that vanish meanwhile, as checkpoints do, are left out; those that are replaced keep their content while they are open.
func (p *packing) folder(folder string) error {
	root := filepath.Join(p.view.Dir(), folder)
	return filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return durable.StorageError(file, err)
		case p.ctx.Err() != nil:
			return context.Cause(p.ctx)
		case d.IsDir() || strings.HasPrefix(d.Name(), "."):
			return nil
		}
		if ours, err := regular.IsFile(file); err != nil || !ours {
			return durable.StorageError(file, err)
		}
		below, err := filepath.Rel(p.view.Dir(), file)
		if err != nil {
			return err
		}
		f, err := regular.Open(file)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		} else if err != nil {
			return durable.StorageError(file, err)
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			return durable.StorageError(file, err)
		}
		p.files++
		return p.out.Add(filepath.ToSlash(below), info.Size(), f)
	})
}

func (p *packing) journals() error {
	for _, j := range p.view.Journals() {
		if err := p.add(path.Join("journal", j.Name), j.Path, j.Size); err != nil {
			return err
		}
	}
	return nil
}

func (p *packing) tables() error {
	for _, t := range results.Tables() {
		if t == results.Pareto && len(p.view.Meta().Objectives) == 0 {
			continue
		}
		var b bytes.Buffer
		if err := p.view.WriteTable(t, &b); err != nil {
			return err
		}
		if err := p.content(results.TableFile(t), &b); err != nil {
			return err
		}
	}
	return nil
}

func (p *packing) report() error {
	var b bytes.Buffer
	if err := report.Write(&b, p.view, report.Options{}); err != nil {
		return err
	}
	return p.content("report.html", &b)
}

// description adds study.json.
func (p *packing) description() error {
	describe := p.view.Description
	if p.tablesOnly {
		describe = p.view.DescribeExtract
	}
	description, err := describe()
	if err != nil {
		return err
	}
	return p.content("study.json", bytes.NewBuffer(description))
}

// describe gathers what the manifest says of the study.
func (p *packing) describe() error {
	p.about = aboutStudy{Study: p.view.Meta().Study, Complete: !p.tablesOnly, Script: p.view.Meta().ScriptHash, Data: []aboutData{}}
	if plan, found := p.view.Plan(); found {
		p.about.Script, p.about.Profile = plan.Script, plan.Profile
		if json.Valid([]byte(plan.Settings)) {
			p.about.Settings = json.RawMessage(plan.Settings)
		}
	}
	for _, t := range p.view.Trials() {
		p.about.Trials++
		if d := (aboutData{t.Data, t.Train, t.Test}); !slices.Contains(p.about.Data, d) {
			p.about.Data = append(p.about.Data, d)
		}
	}
	versions, backends := []string{}, []string{}
	for row, err := range p.view.Rows(results.Trials) {
		if err != nil {
			return err
		}
		version, _ := row["version"].(string)
		backend, _ := row["backend"].(string)
		versions, backends = append(versions, version), append(backends, backend)
	}
	p.about.Versions, p.about.Backends = distinct(versions), distinct(backends)
	return nil
}

// distinct sorts texts and leaves out repeated and empty ones.
func distinct(texts []string) []string {
	slices.Sort(texts)
	return slices.DeleteFunc(slices.Compact(texts), func(s string) bool { return s == "" })
}
