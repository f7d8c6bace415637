package trial

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"go.starlark.net/starlark"

	"github.com/starsweep/starsweep/starlib/kit"
)

// Skip is what trial(p) returns for a point at which there is nothing to train.
type Skip struct {
	kit.Opaque
	Reason string
}

func (s Skip) String() string { return fmt.Sprintf("skip(%q)", s.Reason) }
func (s Skip) Type() string   { return "skip" }

func makeSkip(c kit.Call) (starlark.Value, error) {
	var reason string
	if err := c.Unpack("reason", &reason); err != nil {
		return nil, err
	}
	if c.Thread.Local(skipKey) == nil {
		c.Thread.SetLocal(skipKey, kit.Here(c.Thread).String())
	}
	if reason = strings.TrimSpace(reason); reason == "" {
		return nil, fmt.Errorf("skip: for parameter reason: got an empty string, want why there is nothing to train: the tables show it")
	}
	if n := utf8.RuneCountInString(reason); n > maxReason {
		return nil, fmt.Errorf("skip: for parameter reason: got %d characters, want at most %d", n, maxReason)
	}
	return Skip{Reason: reason}, nil
}

// maxReason bounds the length of a reason, which every skipped trial shows.
const maxReason = 500

const skipKey = "skip"

// Skips returns where a thread has first called skip, empty if it has not.
func Skips(th *starlark.Thread) string {
	pos, _ := th.Local(skipKey).(string)
	return pos
}
