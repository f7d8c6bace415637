package feature

import (
	"errors"
	"io/fs"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/spec"
)

// Inception v3 (Szegedy et al. 2016, arXiv 1512.00567), up to the global average pool, 2048 features. Names are torchvision's
// and pytorch-fid's. The convolutions are in the order in which Keras's inception_v3.py makes and numbers them. Batch norms are
// folded into the convolutions when weights are read.

const (
	inceptionSize     = 299
	inceptionFeatures = 2048
	fidClasses        = 1008
	kerasClasses      = 1000
	logitsLayer       = "logits"

	fidHint = "run: starsweep features get inception; or, to compute the Inception score as well, get " +
		"pt_inception-2015-12-05-6726825d.pth from https://github.com/mseitzer/pytorch-fid/releases/tag/fid_weights " +
		"and run: starsweep features add FILE"
	kerasHint = "get https://storage.googleapis.com/tensorflow/keras-applications/" +
		"inception_v3/inception_v3_weights_tf_dim_ordering_tf_kernels.h5 " +
		"and run: starsweep features add FILE"
)

var (
	fidInception = row{spec.Extractor{Name: "inception", Builtin: "inception",
		Doc:   "Inception v3 of FID, resized as pytorch-fid does; 2,048 features, and logits if its file has them",
		Width: inceptionFeatures, Logits: true, Channels: 3, Converts: true},
		inceptionBatch, added("inception", inceptionFID, fidHint), inceptionTakes}
	tturInception = row{spec.Extractor{Name: "inception-ttur", Builtin: "inception_ttur",
		Doc:   "the same network, resized as the original FID code and torch-fidelity do",
		Width: inceptionFeatures, Logits: true, Channels: 3, Converts: true},
		inceptionBatch, added("inception", inceptionTTUR, fidHint), inceptionTakes}
	kerasInception = row{spec.Extractor{Name: "inception-keras", Builtin: "inception_keras",
		Doc:   "Keras's InceptionV3 (ImageNet) up to its last pooling layer; 2,048 features",
		Width: inceptionFeatures, Logits: true, Channels: 3, Converts: true},
		inceptionBatch, added("inception-keras", inceptionKeras, kerasHint), inceptionTakes}

	inceptionTakes = memory{logits: fidClasses, fixed: 94 << 20, image: 15100 << 10}
	inceptionProbe = [4]int{1, inceptionSize, inceptionSize, 3}
)

// added is a network whose weights a user added.
func added(name string, n network, hint string) func(Store) (content, error) {
	return func(st Store) (content, error) {
		w, o, err := st.load(name)
		if errors.Is(err, fs.ErrNotExist) {
			err = missing{hint}
		}
		return content{network: n, weights: w, probe: inceptionProbe, origin: o}, err
	}
}

// missing is the error of weights that a user must add first. Its text ends in the advice how to.
type missing struct{ hint string }

func (m missing) Error() string { return "its weights are missing: " + m.hint }
func (m missing) Unwrap() error { return fs.ErrNotExist }

// inceptionFID is the network of FID, inception-2015-12-05, as pytorch-fid runs it: its last block takes maxima where
// Inception v3 takes averages. Images are resized by half-pixel bilinear interpolation. The logits have no bias, as in the
// original Inception score (Salimans et al. 2016; torch-fidelity's logits_unbiased); some files have no logits.
func inceptionFID(b *builder, x node) (features, logits node) {
	return b.fid(b.centre(b.colour(expr.ResizeBilinear(x, inceptionSize, inceptionSize))))
}

// inceptionTTUR is inceptionFID with the resize of the original code, TensorFlow 1's, and its scale (x - 128) / 128; torch-fidelity
// uses both as well.
func inceptionTTUR(b *builder, x node) (features, logits node) {
	x = b.colour(expr.ResizeBilinearTF1(x, inceptionSize, inceptionSize))
	return b.fid(expr.Div(expr.Sub(x, b.number(128)), b.number(128)))
}

func (b *builder) fid(x node) (features, logits node) {
	features = b.inception(x, func(x node, w expr.Window2) node { return expr.MaxPool(x, w) })
	if b.has(logitsLayer) {
		logits = b.product(logitsLayer, features, fidClasses)
	}
	return features, logits
}

// inceptionKeras is keras.applications.InceptionV3 up to its last pooling layer (include_top=False, pooling="avg"), after
// tf.image.resize (bilinear) and preprocess_input. It has logits, before the softmax, where the weights have them.
func inceptionKeras(b *builder, x node) (features, logits node) {
	x = b.centre(b.colour(expr.ResizeBilinear(x, inceptionSize, inceptionSize)))
	features = b.inception(x, nil)
	if b.has(logitsLayer) {
		logits = b.dense(logitsLayer, features, kerasClasses)
	}
	return features, logits
}

// inception is the network on images [b 299 299 3] in [-1, 1]. lastPool is the pool of the last block; nil means averages.
func (b *builder) inception(x node, lastPool func(node, expr.Window2) node) node {
	x = b.branch("", x, down("Conv2d_1a_3x3", 32), valid("Conv2d_2a_3x3", 32), same("Conv2d_2b_3x3", 64, 3, 3)) // 147 x 147
	x = halve(x)
	x = b.branch("", x, same("Conv2d_3b_1x1", 80, 1, 1), valid("Conv2d_4a_3x3", 192)) // 71 x 71
	x = halve(x)
	x = b.mixed5("Mixed_5b", x, 32) // 35 x 35
	x = b.mixed5("Mixed_5c", x, 64)
	x = b.mixed5("Mixed_5d", x, 64)
	x = b.mixed6a("Mixed_6a", x) // 17 x 17
	x = b.mixed6("Mixed_6b", x, 128)
	x = b.mixed6("Mixed_6c", x, 160)
	x = b.mixed6("Mixed_6d", x, 160)
	x = b.mixed6("Mixed_6e", x, 192)
	x = b.mixed7a("Mixed_7a", x) // 8 x 8
	x = b.mixed7("Mixed_7b", x, nil)
	x = b.mixed7("Mixed_7c", x, lastPool)
	return expr.Mean(x, "hw")
}

