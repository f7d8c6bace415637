// Package require skips tests whose tool, reference data or machine is missing, and says what is missing. Only tests import it.
// make test-all installs every tool of Tool and Plugin and sets STARSWEEP_REQUIRE=1, with which a missing one fails the test.
package require

import (
	"os"
	"path/filepath"
	"testing"
)

// Tool returns what the environment variable names: a program or a file that the target of the Makefile installs.
func Tool(t testing.TB, variable, target string) string {
	t.Helper()
	value := os.Getenv(variable)
	if value == "" {
		missing(t)("%s is not set: make %s installs what it names", variable, target)
	}
	return value
}

// Plugin returns the absolute path of a PJRT plugin, for tests that compare several backends. Without one it returns "", and the other
// backends are still compared.
func Plugin(t testing.TB) string {
	t.Helper()
	const variable = "STARSWEEP_PJRT"
	if os.Getenv("STARSWEEP_REQUIRE") != "" {
		return Tool(t, variable, "pjrt-cpu")
	}
	return os.Getenv(variable)
}

// Download skips the test, or fails it if STARSWEEP_REQUIRE is set, if what it needs could not be downloaded.
func Download(t testing.TB, what string, err error) {
	t.Helper()
	if err != nil {
		missing(t)("cannot download %s: %v", what, err)
	}
}

func missing(t testing.TB) func(format string, args ...any) {
	t.Helper()
	if os.Getenv("STARSWEEP_REQUIRE") != "" {
		return t.Fatalf
	}
	return t.Skipf
}

// Option returns what the environment variable names. No target that tests depend on provides it, so without it the test is
// skipped in any case; use says how to set the variable.
func Option(t testing.TB, variable, use string) string {
	t.Helper()
	value := os.Getenv(variable)
	if value == "" {
		t.Skipf("%s is not set: %s", variable, use)
	}
	return value
}

// Shared returns the folder of reference data sets, from STARSWEEP_SHARED or as the sibling "shared" of the checkout or of one of
// its parents. No target fetches it: without it the test is skipped.
func Shared(t testing.TB) string {
	t.Helper()
	if dir := os.Getenv("STARSWEEP_SHARED"); dir != "" {
		return dir
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for dir != filepath.Dir(dir) {
		dir = filepath.Dir(dir)
		shared := filepath.Join(dir, "shared")
		if _, err := os.Stat(filepath.Join(shared, "data")); err == nil {
			return shared
		}
	}
	t.Skip("no folder shared next to the checkout: set STARSWEEP_SHARED to run this test")
	return ""
}

// Unavailable skips the test: the machine or the user lacks something that nothing installs.
func Unavailable(t testing.TB, format string, args ...any) {
	t.Helper()
	t.Skipf("unavailable here: "+format, args...)
}
