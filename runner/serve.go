package runner

import (
	"context"
	"fmt"
	"sync"

	"github.com/spf13/cobra"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/live"
)

// defaultAddress is where pages are served unless a command says otherwise.
const defaultAddress = ":8080"

func serveCommand(env *Env) *cobra.Command {
	var address, token string
	c := &cobra.Command{
		Use:   "serve DIR",
		Short: "Show a study in a browser, while it runs or later",
		Long: `Serve shows a study at http://127.0.0.1:8080: its report, who trains what, what
waits, and a page for each trial. The pages change as processes write the study,
on this machine or others. It ends after an interrupt, with exit code 0. Run
serves the same pages with --serve.

The address that it prints has a token, with which the buttons work that prune a
trial or stop the run. Other machines can reach the pages if --address names a
host, such as 0.0.0.0:8080, and only with the token: docs/live.md.`,
		Example: `  starsweep serve runs/quickstart
  starsweep serve runs/quickstart --address 0.0.0.0:8080`,
		Args: oneStudy,
		RunE: func(c *cobra.Command, args []string) error {
			v, err := env.openView(args[0])
			if err != nil {
				return err
			}
			if err := v.Close(); err != nil { // the server opens it again
				return err
			}
			if err := checkToken(c, token); err != nil {
				return err
			}
			serve, err := env.server(args[0], address, token)
			if err != nil {
				return err
			}
			return serve(c.Context())
		},
	}
	addressFlag(c, &address, "address", defaultAddress)
	c.Flags().StringVar(&token, "token", "", "`text` that the buttons, and other machines, need (default: a new one, which nobody can guess)")
	return exits(c, exitStorage)
}

func addressFlag(c *cobra.Command, to *string, name, value string) {
	c.Flags().StringVar(to, name, value, "`address` of the pages: HOST:PORT, or :PORT for this machine alone; port 0 is any that is free")
}

// shortestToken is the length of tokens below which others could try them all.
const shortestToken = 16

func checkToken(c *cobra.Command, token string) error {
	if !c.Flags().Changed("token") {
		return nil
	}
	for _, r := range token {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_') {
			return usageErrorf("--token: got %q, want letters, digits, - and _", r)
		}
	}
	if len(token) < shortestToken {
		return usageErrorf("--token: got %d characters, want at least %d", len(token), shortestToken)
	}
	return nil
}

// server opens an address, prints what a browser finds there, and returns the function that serves it until its context is done.
func (e *Env) server(dir, address, token string) (serve func(context.Context) error, err error) {
	if token == "" {
		token = live.NewToken()
	}
	l, err := live.Listen(address)
	if err != nil {
		return nil, usageErrorf("%w", err)
	}
	s := live.New(live.Config{Dir: dir, Open: func(dir string) (*results.View, error) { return results.Open(dir) }, Now: e.Now,
		Token: token, Private: live.Open(l)})
	fmt.Fprintf(e.Stdout, "serving  %s\n", s.URL(l))
	return func(ctx context.Context) error { return s.Serve(ctx, l) }, nil
}

// served calls train while pages show the study that it trains, if the options ask for that.
func (e *Env) served(ctx context.Context, path string, o runOptions, train func() error) error {
	if o.serve == "" {
		return train()
	}
	dir, err := e.directoryOf(ctx, path, o)
	if err != nil {
		return err
	}
	serve, err := e.server(dir, o.serve, "")
	if err != nil {
		return err
	}
	over, end := context.WithCancel(context.WithoutCancel(ctx)) // the pages show how the run leaves
	var beside sync.WaitGroup
	beside.Go(func() {
		if err := serve(over); err != nil {
			e.warn(fmt.Errorf("the pages of the study are gone: %w", err))
		}
	})
	defer beside.Wait()
	defer end()
	return train()
}