func (b *builder) mixed5(block string, x node, pooled int) node {
	return expr.Concat('c',
		b.branch(block, x, same("branch1x1", 64, 1, 1)),
		b.branch(block, x, same("branch5x5_1", 48, 1, 1), same("branch5x5_2", 64, 5, 5)),
		b.branch(block, x, same("branch3x3dbl_1", 64, 1, 1), same("branch3x3dbl_2", 96, 3, 3), same("branch3x3dbl_3", 96, 3, 3)),
		b.pooled(block, x, pooled, nil))
}

func (b *builder) mixed6a(block string, x node) node {
	return expr.Concat('c',
		b.branch(block, x, down("branch3x3", 384)),
		b.branch(block, x, same("branch3x3dbl_1", 64, 1, 1), same("branch3x3dbl_2", 96, 3, 3), down("branch3x3dbl_3", 96)),
		halve(x))
}

func (b *builder) mixed6(block string, x node, n int) node {
	return expr.Concat('c',
		b.branch(block, x, same("branch1x1", 192, 1, 1)),
		b.branch(block, x, same("branch7x7_1", n, 1, 1), same("branch7x7_2", n, 1, 7), same("branch7x7_3", 192, 7, 1)),
		b.branch(block, x, same("branch7x7dbl_1", n, 1, 1), same("branch7x7dbl_2", n, 7, 1), same("branch7x7dbl_3", n, 1, 7),
			same("branch7x7dbl_4", n, 7, 1), same("branch7x7dbl_5", 192, 1, 7)),
		b.pooled(block, x, 192, nil))
}

func (b *builder) mixed7a(block string, x node) node {
	return expr.Concat('c',
		b.branch(block, x, same("branch3x3_1", 192, 1, 1), down("branch3x3_2", 320)),
		b.branch(block, x, same("branch7x7x3_1", 192, 1, 1), same("branch7x7x3_2", 192, 1, 7), same("branch7x7x3_3", 192, 7, 1),
			down("branch7x7x3_4", 192)),
		halve(x))
}

func (b *builder) mixed7(block string, x node, pool func(node, expr.Window2) node) node {
	fork := func(from node, wide, high string) []node {
		return []node{b.branch(block, from, same(wide, 384, 1, 3)), b.branch(block, from, same(high, 384, 3, 1))}
	}
	parts := []node{b.branch(block, x, same("branch1x1", 320, 1, 1))}
	parts = append(parts, fork(b.branch(block, x, same("branch3x3_1", 384, 1, 1)), "branch3x3_2a", "branch3x3_2b")...)
	double := b.branch(block, x, same("branch3x3dbl_1", 448, 1, 1), same("branch3x3dbl_2", 384, 3, 3))
	parts = append(parts, fork(double, "branch3x3dbl_3a", "branch3x3dbl_3b")...)
	return expr.Concat('c', append(parts, b.pooled(block, x, 192, pool))...)
}

// step is a convolution with batch norm and a ReLU.
type step struct {
	name                  string
	filters, h, w, stride int
	pad                   bool // "same" padding, else none
}

func same(name string, filters, h, w int) step { return step{name, filters, h, w, 1, true} }
func valid(name string, filters int) step      { return step{name, filters, 3, 3, 1, false} }
func down(name string, filters int) step       { return step{name, filters, 3, 3, 2, false} }

// branch is consecutive steps of a block.
func (b *builder) branch(block string, x node, steps ...step) node {
	for _, s := range steps {
		x = expr.Relu(b.linear(block, x, s))
	}
	return x
}

// linear is a step without its ReLU.
func (b *builder) linear(block string, x node, s step) node {
	if block != "" {
		block += "."
	}
	padding := expr.Valid
	if s.pad {
		padding = expr.Same
	}
	return b.conv(block+s.name, x, s.filters, expr.Window2{
		H: padding(x.Shape.Size('h'), s.h, s.stride), W: padding(x.Shape.Size('w'), s.w, s.stride)})
}

// pooled is a branch of a 3 x 3 pool, which does not count padding, and a 1 x 1 convolution. Averages and the convolution share no
// axis, and a bias is its own average: so if the pool takes averages, the convolution goes first and leaves it a fraction of the
// channels.
func (b *builder) pooled(block string, x node, filters int, pool func(node, expr.Window2) node) node {
	around := window(x, func(in int) expr.Window { return expr.Same(in, 3, 1) })
	project := same("branch_pool", filters, 1, 1)
	if pool != nil {
		return b.branch(block, pool(x, around), project)
	}
	return expr.Relu(expr.AvgPool(b.linear(block, x, project), around))
}

// halve is a 3 x 3 pool of maxima with stride 2 and without padding.
func halve(x node) node {
	return expr.MaxPool(x, window(x, func(in int) expr.Window { return expr.Valid(in, 3, 2) }))
}
