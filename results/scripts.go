package results

import (
	"errors"
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
