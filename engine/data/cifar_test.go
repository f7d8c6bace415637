package data

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/internal/require"
)

// cifarBin is records of the binary layout with the pixels and labels of s.
func cifarBin(s *Set) []byte {
	var text []byte
	for i := range s.N {
		text = append(text, byte(s.Labels[i]))
		for c := range 3 {
			for k := range cifarPlane {
				text = append(text, s.U8[(i*cifarPlane+k)*3+c])
			}
		}
	}
	return text
}

func TestCIFAR10IsTheSameInBothLayouts(t *testing.T) {
	st := store(t)
	path := filepath.Join(require.Shared(t), "data", "cifar10")
	for split, files := range cifarFiles {
		real := open(t, st, spec.Data{Name: "cifar10", Path: path, Split: split, Limit: 300})
		if real.C != 3 || real.U8 == nil || !reflect.DeepEqual(real.ClassNames, cifarNames) {
			t.Fatalf("got %v, classes %v", real.Shape(), real.ClassNames)
		}
		dir := t.TempDir()
		text := cifarBin(real)
		for i, name := range files {
			write(t, dir, name, text[i*len(text)/len(files):(i+1)*len(text)/len(files)])
		}
		again := open(t, st, spec.Data{Name: "cifar10", Path: dir, Split: split})
		if again.Digest != real.Digest {
			t.Errorf("%s: the binary layout gave other images", split)
		}
	}
}

func TestGreyCIFAR10IsTheLumaOfEachPixel(t *testing.T) {
	path := filepath.Join(require.Shared(t), "data", "cifar10")
	st := store(t)
	colour := open(t, st, spec.Data{Name: "cifar10", Path: path, Split: "test", Limit: 50})
	s := open(t, st, spec.Data{Name: "cifar10", Path: path, Split: "test", Limit: 50, Channels: 1})
	if s.C != 1 || s.U8 == nil {
		t.Fatalf("got %v", s.Shape())
	}
	for i, y := range s.U8 {
		if want := grey(colour.U8[3*i], colour.U8[3*i+1], colour.U8[3*i+2]); y != want {
			t.Fatalf("pixel %d: got %d, want %d", i, y, want)
		}
	}
}

func TestWholeCIFAR10HasItsCounts(t *testing.T) {
	if testing.Short() {
		t.Skip("decodes 60,000 images")
	}
	root := filepath.Join(require.Shared(t), "data", "cifar10")
	st := store(t)
	if err := os.Symlink(root, filepath.Join(st.Dir, "cifar10")); err != nil {
		t.Fatal(err)
	}
	for _, split := range []string{"train", "test"} {
		s := open(t, st, spec.Data{Name: "cifar10", Split: split})
		if got := counts(s); !reflect.DeepEqual(got, cifar10.known.counts[split]) {
			t.Errorf("%s: got %v of each class, want %v", split, got, cifar10.known.counts[split])
		}
	}
}

func TestCorruptCIFAR10SaysHowToGetItAgain(t *testing.T) {
	dir := t.TempDir()
	record := make([]byte, cifarRecord)
	for i := range 4 {
		write(t, dir, fmt.Sprintf("data_batch_%d.bin", i+1), record)
	}
	_, err := store(t).Open(context.Background(), spec.Data{Name: "cifar10", Path: dir})
	wantError(t, err, "data_batch_5.bin: no such file", "starsweep data get cifar10")
	write(t, dir, "data_batch_5.bin", record[:3000])
	_, err = store(t).Open(context.Background(), spec.Data{Name: "cifar10", Path: dir})
	wantError(t, err, "data_batch_5.bin is corrupt: got 3000 bytes, want a multiple of 3073", "starsweep data get cifar10")
	record[0] = 10
	write(t, dir, "data_batch_5.bin", record)
	_, err = store(t).Open(context.Background(), spec.Data{Name: "cifar10", Path: dir})
	wantError(t, err, "image 0: got label 10, want 0 to 9")
	st := store(t)
	record[0] = 9
	for _, name := range cifarFiles["train"] {
		write(t, filepath.Join(st.Dir, "cifar10", cifarFolder), name, record)
	}
	_, err = st.Open(context.Background(), spec.Data{Name: "cifar10"})
	wantError(t, err, `got 5 images of the split "train", want 50000`)
}
