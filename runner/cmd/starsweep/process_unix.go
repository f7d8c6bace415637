//go:build unix

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"github.com/starsweep/starsweep/runner/supervise"
	"golang.org/x/sys/unix"
)

// asking are the signals that ask a command to leave. Slurm sends SIGUSR2 before the end of a job's time if sbatch --signal says so.
var asking = []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGUSR2}

// Numbers of files of a worker: of its reports, the first after standard error, and of the standard error of the command. What its runtime
// and libraries write to its own standard error passes through the supervisor, which so learns why it ended.
const (
	reports = 3
	says    = 4
)

// worker returns this process's side of the pipes to its supervisor, or nil if it has none.
func worker() *supervise.Worker {
	if os.Getenv("STARSWEEP_WORKER") == "" {
		return nil
	}
	syscall.CloseOnExec(reports)
	syscall.CloseOnExec(says)
	return &supervise.Worker{Requests: os.Stdin, Reports: os.NewFile(reports, "reports")}
}

// stderr returns where this process says what it has to say.
func stderr(w *supervise.Worker) *os.File {
	if w == nil {
		return os.Stderr
	}
	if _, err := syscall.Write(says, nil); err != nil { // somebody else has set the variable that says that this is a worker
		return os.Stderr
	}
	return os.NewFile(says, "stderr")
}

// spoken is a file that stands for the standard error of this process: without a reader, the process ends by a signal, as it would if it
// wrote to its own.
type spoken struct{ *os.File }

// Write implements io.Writer.
func (s spoken) Write(p []byte) (int, error) {
	n, err := s.File.Write(p)
	if errors.Is(err, syscall.EPIPE) && unix.Dup2(int(s.Fd()), 2) == nil {
		return os.Stderr.Write(p)
	}
	return n, err
}

// start starts this program again as one of several worker processes, with the same arguments and one more variable.
// Its output goes to the writers, or to the files of this process if they are nil.
func start(processes int, variable string, stdout, stderr io.Writer) (*supervise.Process, error) {
	path, err := program()
	if err != nil {
		return nil, err
	}
	c := &exec.Cmd{Path: path, Args: os.Args, Stdout: os.Stdout, Env: append(os.Environ(), variable)}
	if stdout != nil {
		c.Stdout = stdout
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
	text, own, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	last, says := &fatal{to: os.Stderr}, os.Stderr
	if stderr != nil {
		last.to, says = stderr, own
	}
	c.Stderr, c.ExtraFiles = own, []*os.File{to, says}
	err = c.Start()
	_, _ = to.Close(), own.Close()
	if err != nil {
		_, _ = from.Close(), text.Close()
		return nil, err
	}
	copied := make(chan struct{})
	go func() {
		defer close(copied)
		_, _ = io.Copy(last, text) // a terminal that is gone ends the process
		_ = text.Close()
	}()
	return &supervise.Process{
		PID:  c.Process.Pid,
		Pipe: supervise.Pipe{Requests: requests, Reports: from},
		Kill: func() { _ = c.Process.Kill() },
		Wait: func() supervise.End {
			_ = c.Wait() // its error repeats the state
			<-copied
			if s, ok := c.ProcessState.Sys().(syscall.WaitStatus); ok && s.Signaled() {
				return supervise.End{Signal: s.Signal()}
			}
			return supervise.End{Code: c.ProcessState.ExitCode(), Starved: last.starved}
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
