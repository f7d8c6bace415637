package require_test

import (
	"errors"
	"fmt"
	"runtime"
	"testing"

	"github.com/starsweep/starsweep/internal/require"
)

// ending is a test that records how it ends. Its methods end the goroutine, as those of a test do.
type ending struct {
	testing.TB
	how string
}

func (e *ending) Helper() {}

func (e *ending) Skipf(format string, args ...any) { e.end("skip: " + fmt.Sprintf(format, args...)) }

func (e *ending) Fatalf(format string, args ...any) { e.end("fail: " + fmt.Sprintf(format, args...)) }

func (e *ending) end(how string) {
	e.how = how
	runtime.Goexit()
}

// of runs f and returns how it ended.
func of(f func(t testing.TB)) string {
	e, done := &ending{how: "ran"}, make(chan bool)
	go func() {
		defer close(done)
		f(e)
	}()
	<-done
	return e.how
}

func TestWhatIsMissingSkipsATestOrFailsItWhereItIsRequired(t *testing.T) {
	const variable = "STARSWEEP_PJRT"
	tool := func(t testing.TB) { require.Tool(t, variable, "pjrt-cpu") }
	plugin := func(t testing.TB) { require.Plugin(t) }
	download := func(t testing.TB) { require.Download(t, "MNIST", errors.New("no network")) }
	option := func(t testing.TB) { require.Option(t, variable, "run make agreement") }
	machine := func(t testing.TB) { require.Unavailable(t, "no %s", "/proc") }
	unset := variable + " is not set: make pjrt-cpu installs what it names"
	for _, c := range []struct {
		name, required, set string
		test                func(t testing.TB)
		want                string
	}{
		{"a tool", "", "", tool, "skip: " + unset},
		{"a required tool", "1", "", tool, "fail: " + unset},
		{"an installed tool", "1", "/tool", tool, "ran"},
		{"a plugin", "", "", plugin, "ran"},
		{"a required plugin", "1", "", plugin, "fail: " + unset},
		{"a download", "", "", download, "skip: cannot download MNIST: no network"},
		{"a required download", "1", "", download, "fail: cannot download MNIST: no network"},
		{"an option", "1", "", option, "skip: " + variable + " is not set: run make agreement"},
		{"the machine", "1", "", machine, "skip: unavailable here: no /proc"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("STARSWEEP_REQUIRE", c.required)
			t.Setenv(variable, c.set)
			if got := of(c.test); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
