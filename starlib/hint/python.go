package hint

import (
	"errors"
	"regexp"
	"slices"
	"strings"

	"go.starlark.net/syntax"
)

// python lists the parts of Python that Starlark lacks: the parser's error, the line it is about, and what to write instead.
var python = []struct {
	message, line *regexp.Regexp
	hint          string
}{
	{regexp.MustCompile(`got (import|from),`), nil, `there is no import in Starlark: write load("@std//losses.star", "hinge")`},
	{regexp.MustCompile(`got class,`), nil, "there are no classes in Starlark: write functions, and struct(a = 1) for values with fields"},
	{regexp.MustCompile(`got (try|except|finally|raise),`), nil, `there are no exceptions in Starlark: fail("...") ends a script`},
	{regexp.MustCompile(`got (async|await|yield|global|nonlocal|del|with),`), nil, "Starlark has no such statement"},
	{regexp.MustCompile(`got is,`), nil, `there is no "is" in Starlark: write == or !=`},
	{regexp.MustCompile(`got identifier,`), regexp.MustCompile(`^\s*assert\b`),
		`there is no assert in Starlark: write if not ...: fail("...")`},
	{regexp.MustCompile(`got string literal,`), regexp.MustCompile(`\b[fF]["']`),
		`there are no f-strings in Starlark: write "%s of %d" % (a, b)`},
	{regexp.MustCompile(`got ':',`), regexp.MustCompile(`:=`), "there is no := in Starlark: write the assignment on a line of its own"},
	{regexp.MustCompile(`got ':', want ('\)'|newline)`), regexp.MustCompile(`\w\s*:\s*[\w"']`),
		"there are no type hints in Starlark: leave them out"},
	{regexp.MustCompile(`got '-', want ':'`), regexp.MustCompile(`->`), "there are no type hints in Starlark: leave them out"},
	{regexp.MustCompile(`got '[,}]', want ':'`), nil, "there are no sets in Starlark: write a list"},
	{regexp.MustCompile(`character '@'`), nil, "there are no decorators in Starlark, and no product of matrices: write nn.dense"},
	{regexp.MustCompile(`got '\*\*',`), nil, "there is no ** in Starlark: write x * x, or power(x, y) for tensors"},
	{regexp.MustCompile(`while loops`), nil, "write for i in range(n), which can break"},
	{regexp.MustCompile(`without else clause`), regexp.MustCompile(`\bis\b`), `there is no "is" in Starlark: write == or !=`},
	{regexp.MustCompile(`does not associate with`), nil, "write a < b and b < c"},
	{regexp.MustCompile(`got '[,.:]', want primary`), regexp.MustCompile(`\[[^\]]*(:|\.\.\.)[^\]]*,|,[^\]]*(:|\.\.\.)[^\]]*\]`),
		"tensors have no index: slice(x, axis, lo, hi) takes part of an axis by its name; no axis need be added, since operands meet by name"},
	{regexp.MustCompile(`unknown conversion %\.|format spec features not supported`), nil,
		"numbers are formatted in full: math.round(1000 * x) / 1000 has three digits"},
}

// Syntax adds to a syntax error in source what to write instead, if the line is Python. Other errors pass unchanged.
func Syntax(err error, source []byte) error {
	var parse syntax.Error
	if !errors.As(err, &parse) {
		return err
	}
	line := ""
	if lines := strings.Split(string(source), "\n"); int(parse.Pos.Line) <= len(lines) {
		line = lines[max(0, parse.Pos.Line-1)]
	}
	parse.Msg = strings.TrimSuffix(parse.Msg, " (use parens)") + Instead(parse.Msg, line)
	return parse
}

// Instead is the end of an error's message for a line of Python: what to write. It is "" if the line is not known to be Python.
func Instead(message, line string) string {
	for _, m := range python {
		if m.message.MatchString(message) && (m.line == nil || m.line.MatchString(line)) {
			return "; " + m.hint
		}
	}
	return ""
}

// Offered lists what a script can write where other libraries have more: calls such as fid(), or names. The caller of Elsewhere takes
// the lists from the tables of the engine, so that advice includes whatever is added there.
type Offered struct {
	Metrics, Optimizers, Searches []string
	Files, Layouts                []string // data sets of the user's own files, and those whose layout such files may have
}

// families lists, for each family of builtins that scripts choose from, the names of other libraries that scripts lack.
var families = []struct {
	names string
	hint  func(Offered) string
}{
	{"lpips ssim ms_ssim psnr fvd mmd swd cmmd vendi is_score inception_distance", Offered.MetricsText},
	{"svhn celeba imagenet lsun ffhq stl10 fashion_mnist omniglot csv table array", func(o Offered) string {
		return and(o.Files) + " read files, " + and(o.Layouts) + " other sets in their layout"
	}},
	{"lion adagrad adadelta nadam lamb adamax radam lookahead sophia", func(o Offered) string {
		return "the optimizers are " + and(o.Optimizers)
	}},
	{"bayes bayesian nsga nsga3 cmaes cma_es hyperband asha halton lhs optuna", func(o Offered) string {
		return "the searches are " + and(o.Searches)
	}},
}

// MetricsText lists the metrics.
func (o Offered) MetricsText() string { return "the metrics are " + and(o.Metrics) }

