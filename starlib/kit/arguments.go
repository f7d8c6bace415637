package kit

import (
	"fmt"

	"go.starlark.net/starlark"
)

// Count is an argument that is a positive integer.
type Count int

func (n *Count) Unpack(v starlark.Value) error {
	given, ok := v.(starlark.Int)
	if !ok {
		return fmt.Errorf("got %s, want a positive int", Describe(v))
	}
	i, err := starlark.AsInt32(given)
	switch {
	case given.Sign() < 1:
		return fmt.Errorf("got %v, want a positive int", given)
	case err != nil:
		return fmt.Errorf("got %v, want an int below 2147483648", given)
	}
	*n = Count(i)
	return nil
}

// Pair is an argument that is a positive integer, or a pair of them for height and width.
type Pair [2]int

func (p *Pair) Unpack(v starlark.Value) error {
	var n Count
	if t, ok := v.(starlark.Tuple); ok && len(t) == 2 {
		for i, e := range t {
			if err := n.Unpack(e); err != nil {
				return err
			}
			p[i] = int(n)
		}
		return nil
	}
	if err := n.Unpack(v); err != nil {
		return fmt.Errorf("got %s, want a positive int or a pair of them", Describe(v))
	}
	*p = Pair{int(n), int(n)}
	return nil
}

// Number is an argument that is an int or a float.
type Number float64

func (x *Number) Unpack(v starlark.Value) error {
	f, ok := starlark.AsFloat(v)
	if !ok {
		return fmt.Errorf("got %s, want a number", Describe(v))
	}
	*x = Number(f)
	return nil
}

// Function is an argument that is a function of the script or a builtin.
type Function struct{ Fn starlark.Callable }

func (f *Function) Unpack(v starlark.Value) error {
	switch v := v.(type) {
	case *starlark.Function:
		f.Fn = v
	case *starlark.Builtin:
		f.Fn = v
	default: // schedules can be called, but are numbers
		return fmt.Errorf("got %s, want a function", Describe(v))
	}
	return nil
}

// Position is where the function is defined; "" for a builtin.
func (f Function) Position() string {
	if fn, ok := f.Fn.(*starlark.Function); ok {
		return fn.Position().String()
	}
	return ""
}

// Natural is an argument that is an integer of 0 or more.
type Natural int64

func (n *Natural) Unpack(v starlark.Value) error {
	var i int64
	if err := starlark.AsInt(v, &i); err != nil || i < 0 {
		return fmt.Errorf("got %s, want an int from 0", Describe(v))
	}
	*n = Natural(i)
	return nil
}

// Positive is an argument that is a number above 0.
type Positive float64

func (x *Positive) Unpack(v starlark.Value) error {
	f, ok := starlark.AsFloat(v)
	if !ok || !(f > 0) {
		return fmt.Errorf("got %s, want a positive number", Describe(v))
	}
	*x = Positive(f)
	return nil
}
