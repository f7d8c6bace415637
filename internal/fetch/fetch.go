// Package fetch downloads published files over HTTP, whole or from where an earlier attempt ended, and checks their digests. It imports
// no package of this module; engine/data and engine/feature know what to fetch and from where.
package fetch

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
)

// Progress is called with the number of bytes that a download has received; total is -1 if the server does not state it.
type Progress func(done, total int64)

// Copy copies the content of an address to dst, if the content has no more than most bytes. client and progress may be nil.
func Copy(ctx context.Context, client *http.Client, address string, dst io.Writer, most int64, progress Progress) error {
	response, err := get(ctx, client, address, nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: got %s", Redacted(address), response.Status)
	}
	n, err := io.Copy(dst, counted(io.LimitReader(response.Body, most+1), 0, response.ContentLength, progress))
	if err == nil && n > most {
		err = fmt.Errorf("got more than %d bytes", most)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", Redacted(address), err)
	}
	return nil
}

// Page returns the content of an address, which may have at most this many bytes, and the address after redirections.
func Page(ctx context.Context, client *http.Client, address, accept string, most int64) (text []byte, at *url.URL, err error) {
	response, err := get(ctx, client, address, http.Header{"Accept": {accept}})
	if err != nil {
		return nil, nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, nil, fmt.Errorf("%s: got %s", Redacted(address), response.Status)
	}
	text, err = io.ReadAll(io.LimitReader(response.Body, most+1))
	if err == nil && int64(len(text)) > most {
		err = fmt.Errorf("got more than %d bytes", most)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", Redacted(address), err)
	}
	return text, response.Request.URL, nil
}

// Published identifies a file that is the same on every server.
type Published struct {
	Size   int64
	SHA256 string // in hex
}

// File downloads a published file to path. If path has its beginning, from an earlier attempt, it continues from there. What was
// received before an error remains for the next attempt, unless it is not the beginning of the file.
func File(ctx context.Context, client *http.Client, address, path string, want Published, progress Progress) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return err
	}
	err = want.complete(ctx, client, address, f, progress)
	if errors.Is(err, errOther) {
		err = errors.Join(err, f.Truncate(0))
	}
	return errors.Join(err, f.Close())
}

var errOther = errors.New("this is a different file")

// complete fetches what f lacks.
func (want Published) complete(ctx context.Context, client *http.Client, address string, f *os.File, progress Progress) error {
	have, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if have < want.Size {
		if err := want.rest(ctx, client, address, f, have, progress); err != nil {
			return err
		}
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	h := sha256.New()
	n, err := io.Copy(h, f)
	if err != nil {
		return err
	}
	switch sum := fmt.Sprintf("%x", h.Sum(nil)); {
	case n < want.Size:
		return fmt.Errorf("%s: got %d of %d bytes: run the command again to continue from there", Redacted(address), n, want.Size)
	case n > want.Size || sum != want.SHA256:
		return fmt.Errorf("%s: got %d bytes with SHA-256 %s, want %d with %s: %w", Redacted(address), n, sum, want.Size, want.SHA256, errOther)
	}
	return nil
}

// rest appends to f, which has the first bytes, or fetches the whole file if the server does not send a part.
func (want Published) rest(ctx context.Context, client *http.Client, address string, f *os.File, have int64, progress Progress) error {
	header := http.Header{}
	if have > 0 {
		header.Set("Range", fmt.Sprintf("bytes=%d-", have))
	}
	response, err := get(ctx, client, address, header)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	switch response.StatusCode {
	case http.StatusPartialContent:
	case http.StatusOK:
		have = 0
		if err := f.Truncate(0); err != nil {
			return err
		}
	default:
		return fmt.Errorf("%s: got %s", Redacted(address), response.Status)
	}
	if _, err := f.Seek(have, io.SeekStart); err != nil {
		return err
	}
	body := io.LimitReader(response.Body, want.Size-have+1)
	if _, err := io.Copy(f, counted(body, have, want.Size, progress)); err != nil {
		return fmt.Errorf("%s: %w", Redacted(address), err)
	}
	return nil
}

func get(ctx context.Context, client *http.Client, address string, header http.Header) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	if header != nil {
		request.Header = header
	}
	return cmp.Or(client, http.DefaultClient).Do(request) // whose errors name the address
}

// Redacted is the address without the password that the address of a proxy may contain.
func Redacted(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "malformed address"
	}
	return u.Redacted()
}

func counted(in io.Reader, done, total int64, progress Progress) io.Reader {
	if progress == nil {
		return in
	}
	return &counter{in, done, total, progress}
}

type counter struct {
	in          io.Reader
	done, total int64
	progress    Progress
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.in.Read(p)
	c.done += int64(n)
	c.progress(c.done, c.total)
	return n, err
}
