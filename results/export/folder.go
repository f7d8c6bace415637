package export

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/starsweep/starsweep/internal/durable"
)

// markFile is in every export. A folder without it is never replaced.
const markFile = "starsweep-export.json"

// mark is the content of markFile.
type mark struct {
	Format  Format `json:"format"`
	Study   string `json:"study"`
	ID      string `json:"id"`      // of the study
	Content string `json:"content"` // digest of the names and sizes of the other files
}

// folder is an export that is being written, under a temporary name. No name of a file in it leads out of it.
type folder struct {
	root  *os.Root
	final string // its absolute path when it is complete
	made  map[string]bool
}

// create writes a file. Its name has slashes; missing folders are made.
func (f *folder) create(name string, write func(io.Writer) error) error {
	if err := f.folder(path.Dir(name)); err != nil {
		return err
	}
	file, err := f.root.Create(name)
	if err != nil {
		return f.diskError(name, err)
	}
	out := bufio.NewWriter(file)
	if err := write(out); err != nil {
		file.Close()
		return f.diskError(name, err)
	}
	return f.diskError(name, errors.Join(out.Flush(), file.Close()))
}

// folder makes a folder, with its parents.
func (f *folder) folder(name string) error {
	if f.made[name] {
		return nil
	}
	f.made[name] = true
	return f.diskError(name, f.root.MkdirAll(name, 0o777))
}

// write writes a file of known content.
func (f *folder) write(name string, content []byte) error {
	return f.create(name, func(w io.Writer) error { _, err := w.Write(content); return err })
}

// diskError names the file of an error of the file system as the user knows it.
func (f *folder) diskError(name string, err error) error {
	var disk *fs.PathError
	if errors.As(err, &disk) {
		return durable.StorageError(filepath.Join(f.final, filepath.FromSlash(name)), disk.Err)
	}
	return err
}

// replace fills a new folder beside out and renames it to out, once it is complete. What out was before stays until then. study is the
// folder of the study, which the export must not touch.
func replace(out, study string, m mark, fill func(*folder) error) error {
	final, err := filepath.Abs(out)
	if err != nil {
		return err
	}
	parent := filepath.Dir(final)
	if err := durable.MkdirAll(parent); err != nil {
		return err
	}
	if err := apart(final, study); err != nil {
		return err
	}
	old, err := replaceable(final, m)
	if err != nil {
		return err
	}
	temporary, err := os.MkdirTemp(parent, "."+filepath.Base(final)+".*.tmp")
	if err != nil {
		return durable.StorageError(parent, err)
	}
	defer os.RemoveAll(temporary)
	if err := fillFolder(temporary, final, m, fill); err != nil {
		return err
	}
	if !old {
		return durable.StorageError(final, os.Rename(temporary, final))
	}
	aside := temporary + ".old"
	if err := os.Rename(final, aside); err != nil {
		return durable.StorageError(final, err)
	}
	if err := os.Rename(temporary, final); err != nil {
		return durable.StorageError(final, errors.Join(err, os.Rename(aside, final)))
	}
	return durable.StorageError(aside, os.RemoveAll(aside))
}

// fillFolder fills the temporary folder and marks it.
func fillFolder(temporary, final string, m mark, fill func(*folder) error) error {
	root, err := os.OpenRoot(temporary)
	if err != nil {
		return durable.StorageError(temporary, err)
	}
	defer root.Close()
	if err := root.Chmod(".", 0o755); err != nil { // that of a temporary folder is private
		return durable.StorageError(temporary, err)
	}
	f := &folder{root: root, final: final, made: map[string]bool{".": true}}
	if err := fill(f); err != nil {
		return err
	}
	if m.Content, err = contentOf(root.FS()); err != nil {
		return durable.StorageError(final, err)
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	return f.write(markFile, append(text, '\n'))
}

// apart refuses an export inside the study, and one that would replace the study.
func apart(final, study string) error {
	inner, err := filepath.EvalSymlinks(filepath.Dir(final))
	if err != nil {
		return durable.StorageError(final, err)
	}
	inner = filepath.Join(inner, filepath.Base(final))
	outer, err := filepath.Abs(study)
	if err == nil {
		outer, err = filepath.EvalSymlinks(outer)
	}
	if err != nil {
		return durable.StorageError(study, err)
	}
	if within(inner, outer) || within(outer, inner) {
		return refuse("%s: got a folder of the study %s, want one outside of it", final, study)
	}
	return nil
}

// within reports whether a path is a folder or lies in it.
func within(name, dir string) bool {
	rel, err := filepath.Rel(dir, name)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}

// replaceable reports whether there is an earlier export at path. It is an error if what is there may not be replaced.
func replaceable(path string, m mark) (old bool, err error) {
	other := func(what, hint string) (bool, error) {
		return false, refuse("%s: got %s, want a new folder or an earlier export of this study: %s", path, what, hint)
	}
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, durable.StorageError(path, err)
	case !info.IsDir():
		return other("a file", "choose another --out")
	}
	text, err := os.ReadFile(filepath.Join(path, markFile))
	if errors.Is(err, fs.ErrNotExist) {
		entries, err := os.ReadDir(path)
		if err != nil {
			return false, durable.StorageError(path, err)
		}
		if len(entries) > 0 {
			return other("a folder that is no export", "choose another --out")
		}
		return true, nil
	}
	if err != nil {
		return false, durable.StorageError(path, err)
	}
	var there mark
	if err := json.Unmarshal(text, &there); err != nil {
		return other("a folder whose "+markFile+" is damaged", "choose another --out")
	}
	if there.Format != m.Format || there.ID != m.ID {
		return other(fmt.Sprintf("an export of study %q for %s", there.Study, there.Format), "choose another --out, or remove it")
	}
	content, err := contentOf(os.DirFS(path))
	if err != nil {
		return false, durable.StorageError(path, err)
	}
	if content != there.Content {
		return other("an export whose files were changed since", "choose another --out, or remove it if nothing in it is needed")
	}
	return true, nil
}

// contentOf is a digest of the names and sizes of all files but the mark. Empty folders, which some tools add, do not count.
func contentOf(fsys fs.FS) (string, error) {
	sum := sha256.New()
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || name == markFile {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		fmt.Fprintf(sum, "%q %s %d\n", name, info.Mode().Type(), info.Size())
		return nil
	})
	return hex.EncodeToString(sum.Sum(nil)[:16]), err
}

// safe returns a text as part of a file's name: short, and of letters, digits and a few signs that all file systems have.
func safe(text string) string {
	var b bytes.Buffer
	for _, r := range text {
		switch {
		case b.Len() >= 120:
			return b.String()
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune("=-_+", r):
			b.WriteRune(r)
		case r == '.' && b.Len() > 0:
			b.WriteRune(r)
		case r == ' ':
			b.WriteByte(',')
		default:
			b.WriteByte('_')
		}
	}
	return b.String()
}
