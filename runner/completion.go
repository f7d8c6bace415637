package runner

import (
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// shells are those for which completion prints a script.
var shells = [...]string{"bash", "fish", "powershell", "zsh"}

// completionCommand replaces the command of the same name that cobra adds, whose errors have other exit codes.
func completionCommand(env *Env) *cobra.Command {
	var plain bool
	c := &cobra.Command{
		Use:   "completion SHELL",
		Short: "Print a script that completes commands in a shell",
		Long: `Completion prints a script for a shell (bash, fish, powershell or zsh) that
completes the commands and flags of starsweep. The example loads it into the
running shell. To load it into every shell, put the line into the shell's
startup file, or the script into the folder of its completions. The script for
bash needs the package bash-completion.`,
		Example: `  source <(starsweep completion bash)
  starsweep completion fish | source
  starsweep completion zsh > "${fpath[1]}/_starsweep"`,
		ValidArgs: shells[:],
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 || !slices.Contains(shells[:], args[0]) {
				return usageErrorf("got %q, want one shell of %s", args, strings.Join(shells[:], ", "))
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			return writeCompletion(env.Stdout, c.Root(), args[0], !plain)
		},
	}
	c.Flags().BoolVar(&plain, "no-descriptions", false, "complete without descriptions")
	return exits(c)
}

func writeCompletion(to io.Writer, root *cobra.Command, shell string, descriptions bool) error {
	switch shell {
	case "bash":
		return root.GenBashCompletionV2(to, descriptions)
	case "fish":
		return root.GenFishCompletion(to, descriptions)
	case "zsh":
		if descriptions {
			return root.GenZshCompletion(to)
		}
		return root.GenZshCompletionNoDesc(to)
	}
	if descriptions {
		return root.GenPowerShellCompletionWithDesc(to)
	}
	return root.GenPowerShellCompletion(to)
}
