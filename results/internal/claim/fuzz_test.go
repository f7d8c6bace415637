package claim

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
)

// wantText checks that a writer is shown as plain text.
func wantText(t *testing.T, w Writer) {
	t.Helper()
	if s := w.String(); strings.ContainsFunc(s, unicode.IsControl) {
		t.Errorf("a writer is shown as %q", s)
	}
}

// Whatever the files of claims and writers hold, and however they are called, they are read, are shown as one line of text, and do not
// keep a writer from claiming the trial.
func FuzzFiles(f *testing.F) {
	w := NewWriter("cpu")
	content, err := json.Marshal(w)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(content, content, w.Name, "aa.000001")
	f.Add([]byte(`{"writer":"x","pid":-1}`), content[:20], "x", "aa.9223372036854775807")
	f.Add([]byte(`{"writer":"x","host":"a\u001b[2Jb\nc","pid":1}`), []byte("null"), "x", "aa.+00007")
	f.Add([]byte(`{"writer":"../x","pid":1e99}`), []byte(`[]`), "..x", "aa.0000001")
	f.Fuzz(func(t *testing.T, writer, claim []byte, writerName, claimName string) {
		for _, name := range []string{writerName, claimName} {
			if name == "" || len(name) > 200 || strings.ContainsAny(name, "/\x00") || name[0] == '.' {
				t.Skip("not the name of a file")
			}
		}
		dir := t.TempDir()
		for path, content := range map[string][]byte{filepath.Join("writers", writerName): writer, filepath.Join("claims", claimName): claim} {
			path = filepath.Join(dir, path)
			if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, content, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		r, err := Read(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range r.Writers {
			wantText(t, w.Writer)
		}
		for _, c := range r.Claims {
			wantText(t, c.Owner)
		}
		d, err := Join(dir, Writer{Name: "a-writer-of-the-fuzz-test"}, Options{Dead: func(Writer) bool { return true }})
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		c, err := d.Take("aa", 0)
		if claimName == "aa.9223372036854775807" {
			if err == nil || !strings.Contains(err.Error(), claimName) {
				t.Errorf("got %v, want an error that names the last generation there can be", err)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if held, err := c.Held(); !held || err != nil {
			t.Errorf("the claim is held: %t, %v", held, err)
		}
	})
}
