package runner

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/starsweep/starsweep/engine/feature"
	"github.com/starsweep/starsweep/engine/train"
	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/sweep"
)

// completer returns what a shell offers for an argument or the value of a flag. args are the arguments before it.
type completer func(e *Env, c *cobra.Command, args []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective)

// argumentCompleters are those of arguments, by their words in the usage line of a command.
var argumentCompleters = map[string]completer{
	"SCRIPT": completeScripts,
	"DIR":    completeStudies,
	"A":      completeStudies,
	"B":      completeStudies,
	"TRIAL":  completeTrials,
	"TABLE": fixed(string(results.Trials), string(results.Epochs), string(results.Samples), string(results.Measurements),
		string(results.Pareto)),
}

// flagCompleters are those of the values of flags, by their names.
var flagCompleters = map[string]completer{
	"profile":   completeProfiles,
	"set":       completeSettings,
	"dir":       completeStudies,
	"reuse":     completeStudies,
	"trial":     completeTrials,
	"backend":   fixed(train.Names...),
	"keep":      fixed(string(results.KeepFront), string(results.KeepAll), string(results.KeepNone)),
	"scope":     fixed(scopeNames()...),
	"failure":   fixed(failureClasses...),
	"objective": completeObjectives,
	"metric":    completeMetrics,
	"y":         completeMetrics,
	"x":         completeColumns,
	"by":        completeColumns,
	"where":     completeColumns,
	"of":        completeFactors,
	"features":  fixed(feature.Names()...),
}

