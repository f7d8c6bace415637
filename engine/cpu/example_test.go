package cpu_test

import (
	"fmt"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"

	_ "github.com/starsweep/starsweep/engine/cpu"
)

// A GoMLX program runs on this backend when it asks for it by name.
func Example() {
	backend, err := compute.NewWithConfig("cpu") // or "cpu:threads=2,kernels=avx2"
	if err != nil {
		fmt.Println(err)
		return
	}
	// One step of least squares for y = w·x.
	step := MustNewExec(backend, func(w, x, y *Node) (*Node, *Node) {
		loss := ReduceAllMean(Square(Sub(Dot(x, w).Product(), y)))
		return Sub(w, MulScalar(Gradient(loss, w)[0], 0.1)), loss
	})
	x, y := [][]float32{{1, 0}, {0, 1}, {1, 1}}, []float32{2, -1, 1}
	var w any = []float32{0, 0}
	for range 200 {
		out, err := step.Exec(w, x, y)
		if err != nil {
			fmt.Println(err)
			return
		}
		w = out[0].Value()
	}
	fmt.Printf("%.3f\n", w)
	// Output: [2.000 -1.000]
}
