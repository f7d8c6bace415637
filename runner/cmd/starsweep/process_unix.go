//go:build unix

package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"github.com/starsweep/starsweep/runner/supervise"
)

// asking are the signals that ask a command to leave. Slurm sends SIGUSR2 before the end of a job's time if sbatch --signal says so.
var asking = []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGUSR2}

// reports is the number of the file of a worker's reports, the first after standard error.
const reports = 3

// worker returns this process's side of the pipes to its supervisor, or nil if it has none.
func worker() *supervise.Worker {
	if os.Getenv("STARSWEEP_WORKER") == "" {
		return nil
	}
	syscall.CloseOnExec(reports)
	return &supervise.Worker{Requests: os.Stdin, Reports: os.NewFile(reports, "reports")}
}

// start starts this program again as one of several worker processes, with the same arguments and one more variable.
// Its output goes to the writers, or to the files of this process if they are nil.
func start(processes int, variable string, stdout, stderr io.Writer) (*supervise.Process, error) {
	path, err := program()
	if err != nil {
		return nil, err
	}
	c := &exec.Cmd{Path: path, Args: os.Args, Stdout: os.Stdout, Stderr: os.Stderr, Env: append(os.Environ(), variable)}
	if stdout != nil {
		c.Stdout = stdout
	}
	if stderr != nil {
		c.Stderr = stderr
	}
	if processes > 1 {
		c.Env = append(c.Env, fmt.Sprintf("GOMAXPROCS=%d", max(1, runtime.GOMAXPROCS(0)/processes)))
	}
	requests, err := c.StdinPipe()
	if err != nil {
		return nil, err
	}
	from, to, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	c.ExtraFiles = []*os.File{to}
	err = c.Start()
	_ = to.Close()
	if err != nil {
		_ = from.Close()
		return nil, err
	}
	return &supervise.Process{
		PID:  c.Process.Pid,
		Pipe: supervise.Pipe{Requests: requests, Reports: from},
		Kill: func() { _ = c.Process.Kill() },
		Wait: func() supervise.End {
			_ = c.Wait() // its error repeats the state
			if s, ok := c.ProcessState.Sys().(syscall.WaitStatus); ok && s.Signaled() {
				return supervise.End{Signal: s.Signal()}
			}
			return supervise.End{Code: c.ProcessState.ExitCode()}
		},
	}, nil
}

// program returns the path of this program. If its file was replaced since it started, by a newer version perhaps, the path is that
// of the old file in /proc: all workers are of one version.
func program() (string, error) {
	const self = "/proc/self/exe"
	path, err := os.Executable()
	if err != nil {
		return "", err
	}
	own, err := os.Stat(self)
	if err != nil {
		return path, nil // no Linux
	}
	if now, err := os.Stat(path); err == nil && os.SameFile(now, own) {
		return path, nil
	}
	return self, nil
}
