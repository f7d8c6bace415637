//go:build !amd64

package linalg

func tile(t *[height * width]float64, a, b []float64, k, size int) { plainTile(t, a, b, k, size) }
