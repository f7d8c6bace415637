package starlib_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/starlib"
)

// Too few real images are an error before any data are opened, if their number is known.
func TestMetricsWantAsManyRealImages(t *testing.T) {
	const script = `
load("@std//losses.star", "hinge")
load("@std//mlp.star", "mlp")

def trial(p):
    return gan(data = ring(count = 100, limit = 50), generator = mlp([4], 2), discriminator = mlp([4], 1), latent = normal(2),
        loss = hinge(), optimizer = adam(lr = 1e-3), batch = 4, epochs = 1,
        evaluate = evaluate(metrics = [fid()], samples = p.samples, real = p.real,
                            final = final(metrics = [fid()], samples = p.last)))

main = study(trial = trial, settings = {"samples": 100, "real": "test", "last": 100})
`
	l := starlib.Loader{Catalogue: catalogue, Images: func(d spec.Data) (int, bool) {
		if d.Limit > 0 {
			return d.Limit, true
		}
		return d.Count, d.Count > 0
	}}
	s, err := l.Load(context.Background(), "study.star", []byte(script))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		set  []string
		want string // in the error, "" for none
	}{
		{nil, ""},
		{[]string{"samples=101"}, "study.star:6:15: evaluate: got 101 samples, and their test split has only 100 images"},
		{[]string{"real=train", "samples=50"}, ""},
		{[]string{"last=101"}, "study.star:6:15: final: got 101 samples, and their test split has only 100 images"},
		{[]string{"real=train"}, "study.star:6:15: evaluate: got 100 samples, and the trial's data have only 50 images"},
	} {
		with, err := s.With("", c.set)
		if err != nil {
			t.Fatal(err)
		}
		_, err = with.Job(context.Background(), nil)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), c.want)) {
			t.Errorf("%q: got %v, want %q", c.set, err, c.want)
		}
	}
}

func TestEvaluationsSuitTheData(t *testing.T) {
	const script = `
load("@std//losses.star", "hinge")
load("@std//mlp.star", "image_mlp", "mlp")

def trial(p):
    d = %s
    return gan(data = d, generator = image_mlp([4], d.size, d.channels) if d.size else mlp([4], 2), discriminator = mlp([4], 1),
        latent = normal(2), loss = hinge(), optimizer = adam(lr = 1e-3), batch = 4, epochs = 1,
        evaluate = evaluate(metrics = [%s], features = %s))

main = study(trial = trial)
`
	const finals = "pixels(), final = final(metrics = [fid(), kid()], samples = 2000, features = small(), real = \"train\")"
	for _, c := range []struct{ data, metric, features, want string }{
		{"mnist()", "fid()", finals, "metrics=[fid()] samples=10000 real=test features=pixels final=(every=0 sheet=0 " +
			"metrics=[fid() kid(subsets=100, size=1000)] samples=2000 real=train features=small-mnist)"},
		{"ring()", "fid()", "None, final = final(metrics = [prd()])", "metrics=[fid()] samples=10000 real=test features=points " +
			"final=(every=0 sheet=0 metrics=[prd()] samples=10000 real=test features=points)"},
		{"ring()", "fid()", "None", "metrics=[fid()] samples=10000 real=test features=points"},
		{"ring()", "fid()", "pixels()", "metrics=[fid()] samples=10000 real=test features=points"},
		{"mnist()", "kid()", "None", "metrics=[kid(subsets=100, size=1000)] samples=10000 real=test features=inception"},
		{"mnist(channels = 3)", "prd()", "small()", "metrics=[prd()] samples=10000 real=test features=small-cifar10"},
		{"cifar10(channels = 1)", "parzen()", "small()", "metrics=[parzen()] samples=10000 real=test features=small-cifar10"},
		{"ellipses()", "fid()", "small()", "metrics=[fid()] samples=10000 real=test features=small-mnist"},
		{`images("x", size = 8, channels = 3)`, "fid()", "small()", "metrics=[fid()] samples=10000 real=train features=small-cifar10"},
		{`cifar10(path = "x")`, "fid()", "inception_keras()", "metrics=[fid()] samples=10000 real=test features=inception-keras"},
		{`mnist()`, "fid()", `extractor("small-cifar10")`, "metrics=[fid()] samples=10000 real=test features=small-cifar10"},
		{`mnist()`, "fid()", `extractor("small")`, "metrics=[fid()] samples=10000 real=test features=small-mnist"},
		{"ring()", "precision_recall()", "None", "metrics=[precision_recall(k=3)] samples=10000 real=test features=points " +
			"collapse=(stop=false, evaluations=2, reach=0.05, spread=0.25, variety=0.4, fidelity=0.7, modes=0.3, few=0.8, distinctness=0.017)"},
	} {
		job, err := load(t, fmt.Sprintf(script, c.data, c.metric, c.features)).Job(context.Background(), nil)
		if err != nil {
			t.Errorf("%s: %v", c.data, err)
		} else if got := job.Evaluation.String(); got != "every=0 sheet=64 "+c.want {
			t.Errorf("%s: got  %s\nwant every=0 sheet=64 %s", c.data, got, c.want)
		}
	}
}
