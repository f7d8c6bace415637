package sandbox

import (
	"bytes"
	"fmt"

	"go.starlark.net/syntax"

	"github.com/starsweep/starsweep/starlib/hint"
)

// MaxSource is the maximum size of one file in bytes. Parsing takes about 600 times as much memory.
const MaxSource = 1 << 20

// Parse parses a file and rewrites it to call guards. It accepts Starlark without while, recursion, sets and statements other than
// definitions at top level. Errors are syntax.Errors, with advice for those who wrote Python, or *Errors.
func Parse(name string, source []byte) (*syntax.File, error) {
	if len(source) > MaxSource {
		return nil, &Error{syntax.MakePosition(&name, 1, 1), fmt.Sprintf("got a file of more than %d bytes, want fewer", MaxSource)}
	}
	source = bytes.TrimPrefix(source, []byte("\ufeff")) // editors on Windows write it
	options := &syntax.FileOptions{}
	f, err := options.Parse(name, source, 0)
	if err != nil {
		return nil, hint.Syntax(err, source)
	}
	var r rewriter
	if r.block(f.Stmts); r.err != nil {
		return nil, r.err
	}
	return f, nil
}
