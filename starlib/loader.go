// Package starlib evaluates a study's Starlark script and gives a Study: the search space, the settings, and a Job for every
// point. Scripts see builtins that return values (gan, study, adam, linear, ...), symbolic tensors, layers in nn, and the
// standard library @std, written in the same language. Evaluation is hermetic and bounded in steps and memory; the package
// knows neither GoMLX nor Parquet nor os, and runner and tests are its only importers.
package starlib

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"go.starlark.net/resolve"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/starlib/hint"
	"github.com/starsweep/starsweep/starlib/kit"
	"github.com/starsweep/starsweep/starlib/layer"
	"github.com/starsweep/starsweep/starlib/sandbox"
)

//go:embed std
var std embed.FS

// Std lists the files of the standard library, as load names them, with their sources.
func Std() map[string]string {
	files := map[string]string{}
	entries, err := std.ReadDir("std")
	if err != nil {
		panic(err) // embedded
	}
	for _, e := range entries {
		source, err := std.ReadFile("std/" + e.Name())
		if err != nil {
			panic(err)
		}
		files[kit.StdPrefix+e.Name()] = string(source)
	}
	return files
}

// Loader evaluates scripts.
type Loader struct {
	Read      func(path string) ([]byte, error) // .star files beside the script; nil: there are none
	Limits    sandbox.Limits
	Print     func(message string) // of print(...) in a script; nil drops it. Jobs may call it side by side
	Reserved  []string             // columns of the tables, which no hyperparameter may be called
	DType     expr.DType           // of the programs; tests use f64
	Catalogue spec.Catalogue       // what scripts choose from that other packages implement
	// Images counts the images of a data set, where that is known without opening it; nil: it never is. Jobs may call it
	// side by side.
	Images func(spec.Data) (n int, known bool)
	// Fits refuses a data set that takes more memory than there is, as far as that is known without opening it; nil: none.
	Fits func(spec.Data) error
}

// reserved lists the names of the tables' columns, for messages.
func (l Loader) reserved() string {
	return strings.Join(slices.Sorted(slices.Values(l.Reserved)), ", ")
}

// Error is an error of a script: where, what it got and what it wants instead.
type Error = kit.Error

// MaxSource is the most bytes of one .star file.
const MaxSource = sandbox.MaxSource

// file is an evaluated .star file.
type file struct {
	doc     string
	globals starlark.StringDict
}

// loading is one evaluation of a script with all that it loads.
type loading struct {
	Loader
	thread  *starlark.Thread
	sources map[string][]byte // of the local files, as they were read
	files   map[string]*file
	open    []string // files being evaluated, outermost first
	globals starlark.StringDict
}

// Load evaluates a script, whose last word is main = study(...). Mistakes come back as *Errors, joined if there are several.
func (l Loader) Load(ctx context.Context, name string, source []byte) (*Study, error) {
	in := &loading{Loader: l, sources: map[string][]byte{path.Base(name): source}, files: map[string]*file{},
		globals: predeclared(l.Catalogue)}
	in.thread = l.thread()
	in.thread.Load = in.load
	s, err := sandbox.Run(ctx, in.thread, func() (*Study, error) {
		if err := in.prelude(); err != nil {
			return nil, err
		}
		return in.study(name, source)
	})
	if err != nil {
		return nil, kit.Locate(err, "")
	}
	return s, nil
}

// prelude makes instance_noise and the like visible without a load.
func (l *loading) prelude() error {
	noise, err := l.load(l.thread, kit.StdPrefix+"noise.star")
	if err != nil {
		return err
	}
	all := maps.Clone(l.globals)
	maps.Copy(all, noise)
	l.globals = all
	return nil
}

func (l *loading) study(name string, source []byte) (*Study, error) {
	f, err := l.exec(name, source)
	if err != nil {
		return nil, err
	}
	start := fmt.Sprintf("%s:1:1", name)
	main, ok := f.globals["main"]
	if !ok {
		return nil, &kit.Error{Pos: start, Msg: "got no global named main, want main = study(trial = ..., space = {...})"}
	}
	decl, ok := main.(*studyValue)
	if !ok {
		return nil, &kit.Error{Pos: start, Msg: fmt.Sprintf("main: got %s, want study(trial = ..., space = {...})", main.Type())}
	}
	s := &Study{Name: strings.TrimSuffix(path.Base(name), ".star"), Doc: f.doc, Script: string(source), Files: l.sources,
		loader: l.Loader, decl: decl, memo: newMemo()}
	return s.overridden(overrides{})
}

// thread is a fresh thread under the loader's limits.
func (l Loader) thread() *starlark.Thread {
	return sandbox.NewThread(l.Limits, func(message string) {
		if l.Print != nil {
			l.Print(message)
		}
	})
}

