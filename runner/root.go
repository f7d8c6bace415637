package runner

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// environment lists the environment variables that starsweep reads, for the help text and docs/commands.md.
var environment = [...]struct{ name, meaning string }{
	{"STARSWEEP_HOME", "folder of data sets, weights, caches and plugins (default: starsweep in the user's cache folder)"},
	{"STARSWEEP_WORKER", "set by run for the worker processes that it starts"},
	{"PJRT_PLUGIN_LIBRARY_PATH", "folders that are searched for XLA's plugins, before the folder pjrt in STARSWEEP_HOME"},
	{"GOPROXY", "proxies of Go modules, from which data get fetches MNIST first"},
	{"PIP_INDEX_URL", "index of Python packages, from which features get fetches weights"},
	{"GOMAXPROCS", "number of cores used (default: all)"},
	{"GOMEMLIMIT", "memory limit of the garbage collector (default: derived from the memory of the machine, container or ulimit)"},
	{"XLA_FLAGS", "options of XLA, to which --xla_gpu_deterministic_ops=true is added unless they name it"},
	{"TERM", "dumb: progress is printed line by line, as where there is no terminal"},
	{"NO_COLOR", "if not empty: no colours on terminals"},
}

// environmentText lists the environment variables for the help text.
func environmentText() string {
	var b strings.Builder
	var names []string
	for _, v := range environment {
		names = append(names, v.name)
	}
	width := widest(names)
	for _, v := range environment {
		fmt.Fprintf(&b, "  %-*s  %s\n", width, v.name, v.meaning)
	}
	return b.String()
}

// Groups of commands in the help text.
const (
	groupStudy   = "study"
	groupResults = "results"
	groupData    = "data"
	groupSystem  = "system"
)

// rootCommand returns the tree of commands.
func rootCommand(env *Env) *cobra.Command {
	root := &cobra.Command{
		Use:   "starsweep",
		Short: "Run hyperparameter studies of GANs",
		Long: `starsweep runs hyperparameter studies of generative adversarial networks.
A Starlark script declares data, networks, losses as equations, schedules and
a search space. starsweep trains every trial on an accelerator, or on the CPU
in pure Go, and writes the results as Parquet tables.`,
		Example: `  starsweep check examples/quickstart.star
  starsweep run examples/quickstart.star --workers 2
  starsweep status runs/quickstart`,
		Args:          cobra.ArbitraryArgs,
		RunE:          unknownCommand,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	var codes []int
	for _, e := range exitMeanings {
		codes = append(codes, e.code)
	}
	root.Annotations = map[string]string{exitAnnotation: exitText(codes), environmentAnnotation: environmentText()}
	root.SetUsageTemplate(root.UsageTemplate() + usageTail)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return withCode(exitUsage, err) })
	root.AddGroup(&cobra.Group{ID: groupStudy, Title: "Studies:"}, &cobra.Group{ID: groupResults, Title: "Results:"},
		&cobra.Group{ID: groupData, Title: "Data and metrics:"}, &cobra.Group{ID: groupSystem, Title: "System:"})
	root.SetHelpCommandGroupID(groupSystem)
	root.CompletionOptions.DisableDefaultCmd = true
	add := func(group string, commands ...*cobra.Command) {
		for _, c := range commands {
			c.GroupID = group
			root.AddCommand(c)
		}
	}
	add(groupStudy, abandonable(checkCommand(env)), abandonable(planCommand(env)), abandonable(showCommand(env)),
		runCommand(env)) // which handles interrupts itself
	add(groupResults, abandonable(statusCommand(env)), serveCommand(env), abandonable(reportCommand(env)), abandonable(figureCommand(env)),
		abandonable(paretoCommand(env)),
		abandonable(tableCommand(env)), abandonable(importanceCommand(env)), abandonable(effectCommand(env)), abandonable(agreementCommand(env)),
		abandonable(exportCommand(env)), abandonable(sampleCommand(env)), replayCommand(env),
		abandonable(replaySearchCommand(env)), measureCommand(env),
		abandonable(diffCommand(env)), abandonable(retryCommand(env)), abandonable(archiveCommand(env)),
		abandonable(verifyCommand(env)), abandonable(compactCommand(env)), abandonable(repairCommand(env)))
	add(groupData, abandonable(dataCommand(env)), abandonable(featuresCommand(env)), abandonable(evalCommand(env)))
	add(groupSystem, abandonable(doctorCommand(env)), abandonable(benchCommand(env)), abandonable(completionCommand(env)),
		abandonable(manCommand(env)),
		abandonable(versionCommand(env)))
	env.completeAll(root)
	return root
}

// checkHelpTopics makes the help of an unknown command a usage error.
func checkHelpTopics(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	help, _, err := root.Find([]string{"help"})
	if err != nil {
		return // there is none
	}
	show := help.Run
	help.Run, help.RunE = nil, func(c *cobra.Command, args []string) error {
		if found, rest, err := root.Find(args); err != nil || len(rest) > 0 && found.HasSubCommands() {
			return unknownCommand(found, rest)
		}
		show(c, args)
		return nil
	}
}

// environmentAnnotation is the annotation of the root command that lists environment variables.
const environmentAnnotation = "environment"

// usageTail is the end of the usage text of a command: its exit codes and environment variables.
const usageTail = `{{with index .Annotations "exit codes"}}
Exit codes:
{{.}}{{end}}{{with index .Annotations "environment"}}
Environment variables:
{{.}}{{end}}`

// unknownCommand is the function of commands that consist of subcommands.
func unknownCommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return c.Help()
	}
	for c.SuggestionsMinimumDistance = 1; c.SuggestionsMinimumDistance <= 2; c.SuggestionsMinimumDistance++ { // the nearest counts
		if near := c.SuggestionsFor(args[0]); len(near) > 0 {
			return usageErrorf("%s has no command %q; did you mean %s?", c.CommandPath(), args[0], near[0])
		}
	}
	return usageErrorf("%s has no command %q; see %s --help", c.CommandPath(), args[0], c.CommandPath())
}
