package data

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
)

var archiveEndings = []string{".zip", ".tar", ".tar.gz", ".tgz"}

// IsArchive reports by the name, as tar does, whether "images" reads a path as an archive.
func IsArchive(path string) bool {
	path = strings.ToLower(path)
	return slices.ContainsFunc(archiveEndings, func(end string) bool { return strings.HasSuffix(path, end) })
}

// node is a file, a folder or a link of an archive. The content of a possible picture is in memory, encoded.
type node struct {
	name     string
	mode     fs.FileMode
	children map[string]*node
	up       *node
	target   string // of a link
	content  []byte
}

var _ fs.FileInfo = (*node)(nil)
var _ fs.DirEntry = (*node)(nil)

func (n *node) Name() string               { return n.name }
func (n *node) Size() int64                { return int64(len(n.content)) }
func (n *node) Mode() fs.FileMode          { return n.mode }
func (n *node) ModTime() time.Time         { return time.Time{} }
func (n *node) IsDir() bool                { return n.mode.IsDir() }
func (n *node) Sys() any                   { return nil }
func (n *node) Type() fs.FileMode          { return n.mode.Type() }
func (n *node) Info() (fs.FileInfo, error) { return n, nil }

func newFolder(name string, up *node) *node {
	return &node{name: name, mode: fs.ModeDir, children: map[string]*node{}, up: up}
}

// archiveTree is an unpacked archive.
type archiveTree struct {
	file string
	root *node
}

func (t archiveTree) full(name string) string { return path.Join(t.file, name) }

func (t archiveTree) same(a, b fs.FileInfo) bool { return a == b }

func (t archiveTree) identity([]string) (string, error) { return filesIdentity([]string{t.file}) }

func (t archiveTree) list(_ context.Context, dir string) ([]fs.DirEntry, error) {
	n, err := t.find(dir)
	if err != nil {
		return nil, err
	}
	entries := make([]fs.DirEntry, 0, len(n.children))
	for _, child := range n.children {
		entries = append(entries, child)
	}
	return entries, nil
}

func (t archiveTree) stat(name string) (fs.FileInfo, error) { return t.find(name) }

func (t archiveTree) read(name string, limit int64) ([]byte, error) {
	n, err := t.find(name)
	if err != nil {
		return nil, err
	}
	return n.content[:min(int64(len(n.content)), limit)], nil
}

// maxLinks is the number of links that one path may follow, as in Linux.
const maxLinks = 40

// find follows a path from the root, through links that stay in the archive.
func (t archiveTree) find(name string) (*node, error) {
	links := 0
	return t.follow(t.root, name, &links)
}

func (t archiveTree) follow(at *node, name string, links *int) (*node, error) {
	missing := &fs.PathError{Op: "find", Path: t.full(name), Err: fs.ErrNotExist}
	for part := range strings.SplitSeq(name, "/") {
		switch part {
		case "", ".":
			continue
		case "..":
			if at = at.up; at == nil {
				return nil, missing
			}
			continue
		}
		next := at.children[part]
		if next == nil {
			return nil, missing
		}
		if next.mode&fs.ModeSymlink != 0 {
			if *links++; *links > maxLinks || strings.HasPrefix(next.target, "/") {
				return nil, missing
			}
			var err error
			if next, err = t.follow(at, next.target, links); err != nil {
				return nil, err
			}
		}
		at = next
	}
	return at, nil
}

// put adds the node of a name, which is not trusted, and the folders above it. Names only sort and label images: nothing is
// written. A later node replaces an earlier one of the same name, as when an archive is unpacked.
func (t archiveTree) put(name string, mode fs.FileMode) (n *node, doubled bool, err error) {
	parts := strings.Split(path.Clean("/" + name)[1:], "/")
	if len(parts) > maxDepth {
		return nil, false, fmt.Errorf("%.100s...: more than %d nested folders", printable(name), maxDepth)
	}
	at := t.root
	for _, part := range parts[:len(parts)-1] {
		next := at.children[part]
		if next == nil || !next.IsDir() {
			next = newFolder(part, at)
			at.children[part] = next
		}
		at = next
	}
	base := parts[len(parts)-1]
	old := at.children[base]
	if base == "" || mode.IsDir() && old != nil && old.IsDir() {
		return cmp.Or(old, at), false, nil
	}
	n = &node{name: base, mode: mode, up: at}
	if mode.IsDir() {
		n = newFolder(base, at)
	}
	at.children[base] = n
	return n, old != nil, nil
}
