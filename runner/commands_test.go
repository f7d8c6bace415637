package runner

import (
	"cmp"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// reference is the page that describes all commands. Its text is written by hand, except the parts between these comments, which
// TestTheReferenceOfCommandsIsUpToDate writes:
//
//	<!-- generated: NAME -->
//	<!-- end: NAME -->
const reference = "../docs/commands.md"

func TestTheReferenceOfCommandsIsUpToDate(t *testing.T) {
	b, err := os.ReadFile(reference)
	if err != nil {
		t.Fatal(err)
	}
	old := string(b)
	text := old
	for name, generated := range map[string]string{
		"summary": summaryOfCommands(), "commands": referenceOfCommands(), "exit codes": exitTable(), "environment": environmentTable(),
	} {
		begin, end := "<!-- generated: "+name+" -->\n", "<!-- end: "+name+" -->\n"
		before, rest, found := strings.Cut(text, begin)
		_, after, ended := strings.Cut(rest, end)
		if !found || !ended {
			t.Fatalf("%s has no part %q", reference, name)
		}
		text = before + begin + "\n" + generated + "\n" + end + after
	}
	if text == old {
		return
	}
	if os.Getenv("UPDATE") == "" {
		t.Fatalf("%s differs from the help texts of the commands: UPDATE=1 go test ./runner -run %s, then read the diff", reference, t.Name())
	}
	if err := os.WriteFile(reference, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

func TestEveryCommandHasAnExampleAndExitCodes(t *testing.T) {
	for _, c := range allCommands() {
		if !c.HasParent() || c.HasSubCommands() {
			continue
		}
		if !strings.Contains(c.Example, c.CommandPath()+" ") && !strings.HasSuffix(c.Example, c.CommandPath()) {
			t.Errorf("%s: got the example %q, want one of this command", c.CommandPath(), c.Example)
		}
		if !strings.Contains(c.Annotations[exitAnnotation], "  0  success\n") {
			t.Errorf("%s: its help lists no exit codes: use exits", c.CommandPath())
		}
		if first := c.Short[:1]; first != strings.ToUpper(first) || strings.HasSuffix(c.Short, ".") {
			t.Errorf("%s: got the summary %q, want a capital letter and no full stop", c.CommandPath(), c.Short)
		}
		for line := range strings.Lines(c.Long) {
			if len(line) > 81 && !strings.HasPrefix(line, "  ") {
				t.Errorf("%s: the help text has a line of %d characters, want 80 or fewer: %s", c.CommandPath(), len(line)-1, line)
			}
		}
	}
}

// allCommands returns the commands of starsweep, each before its subcommands, without help, which is cobra's.
func allCommands() (all []*cobra.Command) {
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		all = append(all, c)
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(rootCommand(&Env{}))
	return all
}

// parentGroup returns the group of a subcommand's parent.
func parentGroup(c *cobra.Command) string {
	if !c.HasParent() {
		return ""
	}
	return c.Parent().GroupID
}

// anchor returns the fragment by which a command's heading is linked to.
func anchor(c *cobra.Command) string { return strings.ReplaceAll(c.CommandPath(), " ", "-") }

func summaryOfCommands() string {
	var b strings.Builder
	all := allCommands()
	for _, g := range all[0].Groups() {
		fmt.Fprintf(&b, "| %s | |\n|---|---|\n", strings.TrimSuffix(g.Title, ":"))
		for _, c := range all {
			if group := cmp.Or(c.GroupID, parentGroup(c)); group == g.ID && !c.HasSubCommands() {
				fmt.Fprintf(&b, "| [%s](#%s) | %s |\n", c.CommandPath(), anchor(c), c.Short)
			}
		}
		b.WriteString("\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func referenceOfCommands() string {
	var b strings.Builder
	for _, c := range allCommands() {
		if !c.HasParent() || c.HasSubCommands() {
			continue
		}
		c.InitDefaultHelpFlag()
		text := c.Long
		if text == "" {
			text = c.Short + "."
		}
		fmt.Fprintf(&b, "### %s\n\n```\n%s\n```\n\n%s\n", c.CommandPath(), c.UseLine(), paragraphs(text))
		fmt.Fprintf(&b, "\n```sh\n%s\n```\n", strings.ReplaceAll(strings.TrimPrefix(c.Example, "  "), "\n  ", "\n"))
		flags := ""
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if f.Name != "help" && !f.Hidden {
				flags += flagRow(f)
			}
		})
		if flags != "" {
			fmt.Fprintf(&b, "\n| flag | | default |\n|---|---|---|\n%s", flags)
		}
		var codes []string
		for line := range strings.Lines(c.Annotations[exitAnnotation]) {
			codes = append(codes, strings.Fields(line)[0])
		}
		fmt.Fprintf(&b, "\nExit codes: %s.\n\n", strings.Join(codes, ", "))
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// paragraphs keeps a help text as it is: lines that are indented, such as lists of values, are a block of code.
func paragraphs(text string) string {
	var out []string
	for _, p := range strings.Split(text, "\n\n") {
		if strings.HasPrefix(p, "  ") {
			p = "```\n" + p + "\n```"
		}
		out = append(out, p)
	}
	return strings.Join(out, "\n\n")
}

func flagRow(f *pflag.Flag) string {
	kind, usage := pflag.UnquoteUsage(f)
	name := "--" + f.Name
	if kind != "" {
		name += " " + kind
	}
	value := f.DefValue
	if value == "[]" || value == "false" || value == "0" {
		value = ""
	}
	if value != "" {
		value = "`" + strings.Trim(value, "[]") + "`"
	}
	return fmt.Sprintf("| `%s` | %s | %s |\n", name, usage, value)
}

func exitTable() string {
	var b strings.Builder
	b.WriteString("| code | meaning |\n|---:|---|\n")
	for _, e := range exitMeanings {
		fmt.Fprintf(&b, "| %d | %s |\n", e.code, e.meaning)
	}
	return b.String()
}

func environmentTable() string {
	var b strings.Builder
	b.WriteString("| variable | meaning |\n|---|---|\n")
	for _, v := range environment {
		fmt.Fprintf(&b, "| %s | %s |\n", v.name, v.meaning)
	}
	return b.String()
}
