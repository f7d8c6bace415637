package runner_test

import (
	"bytes"
	"context"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/starsweep/starsweep/internal/require"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner"
)

// command runs a command in this process and returns what it wrote.
func command(t *testing.T, home string, args ...string) (code int, text string) {
	t.Helper()
	var b bytes.Buffer
	code = runner.Main(context.Background(), runner.Env{Args: args, Stdout: &b, Stderr: &b, Home: home, Now: time.Now, Version: "test",
		Getenv: func(string) string { return "" }})
	return code, b.String()
}

func examples(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob("../examples/*.star")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	return paths
}

func TestEveryExampleChecks(t *testing.T) {
	for _, path := range examples(t) {
		for _, profile := range []string{"", "smoke", "small"} {
			if code, text := command(t, t.TempDir(), "check", path, "--profile", profile); code != 0 {
				t.Errorf("%s, profile %q: exit code %d\n%s", path, profile, code, text)
			}
		}
	}
}

func TestEveryExampleTrainsASmokeTrial(t *testing.T) {
	if testing.Short() {
		t.Skip("trains every example: go test without -short")
	}
	for _, path := range examples(t) {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".star"), func(t *testing.T) {
			home, dir := t.TempDir(), t.TempDir()
			args := []string{"run", path, "--profile", "smoke", "--backend", "cpu", "--dir", dir}
			switch name := filepath.Base(path); {
			case strings.HasPrefix(name, "cifar10"):
				link(t, filepath.Join(require.Shared(t), "data", "cifar10"), filepath.Join(home, "data", "cifar10"))
			case name == "ct_dcgan.star":
				args = append(args, "--set", "path="+filepath.Join(require.Shared(t), "data", "chest_ct"))
			}
			if code, text := command(t, home, args...); code != 0 {
				t.Fatalf("exit code %d\n%s", code, text)
			}
			v, err := results.Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer v.Close()
			trials := 0
			for row, err := range v.Rows(results.Trials) {
				if err != nil {
					t.Fatal(err)
				}
				trials++
				for column, value := range row {
					if x, ok := value.(float64); ok && (math.IsNaN(x) || math.IsInf(x, 0)) {
						t.Errorf("trial %v: %s is %v", row["trial"], column, x)
					}
				}
				if row["status"] != "completed" {
					t.Errorf("trial %v is %v: %v", row["trial"], row["status"], row["reason"])
				}
			}
			pictures := 0
			for _, err := range v.Rows(results.Samples) {
				if err != nil {
					t.Fatal(err)
				}
				pictures++
			}
			if trials == 0 || pictures < trials {
				t.Errorf("got %d trials and %d pictures, want a picture for each of at least one", trials, pictures)
			}
		})
	}
}

func link(t *testing.T, from, to string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(from, to); err != nil {
		t.Fatal(err)
	}
}

func TestTheSameStudyGivesTheSameTables(t *testing.T) {
	var tables []string
	for range 2 {
		dir := t.TempDir()
		args := []string{"run", "../examples/quickstart.star", "--profile", "smoke", "--backend", "cpu", "--dir", dir}
		if code, text := command(t, t.TempDir(), args...); code != 0 {
			t.Fatalf("exit code %d\n%s", code, text)
		}
		tables = append(tables, table(t, dir))
	}
	if tables[0] != tables[1] {
		t.Errorf("got\n%s\nand then\n%s", tables[0], tables[1])
	}
}
