package runner

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/runner/supervise"
)

func TestLinesOfSeveralWorkersBeginWithTheirNumbers(t *testing.T) {
	var b bytes.Buffer
	n := &numbered{to: &b, prefix: "process 2: "}
	for _, part := range []string{"one\ntwo ", "goes on", "\n", "\nlast"} {
		fmt.Fprint(n, part)
	}
	if want := "process 2: one\nprocess 2: two goes on\nprocess 2: \nprocess 2: last"; b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

// worker is the environment of a worker process with this role.
func worker(role string, out, err io.Writer) Env {
	return Env{Args: []string{"version"}, Stdout: out, Stderr: err, Version: "9", Worker: &supervise.Worker{},
		Size: func() (int, int) { return 80, 24 }, Getenv: func(string) string { return role }}
}

func TestOneOfSeveralWorkersWritesToStandardOutput(t *testing.T) {
	for role, want := range map[string]string{
		`{"index":1,"of":1}`: "starsweep 9\n",
		`{"index":1,"of":2}`: "starsweep 9\n",
		`{"index":2,"of":2}`: "",
	} {
		var out, err bytes.Buffer
		if code := Main(t.Context(), worker(role, &out, &err)); code != 0 || out.String() != want || err.Len() > 0 {
			t.Errorf("%s: got code %d, %q, %q, want %q", role, code, &out, &err, want)
		}
	}
}

func TestAWrongRoleIsAUsageError(t *testing.T) {
	for _, role := range []string{"", "1", `{}`, `{"index":3,"of":2}`} {
		var out, err bytes.Buffer
		code := Main(t.Context(), worker(role, &out, &err))
		if code != exitUsage || !strings.Contains(err.String(), "only starsweep run sets this variable") {
			t.Errorf("%q: got code %d, %q, want %d", role, code, &err, exitUsage)
		}
	}
}

func TestTheMemoryOfAWorkerIsItsPart(t *testing.T) {
	e := Env{role: role{Index: 1, Of: 2, Memory: 1000}}
	if got := e.room(); got.Bytes != 1000 || got.Whose != "each of 2 processes" {
		t.Errorf("got %+v", got)
	}
}
