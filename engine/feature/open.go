package feature

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/starsweep/starsweep/engine/lower"
)

// Open opens one of the Names on a device. If a user must add its weights first, the error wraps fs.ErrNotExist and says where to get
// them.
func Open(on lower.Device, name string, st Store) (*Extractor, error) {
	e, _, err := open(name, st)
	if err != nil {
		return nil, fmt.Errorf("extractor %s: %w", name, err)
	}
	e.on = on
	return e, nil
}

// Digest returns the digest of the extractor that Open would return. It reads the weights.
func Digest(name string, st Store) (string, error) {
	e, _, err := open(name, st)
	if err != nil {
		return "", fmt.Errorf("extractor %s: %w", name, err)
	}
	return e.Digest, nil
}

func open(name string, st Store) (*Extractor, Origin, error) {
	r, ok := lookup(name)
	if !ok {
		return nil, Origin{}, fmt.Errorf("got this name, want one of %s", strings.Join(Names(), ", "))
	}
	c, err := r.load(st)
	if err != nil {
		return nil, c.origin, err
	}
	e := &Extractor{Name: name, batch: r.batch, network: c.network, weights: c.weights}
	outs, used, err := e.trace(c.probe)
	if err != nil {
		return nil, c.origin, err
	}
	if len(outs) > 1 {
		e.Logits = outs[1].Shape.Size('c')
	}
	e.weights, e.Digest = used, digest(name, c.layers, used)
	return e, c.origin, nil
}

// Info describes an extractor.
type Info struct {
	Name, Doc, Digest string
	Origin            Origin // of weights that a user added
	Err               error  // why it cannot be opened; nil if it can
}

// List describes every extractor. It reads all weights.
func (st Store) List() (list []Info) {
	for _, r := range table {
		i := Info{Name: r.Name, Doc: r.Doc}
		var e *Extractor
		if e, i.Origin, i.Err = open(r.Name, st); i.Err == nil {
			i.Digest = e.Digest
		}
		list = append(list, i)
	}
	return list
}

// digest identifies everything that decides an extractor's features. Its first line changes when the meaning of a name or of a
// declared layer changes.
func digest(name string, layers []byte, w weights) string {
	h := sha256.New()
	fmt.Fprintf(h, "starsweep extractor 1\n%s\n%s\n", name, layers)
	for _, name := range slices.Sorted(maps.Keys(w)) {
		fmt.Fprintf(h, "\n%s %v\n", name, w[name].shape)
		buf, _ := binary.Append(nil, binary.LittleEndian, w[name].data) // floats have a fixed size
		h.Write(buf)
	}
	return hex.EncodeToString(h.Sum(nil))
}
