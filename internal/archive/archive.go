// Package archive packs files into one .tar.gz or .zip with a manifest of their digests, and unpacks such a file within bounds: it
// treats every name, size and link in it as hostile. The commands archive and verify use it. It knows nothing of studies, and of this
// module only internal/durable and internal/regular.
package archive

import (
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Manifest is the last file of an archive. It lists all others.
type Manifest struct {
	Format int    `json:"format"`
	About  any    `json:"about"` // of the caller
	Files  []File `json:"files"` // in the order of the archive
}

// File is a file of an archive.
type File struct {
	Path   string `json:"path"` // slash-separated, from the folder that the archive unpacks to
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// ManifestName is the path of the manifest.
const ManifestName = "MANIFEST.json"

// format changes when older versions can no longer read an archive.
const format = 1

// modified is the time of all files, since their times would make archives of equal content differ. No format has an earlier one.
var modified = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// Bounds of an archive. Tables and checkpoints are compressed or random and barely shrink, journals shrink to a tenth.
const (
	maxFiles       = 1_000_000
	maxManifest    = 256 << 20
	maxUnpackRatio = 100     // an archive may unpack to this many times its size,
	minUnpackLimit = 1 << 30 // and in any case to this
	maxDepth       = 32      // folders
	maxPart        = 255     // bytes of a name between slashes, as in most file systems
)

// kind is a format of archives.
type kind string

const (
	tarGz  kind = ".tar.gz"
	zipped kind = ".zip"
)

// kindOf is the format of an archive by its name.
func kindOf(file string) (kind, error) {
	switch name := strings.ToLower(filepath.Base(file)); {
	case strings.HasSuffix(name, string(tarGz)), strings.HasSuffix(name, ".tgz"):
		return tarGz, nil
	case strings.HasSuffix(name, string(zipped)):
		return zipped, nil
	}
	return "", fmt.Errorf("%s: got a name without .tar.gz, .tgz or .zip at its end", file)
}

// Named reports whether a file has the name of an archive.
func Named(file string) bool {
	_, err := kindOf(file)
	return err == nil
}

// checkName returns an error unless a name, from the root of the archive, is a path that stays below one folder on every system.
func checkName(name string) error {
	switch {
	case name == "" || len(name) > 4096 || strings.ContainsAny(name, "\\\x00:"):
		return errors.New("not a valid name")
	case path.IsAbs(name), !filepath.IsLocal(filepath.FromSlash(name)), path.Clean(name) != name:
		return errors.New("the name leads out of the archive")
	case slices.ContainsFunc(strings.Split(name, "/"), func(part string) bool { return len(part) > maxPart }):
		return fmt.Errorf("a part of the name is longer than %d bytes", maxPart)
	case strings.Count(name, "/") > maxDepth:
		return fmt.Errorf("more than %d nested folders", maxDepth)
	}
	return nil
}
