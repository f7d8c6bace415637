package trial

import (
	"fmt"
	"strings"

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
	if reason = strings.TrimSpace(reason); reason == "" {
		return nil, fmt.Errorf("skip: for parameter reason: got an empty string, want why there is nothing to train: the tables show it")
	}
	return Skip{Reason: reason}, nil
}
