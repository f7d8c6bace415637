package data

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/starsweep/starsweep/engine/spec"
)

// pictures is a folder of labelled images, of which one must be resized to be as large as the others.
func pictures(t testing.TB) string {
	dir := t.TempDir()
	write(t, dir, "a/1.png", tile(t, 4, 4, 10, 20, 30))
	write(t, dir, "a/2.png", tile(t, 4, 4, 40, 50, 60))
	write(t, dir, "b/3.png", tile(t, 6, 6, 70, 80, 90))
	return dir
}

// cached is the files in the cache.
func cached(t testing.TB, st *Store) []string {
	files, err := filepath.Glob(filepath.Join(st.Cache, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestCacheHitIsTheMiss(t *testing.T) {
	dir := pictures(t)
	for _, wanted := range []spec.Data{
		{Name: "images", Path: dir, Size: 4},                    // floats
		{Name: "images", Path: dir, Size: 4, Limit: 2},          // bytes
		{Name: "images", Path: filepath.Join(dir, "b")},         // no labels
		{Name: "images", Path: dir, Size: 4, Classes: []int{1}}, // one class
		{Name: "ellipses", Count: 3, Size: 16, Seed: 4},
	} {
		st := store(t)
		miss := open(t, st, wanted)
		if len(cached(t, st)) != 1 {
			t.Fatalf("%v: got files %v", wanted, cached(t, st))
		}
		hit, err := readCacheFile(context.Background(), cached(t, st)[0])
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(hit, miss) {
			t.Errorf("%v: got %+v, want %+v", wanted, hit, miss)
		}
		if again := open(t, st, wanted); !reflect.DeepEqual(again, miss) {
			t.Errorf("%v: opened again: got %+v, want %+v", wanted, again, miss)
		}
	}
}

func TestCacheIsUsed(t *testing.T) {
	st := store(t)
	wanted := spec.Data{Name: "images", Path: pictures(t), Size: 4}
	first := open(t, st, wanted)
	other := *first
	other.U8, other.F32 = make([]uint8, first.N*first.H*first.W*first.C), nil
	if err := writeCacheFile(cached(t, st)[0], other.seal()); err != nil {
		t.Fatal(err)
	}
	if got := open(t, st, wanted); got.Digest != other.Digest {
		t.Errorf("got digest %s, want that of the cache, %s", got.Digest, other.Digest)
	}
}

// rsync -t, cp -p and touch -r keep the size and the time of modification of what they replace.
func TestFilesChangedInPlaceAreReadAgainThoughSizeAndTimeAreKept(t *testing.T) {
	dir, st := t.TempDir(), store(t)
	wanted := spec.Data{Name: "images", Path: dir}
	path := write(t, dir, "1.png", tile(t, 2, 2, 100))
	open(t, st, wanted)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	for shade, change := range map[uint8]func(content []byte){
		101: func(b []byte) { write(t, dir, "1.png", b) },
		102: func(b []byte) { // replaced by another file
			if err := os.Rename(write(t, dir, "new", b), path); err != nil {
				t.Fatal(err)
			}
		},
	} {
		time.Sleep(20 * time.Millisecond) // a tick of the file system's clock
		b := tile(t, 2, 2, shade)
		if int64(len(b)) != info.Size() {
			t.Fatalf("got %d bytes, want %d", len(b), info.Size())
		}
		change(b)
		if err := os.Chtimes(path, info.ModTime(), info.ModTime()); err != nil {
			t.Fatal(err)
		}
		if s := open(t, st, wanted); s.U8[0] != shade {
			t.Errorf("got %d, want %d", s.U8[0], shade)
		}
	}
}

func TestChangedFilesAndRequestsAreDecodedAgain(t *testing.T) {
	dir, st := pictures(t), store(t)
	wanted := spec.Data{Name: "images", Path: dir, Size: 4}
	first := open(t, st, wanted)
	write(t, dir, "a/1.png", tile(t, 4, 4, 10, 20, 31))
	if err := os.Chtimes(filepath.Join(dir, "a/1.png"), time.Time{}, time.Unix(1e9, 0)); err != nil {
		t.Fatal(err)
	}
	second := open(t, st, wanted)
	write(t, dir, "b/4.png", tile(t, 4, 4, 10, 20, 30))
	third := open(t, st, wanted)
	wanted.Size = 5
	fourth := open(t, st, wanted)
	digests := []string{first.Digest, second.Digest, third.Digest, fourth.Digest}
	slices.Sort(digests)
	if len(slices.Compact(digests)) != 4 || third.N != 4 {
		t.Errorf("got digests %v, %d images", digests, third.N)
	}
}

func TestADamagedCacheIsWrittenAgain(t *testing.T) {
	dir := pictures(t)
	wanted := spec.Data{Name: "images", Path: dir, Size: 4}
	for name, damage := range map[string]func([]byte) []byte{
		"truncated":    func(b []byte) []byte { return b[:len(b)-40] },
		"empty":        func([]byte) []byte { return nil },
		"pixel":        func(b []byte) []byte { b[len(b)-50] ^= 1; return b },
		"header":       func(b []byte) []byte { b[2] ^= 1; return b },
		"digest":       func(b []byte) []byte { b[len(b)-1] ^= 1; return b },
		"another file": func([]byte) []byte { return []byte("{\"shape\": {\"N\": 1000000000, \"H\": 9, \"W\": 9, \"C\": 3}}\n") },
		"shape":        func(b []byte) []byte { return bytes.Replace(b, []byte(`"N":3`), []byte(`"N":-3`), 1) },
		"too long":     func(b []byte) []byte { return append(b, 0) },
	} {
		t.Run(name, func(t *testing.T) {
			st := store(t)
			want := open(t, st, wanted)
			path := cached(t, st)[0]
			whole, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			write(t, st.Cache, filepath.Base(path), damage(slices.Clone(whole)))
			var warning error
			st.Warn = func(err error) { warning = err }
			if got := open(t, st, wanted); !reflect.DeepEqual(got, want) {
				t.Errorf("got %+v, want %+v", got, want)
			}
			wantError(t, warning, "cached images are decoded again: ", path)
			if again, err := os.ReadFile(path); err != nil || !slices.Equal(again, whole) {
				t.Errorf("the cache was not repaired: %v", err)
			}
		})
	}
}

func TestAFolderInPlaceOfACacheIsReplaced(t *testing.T) {
	st := store(t)
	wanted := spec.Data{Name: "images", Path: pictures(t), Size: 4}
	want := open(t, st, wanted)
	path := cached(t, st)[0]
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	write(t, path, "some/thing", nil)
	var warning error
	st.Warn = func(err error) { warning = err }
	if got := open(t, st, wanted); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	wantError(t, warning, "cached images are decoded again: ", "got a folder, want a file")
	st.Warn = func(err error) { t.Errorf("warning: %v", err) }
	if got := open(t, st, wanted); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func FuzzCache(f *testing.F) {
	path := filepath.Join(f.TempDir(), "x.images")
	if err := writeCacheFile(path, (&Set{Name: "images", N: 2, H: 1, W: 1, C: 1, Classes: 2, U8: []uint8{7, 8},
		Labels: []int32{0, 1}}).seal()); err != nil {
		f.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := readCached(bufio.NewReader(bytes.NewReader(b)), int64(len(b)))
		if err == nil && s.N*s.H*s.W*s.C != len(s.U8)+len(s.F32) {
			t.Errorf("got %v with %d and %d values", s.Shape(), len(s.U8), len(s.F32))
		}
	})
}

func TestCacheThatCannotBeWrittenCostsOnlyAWarning(t *testing.T) {
	st := store(t)
	st.Cache = filepath.Join(write(t, t.TempDir(), "file", nil), "sub")
	var warnings []error
	st.Warn = func(err error) { warnings = append(warnings, err) }
	wanted := spec.Data{Name: "images", Path: pictures(t), Size: 4}
	if s := open(t, st, wanted); s.N != 3 {
		t.Errorf("got %d images", s.N)
	}
	wantError(t, errors.Join(warnings...), "images are not cached: ")
}

func TestOpensAtTheSameTimeAgree(t *testing.T) {
	dir := t.TempDir()
	for i := range 40 {
		write(t, dir, string(rune('a'+i))+".png", tile(t, 8, 8, uint8(i)))
	}
	cache := t.TempDir()
	sets := make([]*Set, 8)
	var wait sync.WaitGroup
	for i := range sets {
		wait.Go(func() {
			st := &Store{Cache: cache, Warn: func(err error) { t.Errorf("warning: %v", err) }} // each as if another process
			set, err := st.Open(context.Background(), spec.Data{Name: "images", Path: dir})
			if err != nil {
				t.Error(err)
			}
			sets[i] = set
		})
	}
	wait.Wait()
	for _, set := range sets {
		if !reflect.DeepEqual(set, sets[0]) {
			t.Errorf("got %+v and %+v", set, sets[0])
		}
	}
	if files := cached(t, &Store{Cache: cache}); len(files) != 1 {
		t.Errorf("left in the cache: %v", files)
	}
}

func TestFilesOfACrashedWriterDoNotMatterAndAreRemovedAfterADay(t *testing.T) {
	st := store(t)
	wanted := spec.Data{Name: "images", Path: pictures(t), Size: 4}
	want := open(t, st, wanted)
	path := cached(t, st)[0]
	temporary := filepath.Join(st.Cache, "."+filepath.Base(path))
	abandoned, recent := temporary+".0123456789abcdef.tmp", temporary+".fedcba9876543210.tmp"
	for _, name := range []string{abandoned, recent} {
		if err := os.WriteFile(name, []byte("half"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	dayAgo := time.Now().Add(-25 * time.Hour)
	if err := errors.Join(os.Chtimes(abandoned, dayAgo, dayAgo), os.Remove(path)); err != nil {
		t.Fatal(err)
	}
	if got := open(t, st, wanted); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := cached(t, st); !slices.Equal(got, []string{recent, path}) {
		t.Errorf("left in the cache: %v, want the file of the cache and the one that may still be written", got)
	}
}

func TestCancelledReadOfACacheIsNoDamage(t *testing.T) {
	st := store(t)
	wanted := spec.Data{Name: "images", Path: pictures(t), Size: 4}
	open(t, st, wanted)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := readCacheFile(ctx, cached(t, st)[0]); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

func TestNotesAreCachedWithTheImages(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.images")
	want := (&Set{Name: "images", N: 1, H: 1, W: 1, C: 1, U8: []uint8{7}, Notes: []string{"left out 2 files: 2 .heic"}}).seal()
	if err := writeCacheFile(path, want); err != nil {
		t.Fatal(err)
	}
	if got, err := readCacheFile(context.Background(), path); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}