// completeAll adds to all commands what a shell completes: the commands themselves say it only where the two tables do not.
func (e *Env) completeAll(c *cobra.Command) {
	words := argumentWords(c.Use)
	if len(c.ValidArgs) == 0 && c.ValidArgsFunction == nil && len(words) > 0 {
		c.ValidArgsFunction = func(c *cobra.Command, args []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
			word := words[min(len(args), len(words)-1)]
			if len(args) >= len(words) && !strings.HasSuffix(word, "...") {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			if complete, known := argumentCompleters[strings.TrimSuffix(word, "...")]; known {
				return complete(e, c, args, prefix)
			}
			return nil, cobra.ShellCompDirectiveDefault
		}
	}
	c.LocalFlags().VisitAll(func(f *pflag.Flag) {
		complete, known := flagCompleters[f.Name]
		if _, has := c.GetFlagCompletionFunc(f.Name); !known || has || f.Value.Type() == "bool" {
			return
		}
		_ = c.RegisterFlagCompletionFunc(f.Name, func(c *cobra.Command, args []string, prefix string) ([]cobra.Completion,
			cobra.ShellCompDirective) {
			return complete(e, c, args, prefix)
		})
	})
	for _, sub := range c.Commands() {
		e.completeAll(sub)
	}
}

// argumentWords returns the words for arguments in the usage line of a command, without brackets.
func argumentWords(use string) (words []string) {
	for _, word := range strings.Fields(use)[1:] {
		if strings.HasPrefix(word, "-") {
			break
		}
		words = append(words, strings.Trim(word, "[]"))
	}
	return words
}

// fixed offers some words.
func fixed(words ...string) completer {
	return func(_ *Env, _ *cobra.Command, _ []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return beginning(words, prefix), cobra.ShellCompDirectiveNoFileComp
	}
}

// beginning returns the words that begin with a prefix.
func beginning(words []string, prefix string) (list []cobra.Completion) {
	for _, word := range words {
		if strings.HasPrefix(word, prefix) {
			list = append(list, word)
		}
	}
	return list
}

func scopeNames() (names []string) {
	for _, s := range results.Scopes() {
		names = append(names, string(s))
	}
	return names
}

func completeScripts(*Env, *cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return []cobra.Completion{"star"}, cobra.ShellCompDirectiveFilterFileExt
}

// completeStudies offers the directories of studies, and of those in folders such as runs. Where there are none, the shell offers folders.
func completeStudies(_ *Env, _ *cobra.Command, _ []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
	folder, base := filepath.Split(prefix)
	var found []cobra.Completion
	var look func(folder, base string, deep bool)
	look = func(folder, base string, deep bool) {
		entries, err := os.ReadDir(filepath.Clean("./" + folder))
		if filepath.IsAbs(folder) {
			entries, err = os.ReadDir(folder)
		}
		if err != nil {
			return
		}
		for _, entry := range entries {
			path := folder + entry.Name()
			if !strings.HasPrefix(entry.Name(), base) || strings.HasPrefix(entry.Name(), ".") && base == "" {
				continue
			}
			if info, err := os.Stat(path); err != nil || !info.IsDir() {
				continue
			}
			if _, err := os.Stat(filepath.Join(path, "study.json")); err == nil {
				found = append(found, path)
			} else if deep {
				look(path+string(filepath.Separator), "", false)
			}
		}
	}
	look(folder, base, true)
	if len(found) == 0 {
		return nil, cobra.ShellCompDirectiveFilterDirs
	}
	return found, cobra.ShellCompDirectiveNoFileComp
}

// studyOf opens the study that the arguments name; nil: they name none. Damage is for the command itself to report.
func studyOf(args []string) *results.View {
	for _, dir := range args { // before it may come what a command makes of the study
		if v, err := results.Open(dir); err == nil {
			return v
		}
	}
	return nil
}

// completeTrials offers the trials of a study, with what they are.
func completeTrials(_ *Env, _ *cobra.Command, args []string, prefix string) (list []cobra.Completion, d cobra.ShellCompDirective) {
	d = cobra.ShellCompDirectiveNoFileComp
	v := studyOf(args)
	if v == nil {
		return nil, d
	}
	defer v.Close()
	m := v.Meta()
	for _, t := range v.Trials() {
		if !strings.HasPrefix(t.ID, prefix) || slices.Contains(args, t.ID) {
			continue
		}
		what := fmt.Sprintf("%s %d/%d", t.Status, t.Epochs, t.Length)
		if t.Status == results.Interrupted {
			what = fmt.Sprintf("%s %d/%d", sweep.Waiting, t.Epochs, t.Length)
		}
		if len(m.Objectives) > 0 {
			if value, measured := t.Last[m.Objectives[0].Metric]; measured {
				what += fmt.Sprintf(", %s %.4g", m.Objectives[0].Metric, value)
			}
		}
		list = append(list, cobra.CompletionWithDesc(t.ID, what+", "+plain.Line(m.Label(t.Point, t.Seed))))
	}
	return list, d | cobra.ShellCompDirectiveKeepOrder
}

// completeMetrics offers the metrics of a study, completeObjectives with a direction, completeFactors its hyperparameters, completeColumns
// both.
func completeMetrics(_ *Env, _ *cobra.Command, args []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
	metrics, _ := columnsOf(args)
	return beginning(metrics, prefix), cobra.ShellCompDirectiveNoFileComp
}

func completeObjectives(_ *Env, _ *cobra.Command, args []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
	metrics, _ := columnsOf(args)
	var words []string
	for _, name := range metrics {
		words = append(words, name+"=min", name+"=max")
	}
	return beginning(words, prefix), cobra.ShellCompDirectiveNoFileComp
}

func completeFactors(_ *Env, _ *cobra.Command, args []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
	_, hyperparameters := columnsOf(args)
	return beginning(hyperparameters, prefix), cobra.ShellCompDirectiveNoFileComp
}

func completeColumns(_ *Env, _ *cobra.Command, args []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
	metrics, hyperparameters := columnsOf(args)
	return beginning(slices.Concat(hyperparameters, metrics), prefix), cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// columnsOf returns the names of the metrics and hyperparameters of the study that the arguments name.
func columnsOf(args []string) (metrics, hyperparameters []string) {
	v := studyOf(args)
	if v == nil {
		return nil, nil
	}
	defer v.Close()
	for _, c := range v.Meta().Columns {
		hyperparameters = append(hyperparameters, c.Name)
	}
	return v.Meta().Metrics, hyperparameters
}

// scriptOf loads the script that the arguments name; nil: it does not load.
func (e *Env) scriptOf(c *cobra.Command, args []string) *script {
	if len(args) == 0 {
		return nil
	}
	silent := *e
	silent.Stdout, silent.Stderr = io.Discard, io.Discard
	ctx := c.Context()
	if ctx == nil {
		ctx = context.Background()
	}
	s, err := load(ctx, &silent, args[0], scriptOptions{})
	if err != nil {
		return nil
	}
	return s
}

func completeProfiles(e *Env, c *cobra.Command, args []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var names []string
	if s := e.scriptOf(c, args); s != nil {
		names = s.Profiles
	}
	return beginning(names, prefix), cobra.ShellCompDirectiveNoFileComp
}

// completeSettings offers the settings and hyperparameters of a script, each with its value.
func completeSettings(e *Env, c *cobra.Command, args []string, prefix string) (list []cobra.Completion, d cobra.ShellCompDirective) {
	d = cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	s := e.scriptOf(c, args)
	if s == nil {
		return nil, d
	}
	offer := func(name, what string) {
		if strings.HasPrefix(name+"=", prefix) {
			list = append(list, cobra.CompletionWithDesc(name+"=", plain.Line(what)))
		}
	}
	for _, x := range s.Settings {
		offer(x.Name, fmt.Sprintf("setting, %v", x.Value.Any()))
	}
	for _, x := range s.Space.Free() {
		offer(x.Name, "hyperparameter")
	}
	return list, d
}
