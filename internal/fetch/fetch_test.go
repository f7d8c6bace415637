package fetch_test

import (
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

func TestADownloadContinuesWhereItEnded(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789"), 20_000)
	want := fetch.Published{Size: int64(len(content)), SHA256: fmt.Sprintf("%x", sha256.Sum256(content))}
	var ranges []string
	cut := true
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ranges = append(ranges, r.Header.Get("Range"))
		if cut { // the connection ends early
			w.Header().Set("Content-Length", fmt.Sprint(len(content)))
			w.Write(content[:100_000])
			return
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
	}))
	defer s.Close()
	path := filepath.Join(t.TempDir(), "x")
	var last, total int64
	progress := func(d, n int64) { last, total = d, n }
	if err := fetch.File(context.Background(), nil, s.URL, path, want, progress); err == nil || !strings.Contains(err.Error(), s.URL) {
		t.Fatalf("got error %v, want one that names the address", err)
	}
	cut = false
	if err := fetch.File(context.Background(), nil, s.URL, path, want, progress); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, content) {
		t.Errorf("got %d bytes, %v, want the %d of the file", len(got), err, len(content))
	}
	if len(ranges) != 2 || ranges[0] != "" || ranges[1] != "bytes=100000-" || last != want.Size || total != want.Size {
		t.Errorf("got ranges %q and progress %d of %d", ranges, last, total)
	}
	// What is there and whole is not fetched again.
	if err := fetch.File(context.Background(), nil, s.URL, path, want, nil); err != nil || len(ranges) != 2 {
		t.Errorf("got %v and %d requests, want none more", err, len(ranges))
	}
}

func TestAnotherFileIsRefusedAndNotKept(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write(bytes.Repeat([]byte("x"), 1000)) }))
	defer s.Close()
	path := filepath.Join(t.TempDir(), "x")
	for _, size := range []int64{10, 1000} {
		err := fetch.File(context.Background(), nil, s.URL, path, fetch.Published{Size: size, SHA256: strings.Repeat("0", 64)}, nil)
		if err == nil || !strings.Contains(err.Error(), "this is a different file") {
			t.Errorf("got error %v", err)
		}
		if info, err := os.Stat(path); err != nil || info.Size() != 0 {
			t.Errorf("got %v, %v, want an empty file", info, err)
		}
	}
}

func TestServersThatSendNoPartsSendAll(t *testing.T) {
	content := []byte("all of it")
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write(content) }))
	defer s.Close()
	path := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(path, []byte("all"), 0o666); err != nil {
		t.Fatal(err)
	}
	want := fetch.Published{Size: int64(len(content)), SHA256: fmt.Sprintf("%x", sha256.Sum256(content))}
	if err := fetch.File(context.Background(), nil, s.URL, path, want, nil); err != nil {
		t.Error(err)
	}
}
