package expr

import "fmt"

// Window is the geometry of a convolution or a pooling along one axis: In elements, Lo zeros before and Hi after them, and a
// kernel of Kernel taps that moves by Stride. A transposed convolution has the window of the convolution that it transposes: it
// maps Out() elements to In.
type Window struct{ In, Kernel, Stride, Lo, Hi int }

func (w Window) String() string {
	return fmt.Sprintf("%d+%d+%d by %d/%d", w.Lo, w.In, w.Hi, w.Kernel, w.Stride)
}

// Out is the output length: 0 if the kernel is longer than the padded input.
func (w Window) Out() int {
	if room := w.In + w.Lo + w.Hi - w.Kernel; room >= 0 {
		return room/w.Stride + 1
	}
	return 0
}

// Same is the window with "same" padding: ceil(in/stride) outputs, with an odd zero at the end, as in TensorFlow.
func Same(in, kernel, stride int) Window {
	p := max(((in+stride-1)/stride-1)*stride+kernel-in, 0)
	return Window{in, kernel, stride, p / 2, p - p/2}
}

// Valid is the window without padding: floor((in-kernel)/stride)+1 outputs.
func Valid(in, kernel, stride int) Window { return Explicit(in, kernel, stride, 0, 0) }

// Explicit is the window with lo zeros before and hi after.
func Explicit(in, kernel, stride, lo, hi int) Window { return Window{in, kernel, stride, lo, hi} }

// SameTransposed is the window of a transposed convolution with "same" padding: in elements become in*stride.
func SameTransposed(in, kernel, stride int) Window { return Same(in*stride, kernel, stride) }

// ValidTransposed is the window of a transposed convolution without padding: in elements become
// (in-1)*stride + max(kernel, stride), as in Keras.
func ValidTransposed(in, kernel, stride int) Window {
	return Valid((in-1)*stride+max(kernel, stride), kernel, stride)
}

// ExplicitTransposed is the window of a transposed convolution that drops lo elements before and hi after:
// in elements become (in-1)*stride + kernel - lo - hi, as in PyTorch.
func ExplicitTransposed(in, kernel, stride, lo, hi int) Window {
	return Explicit((in-1)*stride+kernel-lo-hi, kernel, stride, lo, hi)
}

// Window2 is the geometry shared by conv, conv_input_grad and conv_kernel_grad, and of a pooling.
type Window2 struct{ H, W Window }

func (w Window2) String() string { return fmt.Sprintf("%v, %v", w.H, w.W) }

// taps counts the pairs of an output and a kernel tap on an element, not on padding.
func (w Window) taps() (n int) {
	for t := range w.Kernel {
		// Outputs p with 0 <= p*Stride + t - Lo < In.
		first := max(0, (w.Lo-t+w.Stride-1)/w.Stride)
		last := min(w.Out()-1, (w.In-1+w.Lo-t)/w.Stride)
		if w.In-1+w.Lo-t >= 0 {
			n += max(0, last-first+1)
		}
	}
	return n
}
