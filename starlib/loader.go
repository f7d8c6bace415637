// Package starlib evaluates a study's Starlark script and returns a Study: the search space, the settings, and a Job for every point.
// It holds the study, its overrides and the loader, and composes the families of builtins, which are packages below it
// (space, optimizer, layer, function, ...). The standard library @std is written in the same language. Evaluation is hermetic and
// bounded in steps and memory (sandbox). The package knows neither GoMLX nor Parquet nor os; runner and tests import it.
package starlib

import (
	"context"
	"embed"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/starlib/hint"
	"github.com/starsweep/starsweep/starlib/kit"
	"github.com/starsweep/starsweep/starlib/layer"
	"github.com/starsweep/starsweep/starlib/sandbox"
	"github.com/starsweep/starsweep/starlib/trace"
)

//go:embed std
var std embed.FS

// stdFiles lists the files of the standard library, as load names them, with their sources.
func stdFiles() map[string]string {
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
	Read      func(path string) ([]byte, error) // .star files next to the script; nil: there are none
	Limits    sandbox.Limits
	Print     func(message string) // of print(...) in a script; nil drops it. Jobs may call it concurrently
	Reserved  []string             // columns of every study, which no hyperparameter may have as its name
	DType     expr.DType           // of the programs; tests use f64
	Catalogue spec.Catalogue       // choices of scripts that other packages implement
	// Images counts the images of a data set, if that is known without opening it; nil: it never is. Jobs may call it concurrently.
	Images func(spec.Data) (n int, known bool)
	// Fits refuses a data set that needs more memory than there is, if that is known without opening it; nil: none.
	Fits func(spec.Data) error
}

// reserved lists the names of the tables' columns, for messages.
func (l Loader) reserved() string {
	return strings.Join(slices.Sorted(slices.Values(l.Reserved)), ", ")
}

// Error is an error of a script: the place, what was found and what was expected.
type Error = kit.Error

// MaxSource is the maximum size of one .star file in bytes.
const MaxSource = sandbox.MaxSource

// loading is one evaluation of a script with the files that it loads.
type loading struct {
	Loader
	thread  *starlark.Thread
	sources map[string][]byte              // of the local files, as they were read
	files   map[string]starlark.StringDict // globals of the evaluated files
	open    []string                       // files being evaluated, outermost first
	globals starlark.StringDict
}

// Load evaluates a script, which must define main = study(...). Errors of the script are *Errors, joined if there are several; if ctx
// ends, the error is its cause.
func (l Loader) Load(ctx context.Context, name string, source []byte) (*Study, error) {
	in := &loading{Loader: l, sources: map[string][]byte{path.Base(name): source}, files: map[string]starlark.StringDict{},
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
	globals, err := l.exec(name, source)
	if err != nil {
		return nil, err
	}
	start := fmt.Sprintf("%s:1:1", name)
	main, ok := globals["main"]
	if !ok {
		return nil, &kit.Error{Pos: start, Msg: "got no global named main, want main = study(trial = ..., space = {...})"}
	}
	decl, ok := main.(*studyValue)
	if !ok {
		return nil, &kit.Error{Pos: start, Msg: fmt.Sprintf("main: got %s, want study(trial = ..., space = {...})", main.Type())}
	}
	s := &Study{Name: strings.TrimSuffix(path.Base(name), ".star"), Files: l.sources,
		loader: l.Loader, decl: decl, programs: trace.New()}
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

// load is load("module", ...): a file of the standard library, or one next to the script.
func (l *loading) load(_ *starlark.Thread, module string) (starlark.StringDict, error) {
	if globals, ok := l.files[module]; ok {
		return globals, nil
	}
	if slices.Contains(l.open, module) {
		return nil, fmt.Errorf("%s loads itself: %s", module, strings.Join(append(slices.Clone(l.open), module), " -> "))
	}
	source, err := l.read(module)
	if err != nil {
		return nil, err
	}
	return l.exec(module, source)
}

func (l *loading) read(module string) ([]byte, error) {
	if kit.IsStd(module) {
		source, ok := stdFiles()[module]
		if !ok {
			return nil, hint.Unknown("file", module, slices.Sorted(maps.Keys(stdFiles())))
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

// exec evaluates one file with the files that it loads.
func (l *loading) exec(name string, source []byte) (starlark.StringDict, error) {
	l.open = append(l.open, name)
	defer func() { l.open = l.open[:len(l.open)-1] }()
	parsed, err := sandbox.Parse(name, source)
	if err != nil {
		return nil, kit.Locate(err, "")
	}
	program, err := starlark.FileProgram(parsed, l.globals.Has)
	if err != nil {
		return nil, unresolved(err, l.globals, offered(l.Catalogue.DataSets))
	}
	globals, err := program.Init(l.thread, l.globals)
	if err != nil {
		if missing := l.missing(parsed); missing != nil {
			return nil, missing
		}
		return nil, kit.Locate(err, "")
	}
	for _, global := range globals.Keys() { // sorted, so that the error is always the same
		if err := sandbox.Freeze(l.thread, globals[global]); err != nil {
			return nil, kit.Locate(err, name+":1:1")
		}
	}
	l.files[name] = globals
	return globals, nil
}

// missing is the error for the first name that a file loads but the loaded file lacks; nil if there is none.
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
			if !loaded.Has(from.Name) {
				private := func(name string) bool { return strings.HasPrefix(name, "_") }
				err := hint.Unknown("name", from.Name, slices.DeleteFunc(loaded.Keys(), private))
				return &kit.Error{Pos: from.NamePos.String(), Msg: fmt.Sprintf("load: %s: %v", load.ModuleName(), err)}
			}
		}
	}
	return nil
}

// unresolved turns the resolver's errors about names into *Errors. It replaces the interpreter's advice, which knows no synonyms.
func unresolved(err error, globals starlark.StringDict, o hint.Offered) error {
	return kit.Unresolved(err, func(msg, name string) string {
		if kit.IsWord(name) {
			if other := hint.Elsewhere(name, o); other != "" {
				msg += "; " + other
			} else if layer := hint.Meant(name, layer.Module.AttrNames()); layer != "" {
				msg += fmt.Sprintf(" (did you mean nn.%s?)", layer)
			} else {
				msg += hint.DidYouMean(name, words(globals))
			}
		}
		return msg + hint.Instead(msg, "")
	})
}
