package spec_test

import (
	"testing"

	. "github.com/starsweep/starsweep/engine/spec"
)

func point(values ...any) (p Point) {
	for i := 0; i < len(values); i += 2 {
		v := Value{}
		switch x := values[i+1].(type) {
		case int:
			v = IntValue(int64(x))
		case string:
			v = StringValue(x)
		}
		p = append(p, Assignment{values[i].(string), v})
	}
	return p
}

// A hyperparameter has a value where all of its conditions hold, and those that they are about have one.
func TestHyperparametersApplyUnderConditions(t *testing.T) {
	s := Space{choice(t, "loss", StringValue("ns"), StringValue("wgan"), StringValue("ls")), choice(t, "noise", IntValue(0), IntValue(1)),
		choice(t, "decay", IntValue(5), IntValue(9)), choice(t, "weight", IntValue(1), IntValue(10))}
	s[1].When = []Condition{{"loss", []Value{StringValue("ns"), StringValue("ls")}}}
	s[2].When = []Condition{{"noise", []Value{IntValue(1)}}}
	s[3].When = []Condition{{"loss", []Value{StringValue("wgan")}}}
	if got, want := s[1].When[0].String(), `loss = "ns" or "ls"`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for _, c := range []struct {
		point Point
		want  string
		unfit [4]string
	}{
		{point("loss", "ns", "noise", 1, "decay", 9, "weight", 1), `loss="ns" noise=1 decay=9`, [4]string{"", "", "", `loss = "ns"`}},
		{point("loss", "ls", "noise", 0, "decay", 9, "weight", 1), `loss="ls" noise=0`, [4]string{"", "", "noise = 0", `loss = "ls"`}},
		{point("loss", "wgan", "noise", 1, "decay", 9, "weight", 10), `loss="wgan" weight=10`,
			[4]string{"", `loss = "wgan"`, `loss = "wgan"`, ""}},
	} {
		s.Settle(c.point)
		if got := c.point.String(); got != c.want || len(c.point) != 4 {
			t.Errorf("got %s of %d, want %s", got, len(c.point), c.want)
		}
		for i, d := range s {
			if got := s.Unfit(c.point, i); got != c.unfit[i] {
				t.Errorf("%v: %s: got %q, want %q", c.point, d.Name, got, c.unfit[i])
			}
		}
	}
	narrow := Space{s[0], s[1], s[2], s[3]}
	narrow[0].Choices = narrow[0].Choices[1:2]
	for i, want := range []bool{false, true, true, false} {
		if got := narrow.Never(i); got != want || s.Never(i) {
			t.Errorf("%s never applies: got %t, want %t", s[i].Name, got, want)
		}
	}
}
