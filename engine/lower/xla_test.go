//go:build cgo && (linux || darwin)

package lower

import (
	"io"
	"os"
	"strings"
	"testing"

	"k8s.io/klog/v2"
)

func TestOnlyErrorsOfGoXLAAreLogged(t *testing.T) {
	quiet()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr := os.Stderr
	os.Stderr = w
	klog.Warning("a folder is missing")
	klog.Error("a device is lost")
	klog.Flush()
	os.Stderr = stderr
	w.Close()
	said, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if text := string(said); strings.Contains(text, "folder") || !strings.Contains(text, "a device is lost") {
		t.Errorf("got %q, want the error alone", text)
	}
}
