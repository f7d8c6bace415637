package starlib

import (
	"errors"
	"regexp"
	"slices"
	"strings"

	"go.starlark.net/syntax"
)

// What those write who know Python, PyTorch or Keras, and what it is called here.

// mistaken are the parts of Python that Starlark lacks: how the parser complains, of what line, and what to write.
var mistaken = []struct {
	complaint, line *regexp.Regexp
	hint            string
}{
	{regexp.MustCompile(`got (import|from),`), nil, `there is no import in Starlark: write load("@std//losses.star", "hinge")`},
	{regexp.MustCompile(`got class,`), nil, "there are no classes in Starlark: write functions, and struct(a = 1) for values with fields"},
	{regexp.MustCompile(`got (try|except|finally|raise),`), nil, `there are no exceptions in Starlark: fail("...") ends a script`},
	{regexp.MustCompile(`got (async|await|yield|global|nonlocal|del|with),`), nil, "Starlark lacks this word of Python"},
	{regexp.MustCompile(`got is,`), nil, `there is no "is" in Starlark: write == or !=`},
	{regexp.MustCompile(`got identifier,`), regexp.MustCompile(`^\s*assert\b`), `there is no assert in Starlark: write if not ...: fail("...")`},
	{regexp.MustCompile(`got string literal,`), regexp.MustCompile(`\b[fF]["']`), `there are no f-strings in Starlark: write "%s of %d" % (a, b)`},
	{regexp.MustCompile(`got ':',`), regexp.MustCompile(`:=`), "there is no := in Starlark: write the assignment on a line of its own"},
	{regexp.MustCompile(`got ':', want ('\)'|newline)`), regexp.MustCompile(`\w\s*:\s*[\w"']`), "there are no type hints in Starlark: leave them out"},
	{regexp.MustCompile(`got '-', want ':'`), regexp.MustCompile(`->`), "there are no type hints in Starlark: leave them out"},
	{regexp.MustCompile(`got '[,}]', want ':'`), nil, "there are no sets in Starlark: write a list"},
	{regexp.MustCompile(`character '@'`), nil, "there are no decorators in Starlark, and no product of matrices: write nn.dense"},
	{regexp.MustCompile(`got '\*\*',`), nil, "there is no ** in Starlark: write x * x, or power(x, y) of tensors"},
	{regexp.MustCompile(`while loops`), nil, "write for i in range(n), which can break"},
}

// hinted adds to a complaint about syntax what to write instead, where it is Python.
func hinted(err error, source []byte) error {
	var parse syntax.Error
	if !errors.As(err, &parse) {
		return err
	}
	line := ""
	if lines := strings.Split(string(source), "\n"); int(parse.Pos.Line) <= len(lines) {
		line = lines[max(0, parse.Pos.Line-1)]
	}
	parse.Msg += instead(parse.Msg, line)
	return parse
}

func instead(complaint, line string) string {
	for _, m := range mistaken {
		if m.complaint.MatchString(complaint) && (m.line == nil || m.line.MatchString(line)) {
			return "; " + m.hint
		}
	}
	return ""
}

// synonyms gives, for what is called otherwise in PyTorch, Keras or papers, the names here. Its keys are as spoken gives them.
var synonyms = map[string][]string{
	// arguments
	"learningrate": {"lr"}, "weightdecay": {"decay"}, "epsilon": {"eps"}, "beta1": {"betas"}, "beta2": {"betas"}, "clipgradnorm": {"clip_norm"},
	"batchsize": {"batch"}, "nepochs": {"epochs"}, "numepochs": {"epochs"}, "maxepochs": {"epochs"}, "iterations": {"steps", "epochs"},
	"ncritic": {"d_steps"}, "dataset": {"data"}, "critic": {"discriminator"}, "latentdim": {"latent"}, "zdim": {"latent"}, "opt": {"optimizer"},
	"filters": {"units"}, "units": {"filters"}, "outchannels": {"filters"}, "channels": {"filters"}, "outfeatures": {"units"}, "features": {"units", "filters"},
	"kernelsize": {"kernel"}, "strides": {"stride"}, "usebias": {"bias"}, "kernelinitializer": {"init"}, "biasinitializer": {"bias_init"},
	"poolsize": {"window"}, "negativeslope": {"slope"}, "alpha": {"slope"}, "p": {"rate"}, "gamma": {"rate"}, "prob": {"rate"},
	"dim": {"axes", "axis"}, "axis": {"axes"}, "axes": {"axis"}, "input": {"x"}, "inputs": {"x"}, "tensors": {"xs"},
	"numclasses": {"classes", "labels"}, "nclasses": {"classes", "labels"}, "imagesize": {"size"}, "lambdagp": {"weight"}, "root": {"path"},
	"numsamples": {"samples"}, "nsamples": {"samples"}, "ntrials": {"trials"}, "numtrials": {"trials"},
	// functions, layers and losses
	"linear": {"dense"}, "fc": {"dense"}, "upsample": {"resize"}, "upsampling": {"resize"}, "adaptiveavgpool": {"global_avg_pool"},
	"globalaveragepooling": {"global_avg_pool"}, "maxpooling": {"max_pool"}, "averagepooling": {"avg_pool"}, "cat": {"concat"}, "concatenate": {"concat"},
	"pow": {"power"}, "clip": {"clamp"}, "gradient": {"grad"}, "gradients": {"grad"}, "detach": {"stop_gradient"}, "crossentropy": {"softmax_cross_entropy"},
	"randn": {"normal"}, "randnlike": {"normal_like"}, "rand": {"uniform"}, "randlike": {"uniform_like"}, "loguniform": {"log_uniform"},
	"wgan": {"wasserstein"}, "wgangp": {"wasserstein_gp"}, "wganlp": {"wasserstein_lp"}, "lsgan": {"least_squares"}, "nsgan": {"non_saturating"},
	"ragan": {"relativistic_average"}, "bce": {"non_saturating"},
	"xavieruniform": {"glorot_uniform"}, "xaviernormal": {"glorot_normal"}, "kaiminguniform": {"he_uniform"}, "kaimingnormal": {"he_normal"},
}

// spoken is a name as it sounds: without case, underscores and the 2d of PyTorch's layers.
func spoken(name string) string {
	return strings.TrimSuffix(strings.ToLower(strings.ReplaceAll(name, "_", "")), "2d")
}

// called is the one of the names that is meant by got, beyond doubt: "" if there is none.
func called(got string, names []string) string {
	said := spoken(got)
	for _, n := range names {
		if spoken(n) == said {
			return n
		}
	}
	for _, n := range synonyms[said] {
		if slices.Contains(names, n) {
			return n
		}
	}
	return ""
}
