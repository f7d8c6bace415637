package cpu

import (
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
)

// Convolutions that are composed of other operations.

// batchGroups computes a convolution in which each group of output channels sees one part of the batch: that part becomes a group of
// input channels.
func (f *Function) batchGroups(x, kernel *node, c conv, n int) (compute.Value, error) {
	batch, channels := c.axes.InputBatch, c.axes.InputChannels
	dims := x.shape.Dimensions
	split := slices.Insert(slices.Clone(dims), batch, n)
	split[batch+1] /= n
	var perm []int // puts the new axis before the channels
	for a := range dims {
		if a == channels {
			perm = append(perm, batch)
		}
		if a >= batch {
			perm = append(perm, a+1)
		} else {
			perm = append(perm, a)
		}
	}
	merged := slices.Clone(dims)
	merged[batch], merged[channels] = dims[batch]/n, dims[channels]*n
	v, err := f.Reshape(x, split...)
	if err == nil {
		v, err = f.Transpose(v, perm...)
	}
	if err == nil {
		v, err = f.Reshape(v, merged...)
	}
	if err != nil {
		return nil, err
	}
	return f.ConvGeneral(v, kernel, c.axes, c.stride, c.pad, c.inDil, c.dil, n, 1)
}

// conv3D sums two-dimensional convolutions, one for each plane of the kernel. The batch of each holds all output depths.
func (f *Function) conv3D(x, kernel *node, s shapes.Shape, c conv) (compute.Value, error) {
	deep, flat := c.axes.InputSpatial[0], withoutDepth(c.axes)
	depth := s.Dimensions[c.axes.OutputSpatial[0]]
	zero, err := f.Constant(dtypes.MakeAnySlice(s.DType, 1))
	if err != nil {
		return nil, err
	}
	pads := make([]compute.PadAxis, x.shape.Rank())
	pads[deep] = compute.PadAxis{Start: c.pad[0][0], End: c.pad[0][1], Interior: c.inDil[0] - 1}
	padded, err := f.Pad(x, zero, pads...)
	if err != nil {
		return nil, err
	}
	var sum compute.Value
	for k := range kernel.shape.Dimensions[c.axes.KernelSpatial[0]] {
		part, err := f.sliceAxis(padded, deep, k*c.dil[0], depth, c.stride[0])
		if err == nil {
			part, err = f.mergeAfter(part, c.axes.InputBatch, deep)
		}
		if err != nil {
			return nil, err
		}
		axis := c.axes.KernelSpatial[0]
		layer, err := f.sliceAxis(kernel, axis, k, 1, 1)
		if err == nil {
			layer, err = f.Reshape(layer, slices.Delete(slices.Clone(kernel.shape.Dimensions), axis, axis+1)...)
		}
		if err != nil {
			return nil, err
		}
		y, err := f.ConvGeneral(part, layer, flat, c.stride[1:], c.pad[1:], c.inDil[1:], c.dil[1:], c.groups, 1)
		if err == nil && sum != nil {
			y, err = f.Add(sum, y)
		}
		if err != nil {
			return nil, err
		}
		sum = y
	}
	return f.splitAfter(sum, s, c.axes.OutputBatch, c.axes.OutputSpatial[0])
}

// withoutDepth returns the axes of a convolution without the first spatial axis.
func withoutDepth(c compute.ConvolveAxesConfig) compute.ConvolveAxesConfig {
	less := func(removed int, axes ...int) []int {
		for i, a := range axes {
			if a > removed {
				axes[i]--
			}
		}
		return axes
	}
	c = c.Clone()
	in := less(c.InputSpatial[0], append(c.InputSpatial[1:], c.InputBatch, c.InputChannels)...)
	ker := less(c.KernelSpatial[0], append(c.KernelSpatial[1:], c.KernelInputChannels, c.KernelOutputChannels)...)
	out := less(c.OutputSpatial[0], append(c.OutputSpatial[1:], c.OutputBatch, c.OutputChannels)...)
	n := len(c.InputSpatial) - 1
	c.InputSpatial, c.InputBatch, c.InputChannels = in[:n], in[n], in[n+1]
	c.KernelSpatial, c.KernelInputChannels, c.KernelOutputChannels = ker[:n], ker[n], ker[n+1]
	c.OutputSpatial, c.OutputBatch, c.OutputChannels = out[:n], out[n], out[n+1]
	return c
}

// sliceAxis returns n elements along an axis.
func (f *Function) sliceAxis(x compute.Value, axis, from, n, step int) (compute.Value, error) {
	s, err := f.Shape(x)
	if err != nil {
		return nil, err
	}
	lo, hi, steps := make([]int, s.Rank()), slices.Clone(s.Dimensions), slices.Repeat([]int{1}, s.Rank())
	lo[axis], hi[axis], steps[axis] = from, from+(n-1)*step+1, step
	return f.Slice(x, lo, hi, steps)
}

// moveAfter returns the order of axes with one of them moved to directly after another.
func moveAfter(rank, axis, moved int) []int {
	order := others(rank, []int{moved})
	return slices.Insert(order, slices.Index(order, axis)+1, moved)
}

// mergeAfter merges two axes into one in the place of the first. The second runs faster.
func (f *Function) mergeAfter(x compute.Value, first, second int) (compute.Value, error) {
	s, err := f.Shape(x)
	if err != nil {
		return nil, err
	}
	v, err := f.Transpose(x, moveAfter(s.Rank(), first, second)...)
	if err != nil {
		return nil, err
	}
	dims := slices.Clone(s.Dimensions)
	dims[first] *= dims[second]
	return f.Reshape(v, slices.Delete(dims, second, second+1)...)
}

// splitAfter undoes mergeAfter. The result has shape s.
func (f *Function) splitAfter(x compute.Value, s shapes.Shape, first, second int) (compute.Value, error) {
	order := moveAfter(s.Rank(), first, second)
	v, err := f.Reshape(x, pick(s.Dimensions, order...)...)
	if err != nil {
		return nil, err
	}
	back := make([]int, len(order))
	for i, a := range order {
		back[a] = i
	}
	return f.Transpose(v, back...)
}
