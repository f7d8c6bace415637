package torch_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/internal/torch"
)

// The files of testdata are made by testdata/make.py.
func file(tb testing.TB, name string) []byte {
	tb.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func TestEveryFormOfTorchSaveAndTorchScriptIsRead(t *testing.T) {
	var expected map[string]map[string][2]any
	if err := json.Unmarshal(file(t, "expected.json"), &expected); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ of, prefix string }{
		"state.pth": {"state", ""}, "state-4.pth": {"state", ""}, "state-old.pth": {"state", ""},
		"checkpoint.pth": {"state", "model.state."}, "scripted.pt": {"scripted", ""},
	} {
		tensors, err := torch.Read(file(t, name))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if len(tensors) != len(expected[c.of]) {
			t.Errorf("%s: got %d tensors, want %d", name, len(tensors), len(expected[c.of]))
		}
		for _, x := range tensors {
			want, ok := expected[c.of][strings.TrimPrefix(x.Name, c.prefix)]
			if !ok || !strings.HasPrefix(x.Name, c.prefix) {
				t.Errorf("%s: got a tensor %q", name, x.Name)
				continue
			}
			shape, values := []any{}, []any{}
			for _, n := range x.Shape {
				shape = append(shape, float64(n))
			}
			for i, v := range x.Values {
				exact := want[1].([]any)[i].(float64)
				values = append(values, exact)
				if v != float32(exact) || math.IsNaN(exact) {
					t.Errorf("%s: %s: got %g, want %g", name, x.Name, v, exact)
				}
			}
			if !reflect.DeepEqual([2]any{shape, values}, want) {
				t.Errorf("%s: %s: got %v %v, want %v", name, x.Name, x.Shape, x.Values, want)
			}
		}
	}
}

// pickled is a zip file of a pickle and storages, as torch.save writes it.
func pickled(t *testing.T, method uint16, pickle string, storages ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i, content := range append([]string{pickle}, storages...) {
		name := "archive/data.pkl"
		if i > 0 {
			name = "archive/data/" + string(rune('0'+i-1))
		}
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: method})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// tensor is the pickle of a tensor of storage 0, with a size and a stride of one axis.
func tensor(size, stride uint32) string {
	number := func(n uint32) string { return "J" + string(binary.LittleEndian.AppendUint32(nil, n)) }
	text := func(s string) string { return "X" + string(binary.LittleEndian.AppendUint32(nil, uint32(len(s)))) + s }
	return "ctorch._utils\n_rebuild_tensor_v2\n((" + text("storage") + "ctorch\nFloatStorage\n" + text("0") + text("cpu") + "K\x01tQK\x00" +
		number(size) + "\x85" + number(stride) + "\x85" + "\x89}tR"
}

func TestHostileFilesAreErrorsAndTakeNoMoreThanTheirSize(t *testing.T) {
	key := "X\x01\x00\x00\x00a"
	doubled := "}q\x00" // a dictionary that holds another twice, which holds another twice ...
	for range 60 {
		doubled += "}(" + key + "h\x00" + "X\x01\x00\x00\x00b" + "h\x00uq\x00"
	}
	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"zeros that unpack": {pickled(t, zip.Deflate, "\x80\x02}.", strings.Repeat("\x00", 8<<20)),
			"it is compressed, which torch.save does not do"},
		"a number many times": {pickled(t, zip.Store, "\x80\x02}"+key+tensor(1<<30, 0)+"s.", "abcd"),
			"more elements than the file has bytes"},
		"beyond its storage": {pickled(t, zip.Store, "\x80\x02}"+key+tensor(2, 1)+"s.", "abcd"), "got an element at 1 of 1 numbers"},
		"before its storage": {pickled(t, zip.Store, "\x80\x02}"+key+tensor(2, math.MaxUint32)+"s.", "abcd"),
			"got an element at -1 of 1 numbers"},
		"a dictionary in itself":  {pickled(t, zip.Store, "\x80\x02}q\x00"+key+"h\x00s."), "nested too deeply or too often"},
		"a dictionary doubled":    {pickled(t, zip.Store, "\x80\x02"+doubled+"."), "nested too deeply or too often"},
		"a call of the system":    {pickled(t, zip.Store, "\x80\x02cos\nsystem\n(X\x02\x00\x00\x00idtR."), ""},
		"an unknown instruction":  {pickled(t, zip.Store, "\x80\x02i."), "got instruction 0x69"},
		"a text without its end":  {pickled(t, zip.Store, "\x80\x02X\xff\xff\xff\x7fab."), "unexpected EOF"},
		"an empty stack":          {pickled(t, zip.Store, "\x80\x02R."), "the stack is empty"},
		"no storage":              {pickled(t, zip.Store, "\x80\x02}"+key+tensor(1, 1)+"s."), `storage "0" is missing`},
		"no pickle":               {pickled(t, zip.Store, "")[:30], "not a valid zip file"},
		"old, without its number": {[]byte("\x80\x02N.\x80\x02N.\x80\x02N.\x80\x02N.\x80\x02N."), "the magic number is missing"},
	} {
		tensors, took, err := measured(c.file)
		if c.want == "" && (err != nil || len(tensors) > 0) {
			t.Errorf("%s: got %d tensors, %v", name, len(tensors), err)
		}
		if c.want != "" && (!errors.Is(err, torch.ErrFormat) || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: got error %v, want %q in it", name, err, c.want)
		}
		if took > 64<<20 {
			t.Errorf("%s: took %d MB", name, took>>20)
		}
	}
}

// measured reads a file, and says how many bytes that took in all.
func measured(b []byte) (tensors []torch.Tensor, took uint64, err error) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	tensors, err = torch.Read(b)
	runtime.ReadMemStats(&after)
	return tensors, after.TotalAlloc - before.TotalAlloc, err
}

func FuzzRead(f *testing.F) {
	for _, name := range []string{"state.pth", "state-4.pth", "state-old.pth", "checkpoint.pth", "scripted.pt"} {
		f.Add(file(f, name))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, took, err := measured(b); took > 64<<20+200*uint64(len(b)) {
			t.Errorf("%d bytes took %d MB: %v", len(b), took>>20, err)
		}
	})
}