// and joins names: "a, b and c".
func and(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

// elsewhere maps names of other languages and libraries that scripts lack to what to write instead.
var elsewhere = func() map[string]string {
	hints := map[string]string{
		"round": "math.round(x) is for numbers, floor(x + 0.5) for tensors",
		"pow":   "math.pow(x, y) is for numbers, power(x, y) for tensors",
		"open":  "scripts read only the files that they load", "input": "a run can set the settings of a study: --set name=value",
		"isinstance": `type(x) == "tensor" compares a type`, "map": "write [f(x) for x in xs]",
		"filter": "write [x for x in xs if f(x)]",
		"tan":    "write sin(x) / cos(x)", "arange": "concat a list of tensors", "eye": "there are no constant matrices",
	}
	for _, x := range []struct{ hint, names string }{
		{"scripts load no libraries: functions such as relu(x) are global, layers are in nn, functions of numbers in math",
			"torch np numpy tf tensorflow keras jax jnp scipy F os sys json random re time"},
		{"there is no sorting, searching or indexing by tensors",
			"sort argsort topk argmax argmin cumsum gather scatter take"},
		{"there is no product of matrices: nn.dense multiplies the channels by a trained kernel",
			"matmul bmm einsum mm"},
		{"write 0 * x in the shape of x, or + 1",
			"zeros ones full zeros_like ones_like empty"},
	} {
		for name := range strings.FieldsSeq(x.names) {
			hints[name] = x.hint
		}
	}
	return hints
}()

// Elsewhere returns what to write instead of a name of another language or library; "" for names it does not know.
func Elsewhere(name string, o Offered) string {
	for _, f := range families {
		if slices.Contains(strings.Fields(f.names), name) {
			return f.hint(o)
		}
	}
	return elsewhere[name]
}

// Argument is Elsewhere for the name of an argument of a builtin.
func Argument(builtin, name string) string { return otherArguments[builtin+" "+name] }

// otherArguments is elsewhere for arguments; a key is a builtin and its argument.
var otherArguments = map[string]string{
	"adam weight_decay": "adamw(decay = ...) has it", "adam decay": "adamw(decay = ...) has it",
	"sgd weight_decay": "adamw(decay = ...) has it",
	"evaluate grid":    "use sheet, the size of the sample sheet",
	"adam amsgrad":     "the rules are those of their papers", "sgd nesterov": "the rules are those of their papers",
}

// synonyms maps names that PyTorch, Keras and papers use to those that scripts use. Its keys are in normal form.
var synonyms = map[string][]string{
	// arguments
	"learningrate": {"lr"}, "weightdecay": {"decay"}, "epsilon": {"eps"}, "beta1": {"betas"}, "beta2": {"betas"},
	"clipgradnorm": {"clip_norm"},
	"batchsize":    {"batch"}, "nepochs": {"epochs"}, "numepochs": {"epochs"}, "maxepochs": {"epochs"}, "iterations": {"steps", "epochs"},
	"ncritic": {"d_steps"}, "dataset": {"data"}, "critic": {"discriminator"}, "latentdim": {"latent"}, "zdim": {"latent"},
	"opt":     {"optimizer"},
	"filters": {"units"}, "units": {"filters"}, "outchannels": {"filters"}, "channels": {"filters"}, "outfeatures": {"units"},
	"features":   {"units", "filters"},
	"kernelsize": {"kernel"}, "strides": {"stride"}, "usebias": {"bias"}, "kernelinitializer": {"init"}, "biasinitializer": {"bias_init"},
	"poolsize": {"window"}, "negativeslope": {"slope"}, "alpha": {"slope"}, "p": {"rate"}, "gamma": {"rate"}, "prob": {"rate"},
	"dim": {"axes", "axis"}, "axis": {"axes"}, "axes": {"axis"}, "input": {"x"}, "inputs": {"x"}, "tensors": {"xs"},
	"numclasses": {"classes", "labels"}, "nclasses": {"classes", "labels"}, "imagesize": {"size"}, "lambdagp": {"weight"}, "root": {"path"},
	"numsamples": {"samples"}, "nsamples": {"samples"}, "ntrials": {"trials"}, "numtrials": {"trials"},
	"filter": {"constraint"}, "condition": {"constraint"}, "where": {"constraint"}, "when": {"constraint"}, "exclude": {"constraint"},
	"keepcheckpoints": {"keep"},
	// functions, layers and losses
	"linear": {"dense"}, "fc": {"dense"}, "upsample": {"resize"}, "upsampling": {"resize"}, "adaptiveavgpool": {"global_avg_pool"},
	"globalaveragepooling": {"global_avg_pool"}, "maxpooling": {"max_pool"}, "averagepooling": {"avg_pool"}, "cat": {"concat"},
	"concatenate": {"concat"},
	"pow":         {"power"}, "clip": {"clamp"}, "gradient": {"grad"}, "gradients": {"grad"}, "detach": {"stop_gradient"},
	"crossentropy": {"softmax_cross_entropy"},
	"randn":        {"normal"}, "randnlike": {"normal_like"}, "rand": {"uniform"}, "randlike": {"uniform_like"}, "loguniform": {"log_uniform"},
	"wgan": {"wasserstein"}, "wgangp": {"wasserstein_gp"}, "wganlp": {"wasserstein_lp"}, "lsgan": {"least_squares"},
	"nsgan": {"non_saturating"},
	"ragan": {"relativistic_average"}, "bce": {"non_saturating"},
	"xavieruniform": {"glorot_uniform"}, "xaviernormal": {"glorot_normal"}, "kaiminguniform": {"he_uniform"}, "kaimingnormal": {"he_normal"},
}
