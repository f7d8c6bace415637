package small

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/internal/safetensors"
)

const tiny = `{"name": "tiny", "size": 4, "channels": 1, "feature": "global_avg_pool1", "layers": [
	{"kind": "conv", "filters": 2, "kernel": 3, "stride": 2}, {"kind": "relu"}, {"kind": "max_pool", "window": 2},
	{"kind": "global_avg_pool"}, {"kind": "dense", "units": 3}]}`

func parse(t *testing.T, text string) *Network {
	t.Helper()
	n, err := ParseNetwork([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// weights are numbers that a float16 holds.
func weights() Weights {
	w := Weights{}
	for name, s := range map[string][]int{"conv1/kernel": {3, 3, 1, 2}, "conv1/bias": {2}, "dense1/kernel": {2, 3}, "dense1/bias": {3}} {
		n := 1
		for _, d := range s {
			n *= d
		}
		t := Tensor{Shape: s}
		for i := range n {
			t.Data = append(t.Data, float32(i*len(name))/16-1)
		}
		w[name] = t
	}
	return w
}

func TestFilesAreReadBack(t *testing.T) {
	n, w := parse(t, tiny), weights()
	file, err := Marshal(n, w, map[string]string{"seed": "3"})
	if err != nil {
		t.Fatal(err)
	}
	again, err := Marshal(n, w, map[string]string{"seed": "3"})
	if err != nil || !bytes.Equal(file, again) {
		t.Errorf("got other bytes the second time, %v", err)
	}
	gotN, gotW, metadata, err := Unmarshal(file)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(gotN, n) || !reflect.DeepEqual(gotW, w) || !reflect.DeepEqual(metadata, map[string]string{"seed": "3"}) {
		t.Errorf("got %v, %v, %v", gotN, gotW, metadata)
	}
}

func TestErrorsOfDeclarationsSayWhatIsWrong(t *testing.T) {
	for _, c := range []struct{ old, new, want string }{
		{`"name": "tiny", `, ``, `got no name, want one`},
		{`"size": 4`, `"size": 0`, `size: got 0, want at least 1`},
		{`"channels": 1`, `"channels": 2`, `channels: got 2, want 1 or 3`},
		{`"channels": 1`, `"channel": 1`, `unknown field "channel"`},
		{`"size": 4`, `"size": "4"`, `cannot unmarshal string`},
		{`"feature": "global_avg_pool1"`, `"feature": "relu1"`, `feature: got "relu1", want a layer whose output is [b c]`},
		{`"feature": "global_avg_pool1"`, `"feature": "conv7"`, `feature: got "conv7", want a layer whose output is [b c]`},
		{`, {"kind": "dense", "units": 3}`, ``, `layers: want a dense layer at the end, for the logits`},
		{`"relu"`, `"gelu"`, `gelu1: want one of the kinds batch_norm, conv, dense, global_avg_pool, max_pool, relu`},
		{`"filters": 2`, `"filters": -2`, `conv1: filters: got -2, want a positive number`},
		{`, "stride": 2`, ``, `conv1: stride: got 0, want a positive number`},
		{`"window": 2`, `"window": 2, "units": 3`, `max_pool1: units: got 3, want none: the numbers of this kind are ["window"]`},
		{`"window": 2`, `"window": 3`, `max_pool1: got [b h2 w2 c2], want a multiple of 3 pixels`},
		{`{"kind": "global_avg_pool"}, `, ``, `dense1: got [b h1 w1 c2], want [b c]`},
		{`{"kind": "relu"}`, `{"kind": "global_avg_pool"}`, `max_pool1: got [b c2], want images`},
		{`{"kind": "max_pool", "window": 2}`, `{"kind": "batch_norm", "eps": 1e-3}`, `batch_norm1: want it directly after a conv`},
	} {
		text := strings.Replace(tiny, c.old, c.new, 1)
		if text == tiny {
			t.Fatalf("%s is not there", c.old)
		}
		if _, err := ParseNetwork([]byte(text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s instead of %s: got %v, want %s", c.new, c.old, err, c.want)
		}
	}
}

func TestErrorsOfFilesSayWhatIsWrong(t *testing.T) {
	type list = []safetensors.Tensor
	for _, c := range []struct {
		want   string
		change func(ts list, metadata map[string]string) list
	}{
		{`the metadata lack "network"`, func(ts list, m map[string]string) list { delete(m, networkKey); return ts }},
		{`declaration of a network: invalid character`, func(ts list, m map[string]string) list { m[networkKey] = "x"; return ts }},
		{`tensor conv1/bias is missing, want [2]`, func(ts list, _ map[string]string) list { return ts[1:] }},
		{`tensor conv2/bias belongs to no layer`, func(ts list, _ map[string]string) list {
			more := ts[0]
			more.Name = "conv2/bias"
			return append(ts, more)
		}},
		{`tensor conv1/bias: got [2 1], want [2]`, func(ts list, _ map[string]string) list { ts[0].Shape = []int{2, 1}; return ts }},
		{`tensor conv1/bias: got F32, want F16`, func(ts list, _ map[string]string) list {
			ts[0] = safetensors.New("conv1/bias", []int{2}, []float32{0, 1})
			return ts
		}},
		{`got a batch_norm, want it folded`, func(ts list, m map[string]string) list {
			m[networkKey] = strings.Replace(m[networkKey], `{"kind":"relu"}`, `{"kind":"batch_norm","eps":1}`, 1)
			return ts
		}},
	} {
		file, err := Marshal(parse(t, tiny), weights(), nil)
		if err != nil {
			t.Fatal(err)
		}
		tensors, metadata, err := safetensors.Read(file)
		if err != nil {
			t.Fatal(err)
		}
		tensors = c.change(tensors, metadata)
		var b bytes.Buffer
		if err := safetensors.Write(&b, tensors, metadata); err != nil {
			t.Fatal(err)
		}
		if _, _, _, err := Unmarshal(b.Bytes()); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
	if _, _, _, err := Unmarshal([]byte("no file")); err == nil {
		t.Error("got no error, want one")
	}
}
