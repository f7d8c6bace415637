package train

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

func TestTheErrorOfAPluginNamesItsPathOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "xla_pjrt.so")
	library := fmt.Errorf("failed to load PJRT plugin for name %q: failed to stat %q: stat %s: %w", path, path, path, os.ErrNotExist)
	got := unopened(path, library)
	if want := "backend xla:" + path + ": no such device: no such file or directory"; got.Error() != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if !errors.Is(got, ErrNoDevice) || !errors.Is(got, os.ErrNotExist) || !DeviceLost(got) {
		t.Errorf("%v is not what it says", got)
	}
	if err := os.WriteFile(path, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	library = fmt.Errorf("failed to load %q: %q: file too short", path, path)
	if got, want := unopened(path, library).Error(), "backend xla:"+path+`: no such device: failed to load "xla_pjrt.so": "xla_pjrt.so": `+
		"file too short"; got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
