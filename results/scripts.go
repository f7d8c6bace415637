package results

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"

	"github.com/starsweep/starsweep/internal/durable"
	"github.com/starsweep/starsweep/internal/regular"
)

// maxScript bounds what is read of a script's file.
const maxScript = 16 << 20

// ScriptFiles returns the copies of a script and the files that it loads, by slash-separated path. Without copies there are none.
func ScriptFiles(dir, hash string) (map[string][]byte, error) {
	files := map[string][]byte{}
	if !fileName(hash) {
		return files, nil
	}
	root := filepath.Join(dir, "script", hash)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && path == root {
			return fs.SkipAll
		} else if err != nil || d.IsDir() {
			return durable.StorageError(path, err)
		}
		below, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		files[filepath.ToSlash(below)], err = regular.Read(path, maxScript)
		return durable.StorageError(path, err)
	})
	return files, err
}

// writeScripts keeps copies in script/HASH. It leaves existing files alone.
func writeScripts(dir, hash string, scripts map[string][]byte) error {
	if len(scripts) > 0 && !fileName(hash) {
		return fmt.Errorf("got script hash %q, want letters and digits", hash)
	}
	dir = filepath.Join(dir, "script", hash)
	for name, source := range scripts {
		if !filepath.IsLocal(filepath.FromSlash(name)) {
			return fmt.Errorf("script file %q: want a path inside the script's folder", name)
		}
		path := filepath.Join(dir, filepath.FromSlash(name))
		if old, err := regular.ReadFile(path); err == nil && bytes.Equal(old, source) {
			continue
		}
		if err := durable.MkdirAll(filepath.Dir(path)); err != nil {
			return err
		}
		err := durable.WriteShared(path, func(w io.Writer) error { _, err := w.Write(source); return err })
		if err != nil {
			return err
		}
	}
	return nil
}
