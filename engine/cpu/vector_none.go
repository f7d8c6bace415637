//go:build !(goexperiment.simd && amd64)

package cpu

// simdBuilt says whether vector block functions are compiled in.
const simdBuilt = false

func addVectors(table) {}

func vectorSumRun(d, x ptr, n int) { sumRun[float32](d, x, n) }
