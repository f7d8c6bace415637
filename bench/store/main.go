// Command store measures the study directory with made-up trials: what a trial costs with its durable record, and what many writers of
// one directory do to each other. peers.py runs it beside Optuna. Nothing imports it.
//
//	store overhead -dir DIR [-trials 10000] [-rows 10]
//	store writers  -dir DIR [-trials 10000] [-writers 200] [-processes 1] [-kills 0]
//
// Each prints a line of JSON. The directory must not hold a study yet.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "store:", err)
		os.Exit(1)
	}
}

// task is what the arguments ask for.
type task struct {
	dir                                     string
	trials, rows, writers, processes, kills int
}

func run(args []string) error {
	if len(args) == 0 {
		return errors.New("want overhead, writers or process: see the package comment")
	}
	var t task
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	flags.StringVar(&t.dir, "dir", "", "directory of the study")
	flags.IntVar(&t.trials, "trials", 10_000, "number of trials")
	flags.IntVar(&t.rows, "rows", 10, "epochs of a trial")
	flags.IntVar(&t.writers, "writers", 200, "writers in all")
	flags.IntVar(&t.processes, "processes", 1, "processes that share the writers among them")
	flags.IntVar(&t.kills, "kills", 0, "processes that are killed, and replaced")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	if t.dir == "" {
		return errors.New("-dir is missing")
	}
	var result any
	var err error
	switch args[0] {
	case "overhead":
		result, err = t.overhead()
	case "writers":
		result, err = t.many()
	case "process": // one of those of writers
		result, err = t.process()
	default:
		return fmt.Errorf("got %q, want overhead or writers", args[0])
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(result)
}
