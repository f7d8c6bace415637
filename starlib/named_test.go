package starlib_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/starlib"
)

// named is a study of one player whose loss is given, and the number its optimizer takes.
const named = `
load("@std//mlp.star", "mlp")

def trial(p):
    w = real(0.5, name = "w")
    v = real(linear(1.0, 0.0, epochs = 2), name = "v")
    q = real(3.0, name = "q")
    plain = real(7.0)
    def net_loss(net, x):
        y = mean(square(net(x)))
        return %s
    return job(data = ring(), players = {"net": player(network = mlp([4], 1), loss = net_loss, optimizer = sgd(lr = %s))},
        batch = 4, epochs = 2)

main = study(trial = trial)
`

// columns are the named numbers of the study's only job, as text, with their values in the given step of ten an epoch.
func columns(t *testing.T, loss, lr string, step int) (string, error) {
	t.Helper()
	s, err := starlib.Loader{Catalogue: catalogue}.Load(context.Background(), "s.star", fmt.Appendf(nil, named, loss, lr))
	if err != nil {
		return "", err
	}
	job, err := s.Job(context.Background(), nil)
	if err != nil {
		return "", err
	}
	var text []string
	for _, c := range job.Columns() {
		text = append(text, fmt.Sprintf("%s=%g", c.Name, c.Value.At(step, 10)))
	}
	return strings.Join(text, " "), nil
}

// A column holds the number that the script named, not what is computed from it.
func TestANameBelongsToTheNumberThatBearsIt(t *testing.T) {
	for _, c := range []struct{ loss, lr, want string }{
		{"(w * 10) * y", "0.1", "lr_net=0.1 w=0.5"},
		{"(v * x.b) * y", "0.1", "lr_net=0.1 v=0.75"},
		{"(q * q) * y", "0.1", "lr_net=0.1 q=3"},
		{"(w * 10) * y + (v * x.b) * y - (q * q) * y", "0.1", "lr_net=0.1 q=3 v=0.75 w=0.5"},
		{"w * y + (w * 10) * square(y)", "0.1", "lr_net=0.1 w=0.5"}, // plain and scaled
		{"-w * y", "0.1", "lr_net=0.1 w=0.5"},
		{"(1 - w) * y", "0.1", "lr_net=0.1 w=0.5"},
		{"(w - v) * y", "0.1", "lr_net=0.1 v=0.75 w=0.5"},
		{"(w / 2) * y", "0.1", "lr_net=0.1 w=0.5"},
		{"(1 / w) * y", "0.1", "lr_net=0.1 w=0.5"},
		{"leaky_relu(y, w + w)", "0.1", "lr_net=0.1 w=0.5"},
		{"(plain * 2) * y", "0.1", "lr_net=0.1"},
		{"real(w) * y", "0.1", "lr_net=0.1 w=0.5"},
		{"real(w, name = 'u') * y", "0.1", "lr_net=0.1 u=0.5 w=0.5"},
		{"real(w * 10, name = 'u') * y", "0.1", "lr_net=0.1 u=5 w=0.5"},
		{"y", "w", "lr_net=0.5 w=0.5"},
		{"y", "v * 0.1", "lr_net=0.07500000000000001 v=0.75"},
		{"y", "piecewise([w, v], epochs = [1])", "lr_net=0.5 v=0.75 w=0.5"},
	} {
		if got, err := columns(t, c.loss, c.lr, 5); err != nil || got != c.want {
			t.Errorf("loss %s, lr %s: got %s, %v, want %s", c.loss, c.lr, got, err, c.want)
		}
	}
}

func TestTheValueOfADivisionIsTheQuotient(t *testing.T) {
	job := func(loss string) string {
		s, err := starlib.Loader{Catalogue: catalogue}.Load(context.Background(), "s.star", fmt.Appendf(nil, named, loss, "0.1"))
		if err != nil {
			t.Fatal(err)
		}
		job, err := s.Job(context.Background(), nil)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(job.Reals)
	}
	if got := job("(real(10) / 3) * y"); !strings.Contains(got, " 3.3333333333333335}") {
		t.Errorf("got %s, want 10/3 = 3.3333333333333335", got)
	}
}

func TestOneNameOfTwoNumbersIsAnErrorThatNamesBoth(t *testing.T) {
	_, err := columns(t, "w * y + real(0.25, name = 'w') * y", "0.1", 0)
	want := "s.star:12:15: the name w has two numbers: 0.25 (s.star:11:28) and 0.5 (s.star:5:13); want a name for each"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if _, err := columns(t, "w * y + real(0.5, name = 'w') * square(y)", "0.1", 0); err != nil {
		t.Errorf("one number under one name, from two places: got %v", err)
	}
	if _, err := columns(t, "w * y", "real(0.2, name = 'w')", 0); err == nil ||
		!strings.Contains(err.Error(), "has two numbers: 0.2 (s.star:12:121) and 0.5 (s.star:5:13)") {
		t.Errorf("in a loss and in an optimizer: got %v", err)
	}
	if _, err := columns(t, "real(1.0, name = 'no word') * y", "0.1", 0); err == nil || !strings.Contains(err.Error(), "want an identifier") {
		t.Errorf("a name that is no word: got %v", err)
	}
}