// load is load("module", ...): a file of the standard library, or one beside the script.
func (l *loading) load(_ *starlark.Thread, module string) (starlark.StringDict, error) {
	if f, ok := l.files[module]; ok {
		return f.globals, nil
	}
	if slices.Contains(l.open, module) {
		return nil, fmt.Errorf("%s loads itself: %s", module, strings.Join(append(slices.Clone(l.open), module), " -> "))
	}
	source, err := l.read(module)
	if err != nil {
		return nil, err
	}
	f, err := l.exec(module, source)
	if err != nil {
		return nil, err
	}
	return f.globals, nil
}

func (l *loading) read(module string) ([]byte, error) {
	if kit.IsStd(module) {
		source, ok := Std()[module]
		if !ok {
			return nil, hint.Unknown("file", module, slices.Sorted(maps.Keys(Std())))
		}
		return []byte(source), nil
	}
	if path.Base(module) != module || strings.ContainsAny(module, `\:`) || !strings.HasSuffix(module, ".star") {
		return nil, fmt.Errorf("got %q, want a .star file next to the script, or one of the standard library (%s...)", module, kit.StdPrefix)
	}
	if l.Read == nil {
		return nil, fmt.Errorf("there is no file %s next to the script", module)
	}
	source, err := l.Read(module)
	if err != nil {
		return nil, err
	}
	l.sources[module] = source
	return source, nil
}

// exec evaluates one file with what it loads.
func (l *loading) exec(name string, source []byte) (*file, error) {
	l.open = append(l.open, name)
	defer func() { l.open = l.open[:len(l.open)-1] }()
	parsed, err := sandbox.Parse(name, source)
	if err != nil {
		return nil, kit.Locate(err, "")
	}
	f := &file{doc: docstring(parsed)}
	program, err := starlark.FileProgram(parsed, l.globals.Has)
	if err != nil {
		return nil, unresolved(err, l.globals)
	}
	if f.globals, err = program.Init(l.thread, l.globals); err != nil {
		if missing := l.missing(parsed); missing != nil {
			return nil, missing
		}
		return nil, kit.Locate(err, "")
	}
	for _, global := range f.globals.Keys() { // sorted: the same mistake every time
		if err := sandbox.Freeze(l.thread, f.globals[global]); err != nil {
			return nil, kit.Locate(err, name+":1:1")
		}
	}
	l.files[name] = f
	return f, nil
}

// missing finds the first name that a file loads and that the loaded file lacks.
func (l *loading) missing(f *syntax.File) error {
	for _, s := range f.Stmts {
		load, ok := s.(*syntax.LoadStmt)
		if !ok {
			continue
		}
		loaded, ok := l.files[load.ModuleName()]
		if !ok {
			return nil // this is where evaluation ended
		}
		for _, from := range load.From {
			if !loaded.globals.Has(from.Name) {
				public := slices.DeleteFunc(loaded.globals.Keys(), func(name string) bool { return strings.HasPrefix(name, "_") })
				return &kit.Error{Pos: from.NamePos.String(), Msg: fmt.Sprintf("load: %s: %v", load.ModuleName(), hint.Unknown("name", from.Name, public))}
			}
		}
	}
	return nil
}

// docstring is the string that a file begins with.
func docstring(f *syntax.File) string {
	if len(f.Stmts) == 0 {
		return ""
	}
	if e, ok := f.Stmts[0].(*syntax.ExprStmt); ok {
		if s, ok := e.X.(*syntax.Literal); ok && s.Token == syntax.STRING {
			return strings.TrimSpace(s.Value.(string))
		}
	}
	return ""
}

// unresolved makes *Errors of what the resolver reports about names, with advice; the interpreter's knows no synonyms.
func unresolved(err error, globals starlark.StringDict) error {
	var names resolve.ErrorList
	if !errors.As(err, &names) {
		return kit.Locate(err, "")
	}
	var all []error
	for _, e := range names {
		msg, _, _ := strings.Cut(e.Msg, " (did you mean")
		if name, ok := strings.CutPrefix(msg, "undefined: "); ok && kit.IsWord(name) {
			if other := hint.Elsewhere(name); other != "" {
				msg += "; " + other
			} else if layer := hint.Meant(name, layer.Module.AttrNames()); layer != "" {
				msg += fmt.Sprintf(" (did you mean nn.%s?)", layer)
			} else {
				msg += hint.DidYouMean(name, words(globals))
			}
		}
		all = append(all, &kit.Error{Pos: e.Pos.String(), Msg: msg + hint.Instead(msg, "")})
	}
	return errors.Join(all...)
}
