package kern

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
)

// forward returns a convolution of size x size pixels with a 5 x 5 kernel and stride 2, NHWC by HWIO.
func forward(s *Set, batch, size, ci, co, groups int) *Conv {
	out := size / 2
	return &Conv{
		Set: s, M: batch, K: ci, N: co, Groups: groups,
		In: [2]int{size, size}, Ker: [2]int{5, 5}, Out: [2]int{out, out},
		InS: [4]int{size * ci * groups, ci * groups, size * size * ci * groups, 1}, InG: ci,
		KerS: [4]int{5 * ci * co * groups, ci * co * groups, co * groups, 1}, KerG: co,
		OutS: [4]int{out * co * groups, co * groups, out * out * co * groups, 1}, OutG: co,
		Stride: [2]int{2, 2}, Pad: [2]int{1, 1}, InDil: [2]int{1, 1}, KerDil: [2]int{1, 1},
	}
}

// inputGradient returns the gradient of forward with respect to its input: the output gradient, dilated, with the reversed kernel.
func inputGradient(s *Set, batch, size, ci, co, groups int) *Conv {
	f := forward(s, batch, size, ci, co, groups)
	f.K, f.N, f.In, f.Out = co, ci, f.Out, f.In
	f.InS, f.OutS, f.InG, f.OutG = f.OutS, f.InS, f.OutG, f.InG
	f.KerS[2], f.KerS[3] = f.KerS[3], f.KerS[2]
	f.InDil, f.Stride, f.Pad, f.Reverse = [2]int{2, 2}, [2]int{1, 1}, [2]int{3, 3}, true
	return f
}

// kernelGradient returns the gradient with respect to its kernel: batch and channels are exchanged, and the output gradient is the kernel.
func kernelGradient(s *Set, batch, size, ci, co, groups int) *Conv {
	f := forward(s, batch, size, ci, co, groups)
	in, ker, out := f.InS, f.KerS, f.OutS
	f.M, f.K, f.N = ci, batch, co
	f.Ker, f.Out = f.Out, f.Ker
	f.InS = [4]int{in[0], in[1], in[3], in[2]}
	f.KerS, f.OutS = [4]int{out[0], out[1], out[2], out[3]}, [4]int{ker[0], ker[1], ker[2], ker[3]}
	f.KerG, f.OutG = f.OutG, f.KerG
	f.Stride, f.KerDil = f.KerDil, f.Stride
	return f
}

// benchmarkLayers are layers of the networks that starsweep trains, thin and wide.
var benchmarkLayers = []struct{ batch, size, ci, co, groups int }{
	{64, 32, 1, 64, 1},
	{64, 16, 64, 128, 1},
	{64, 8, 128, 256, 1},
	{64, 32, 3, 16, 1},
	{64, 32, 1, 8, 1},
	{64, 16, 8, 16, 1},
	{64, 16, 16, 32, 1},
	{64, 16, 24, 48, 1},
	{16, 16, 16, 32, 1},
	{16, 16, 8, 16, 4},
}

func BenchmarkConv(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	team := NewTeam(runtime.GOMAXPROCS(0))
	directions := map[string]func(s *Set, batch, size, ci, co, groups int) *Conv{
		"forward": forward, "input": inputGradient, "kernel": kernelGradient,
	}
	for _, l := range benchmarkLayers {
		for direction, conv := range directions {
			for _, s := range Sets() {
				c := conv(s, l.batch, l.size, l.ci, l.co, l.groups)
				c.Team = team
				c.Plan()
				x, k, y := random(r, 1<<22), random(r, 1<<22), aligned(1<<22)
				work := memory(c)
				flop := 2 * float64(c.Groups*c.M*c.K*c.N*c.CountTaps())
				name := fmt.Sprintf("%s/%dx%dx%d-%dx%d/%s/%s", direction, l.batch, l.size, l.ci, l.co, l.groups, s.Name, c.name())
				b.Run(name, func(b *testing.B) {
					for b.Loop() {
						c.Run(y, x, k, work)
					}
					b.ReportMetric(flop*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
				})
			}
		}
	}
}
