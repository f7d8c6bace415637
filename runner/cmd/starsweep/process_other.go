//go:build !unix

package main

import (
	"io"
	"os"

	"github.com/starsweep/starsweep/runner/supervise"
)

var asking = []os.Signal{os.Interrupt}

func worker() *supervise.Worker { return nil }

type spoken struct{ *os.File }

func stderr(*supervise.Worker) *os.File { return os.Stderr }

// start is nil: commands run without worker processes.
var start func(processes int, variable string, stdout, stderr io.Writer) (*supervise.Process, error)
