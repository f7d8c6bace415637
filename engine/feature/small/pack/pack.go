package main

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/starsweep/starsweep/engine/feature/small"
	"github.com/starsweep/starsweep/internal/safetensors"
	"github.com/starsweep/starsweep/results"
)

const (
	player   = "classifier"    // whose network is packed
	accuracy = "test_accuracy" // the column of its accuracy on the test set, and its key in the metadata
)

// packed is the file of a network, and its trial.
type packed struct {
	file     []byte
	trial    string
	accuracy float64
}

// pack makes the file of a study's single trial.
func pack(study string, declaration []byte) (p packed, err error) {
	n, err := small.ParseNetwork(declaration)
	if err != nil {
		return p, err
	}
	v, err := results.Open(study)
	if err != nil {
		return p, err
	}
	defer func() { err = errors.Join(err, v.Close()) }()
	row, err := only(v)
	if err != nil {
		return p, fmt.Errorf("%s: %w", study, err)
	}
	var ok bool
	p.trial = row["trial"].(string)
	if p.accuracy, ok = row[accuracy].(float64); !ok {
		return p, fmt.Errorf("trial %s: it has no %s", p.trial, accuracy)
	}
	trained, err := checkpoint(v, p.trial)
	if err != nil {
		return p, err
	}
	n, w, err := fold(n, trained)
	if err != nil {
		return p, fmt.Errorf("trial %s: %w", p.trial, err)
	}
	// The trial's ID is left out, since later versions of starsweep may compute it differently.
	metadata := map[string]string{"seed": fmt.Sprint(row["seed"]), accuracy: strconv.FormatFloat(p.accuracy, 'f', 4, 64)}
	p.file, err = small.Marshal(n, w, metadata)
	return p, err
}

// only returns the row of a study's single trial.
func only(v *results.View) (trial results.Row, err error) {
	n := 0
	for row, err := range v.Rows(results.Trials) {
		if err != nil {
			return nil, err
		}
		trial, n = row, n+1
	}
	if n != 1 || trial["status"] != string(results.Completed) {
		return nil, fmt.Errorf("got %d finished trials, want one, and that completed", n)
	}
	return trial, nil
}

// checkpoint is the weights and moving averages of a trial, and what its optimizer keeps.
func checkpoint(v *results.View, trial string) (small.Weights, error) {
	c, err := v.LoadCheckpoint(trial)
	if err != nil {
		return nil, fmt.Errorf("%w: run the study with --keep all", err)
	}
	w := small.Weights{}
	for _, t := range c.Tensors {
		if t.DType != safetensors.F32 {
			continue
		}
		x, err := safetensors.Values[float32](t)
		if err != nil {
			return nil, err
		}
		w[t.Name] = small.Tensor{Shape: t.Shape, Data: x}
	}
	return w, nil
}

// fold returns the network without batch norms, and its weights: see small.Norm.
func fold(n *small.Network, trained small.Weights) (*small.Network, small.Weights, error) {
	folded, w := *n, small.Weights{}
	folded.Layers = nil
	conv := "" // the last one
	for name, l := range n.Named() {
		own := func(what string) small.Tensor { return trained[player+"/"+name+"/"+what] }
		switch l.Kind {
		case "conv", "dense":
			w[name+"/kernel"], w[name+"/bias"] = own("kernel"), own("bias")
			if own("bias").Data == nil {
				units := max(l.Filters, l.Units)
				w[name+"/bias"] = small.Tensor{Shape: []int{units}, Data: make([]float32, units)}
			}
			conv = name
		case "batch_norm":
			kernel, bias := w[conv+"/kernel"], w[conv+"/bias"]
			norm := small.Norm{Mean: own("mean").Data, Variance: own("variance").Data, Gamma: own("gamma").Data, Beta: own("beta").Data, Eps: l.Eps}
			for _, x := range [][]float32{norm.Mean, norm.Variance, norm.Gamma, norm.Beta} {
				if len(x) != len(bias.Data) {
					return nil, nil, fmt.Errorf("%s: got %d numbers for %d channels", name, len(x), len(bias.Data))
				}
			}
			k, b := norm.Fold(kernel.Data, bias.Data)
			w[conv+"/kernel"], w[conv+"/bias"] = small.Tensor{Shape: kernel.Shape, Data: k}, small.Tensor{Shape: bias.Shape, Data: b}
			continue
		}
		folded.Layers = append(folded.Layers, l)
	}
	return &folded, w, nil
}
