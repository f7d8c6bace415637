package runner

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/starsweep/starsweep/internal/plain"
)

func manCommand(env *Env) *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use:   "man",
		Short: "Write the manual pages",
		Long: `Man writes a manual page for starsweep and for each of its commands, with the
texts of --help. Pages in the folder share/man/man1 beside a folder of the path
are found by man: bin/starsweep needs share/man/man1/starsweep.1.`,
		Example: `  starsweep man --dir ~/.local/share/man/man1
  man starsweep-run`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if dir == "" {
				return usageErrorf("--dir: want the folder for the pages")
			}
			if err := os.MkdirAll(dir, 0o777); err != nil {
				return usageErrorf("%w", err)
			}
			n, err := writeManual(dir, c.Root(), env.Version)
			if err != nil {
				return err
			}
			fmt.Fprintf(env.Stdout, "%s in %s\n", plain.Count(n, "page"), dir)
			return nil
		},
	}
	c.Flags().StringVar(&dir, "dir", "", "`folder` of the pages; it is made if it is missing")
	return exits(c, exitStorage)
}

// writeManual writes the pages of a command and of its subcommands.
func writeManual(dir string, c *cobra.Command, version string) (n int, err error) {
	path := filepath.Join(dir, manualName(c)+".1")
	if err := os.WriteFile(path, []byte(manualPage(c, version)), 0o666); err != nil {
		return n, err
	}
	n++
	for _, sub := range c.Commands() {
		if sub.Hidden {
			continue
		}
		more, err := writeManual(dir, sub, version)
		if n += more; err != nil {
			return n, err
		}
	}
	return n, nil
}

// manualName is the name of a command's page: starsweep-data-get.
func manualName(c *cobra.Command) string { return strings.ReplaceAll(c.CommandPath(), " ", "-") }

// manualPage is the page of a command in the language man of roff. It has no date: equal programs have equal pages.
func manualPage(c *cobra.Command, version string) string {
	c.InitDefaultHelpFlag()
	var b strings.Builder
	fmt.Fprintf(&b, ".TH %s 1 \"\" %s \"Starsweep Manual\"\n", roffWord(strings.ToUpper(manualName(c))), roffWord("starsweep "+version))
	section := func(name, text string) {
		if text != "" {
			fmt.Fprintf(&b, ".SH %s\n%s", name, text)
		}
	}
	section("NAME", roff(manualName(c)+" - "+c.Short)+"\n")
	section("SYNOPSIS", ".B "+roff(c.UseLine())+"\n")
	section("DESCRIPTION", roffParagraphs(c.Long))
	section("OPTIONS", roffFlags(c.LocalFlags()))
	section("EXAMPLES", roffBlock(strings.ReplaceAll(strings.TrimPrefix(c.Example, "  "), "\n  ", "\n")))
	section("EXIT STATUS", roffList(c.Annotations[exitAnnotation]))
	section("ENVIRONMENT", roffList(c.Annotations[environmentAnnotation]))
	var also []string
	if c.HasParent() {
		also = append(also, roff(manualName(c.Parent()))+"(1)")
	}
	for _, sub := range c.Commands() {
		if !sub.Hidden {
			also = append(also, roff(manualName(sub))+"(1)")
		}
	}
	section("SEE ALSO", strings.Join(also, ",\n")+"\n")
	return b.String()
}

// roff escapes text: backslashes, hyphens that must stay hyphens, and dots and quotes that would begin a request.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		text = `\&` + text
	}
	return text
}

// roffWord is one argument of a request.
func roffWord(text string) string { return `"` + strings.ReplaceAll(roff(text), `"`, `\(dq`) + `"` }

// roffParagraphs are paragraphs of a help text. Indented ones, such as lists of values, stay as they are.
func roffParagraphs(text string) string {
	var b strings.Builder
	for i, p := range strings.Split(text, "\n\n") {
		switch {
		case p == "":
			continue
		case strings.HasPrefix(p, "  "):
			b.WriteString(roffBlock(p))
			continue
		case i > 0:
			b.WriteString(".PP\n")
		}
		for line := range strings.SplitSeq(p, "\n") {
			b.WriteString(roff(line) + "\n")
		}
	}
	return b.String()
}

// roffBlock is text whose lines stay as they are.
func roffBlock(text string) string {
	if text == "" {
		return ""
	}
	var b strings.Builder
	b.WriteString(".PP\n.nf\n")
	for line := range strings.SplitSeq(text, "\n") {
		b.WriteString(roff(line) + "\n")
	}
	return b.String() + ".fi\n"
}

// roffList is a list of lines that begin with a word.
func roffList(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		word, meaning, _ := strings.Cut(strings.TrimSpace(line), " ")
		fmt.Fprintf(&b, ".TP\n.B %s\n%s\n", roff(word), roff(strings.TrimSpace(meaning)))
	}
	return b.String()
}

// roffFlags lists flags with their values, meanings and defaults.
func roffFlags(flags *pflag.FlagSet) string {
	var b strings.Builder
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		kind, usage := pflag.UnquoteUsage(f)
		name := "--" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", " + name
		}
		if value := f.DefValue; value != "" && value != "[]" && value != "false" && value != "0" {
			usage += " (default: " + value + ")"
		}
		fmt.Fprintf(&b, ".TP\n\\fB%s\\fR %s\n%s\n", roff(name), roff(kind), roff(usage))
	})
	return b.String()
}
