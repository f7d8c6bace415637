package data

import (
	"archive/tar"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/klauspost/compress/gzip"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/internal/fetch"
	"github.com/starsweep/starsweep/internal/regular"
)

// The binary archive of CIFAR-10 (https://www.cs.toronto.edu/~kriz/cifar.html), its folder, and its records: a label, followed by
// the red, the green and the blue plane of 32 x 32 bytes.
const (
	cifarURL    = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
	cifarMD5    = "c32a1d4ab5d03f1284b67883e8d87530"
	cifarTar    = "cifar-10-binary.tar.gz"
	cifarFolder = "cifar-10-batches-bin"
	cifarSums   = "SHA256SUMS" // of the batches, in the form of sha256sum: written when they were unpacked from the checked archive
	cifarSide   = 32
	cifarPlane  = cifarSide * cifarSide
	cifarRecord = 1 + 3*cifarPlane
	cifarBatch  = 10_000 * cifarRecord
)

// cifarFiles is the files of each split, in order.
var cifarFiles = map[string][]string{
	"train": {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"},
	"test":  {"test_batch.bin"},
}

// The authors of CIFAR-10 state no licence and request a citation of Krizhevsky 2009. The archive has 170,052,171 bytes.
var cifar10 = row{
	DataSet: spec.DataSet{Name: "cifar10", Builtin: "cifar10", Doc: "50,000 + 10,000 photographs, 32 x 32 colour, 10 classes",
		Args: "size? channels? split? limit? classes? path?", Size: 32, Channels: 3, Classes: 10},
	from: "starsweep data get cifar10; or Hugging Face's Parquet files in DIR",
	find: findCIFAR10, ready: cifarReady,
	get: func(ctx context.Context, st *Store, progress fetch.Progress) error {
		return st.getCIFAR10(ctx, cifarURL, cifarMD5, progress)
	},
	known: &known{first: header{cifarSide, cifarSide, 3}, classNames: cifarNames, counts: map[string][]int{
		"train": slices.Repeat([]int{5000}, 10),
		"test":  slices.Repeat([]int{1000}, 10),
	}},
}

var cifarNames = []string{"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"}

// findCIFAR10 reads what the folder contains: the unpacked archive, the archive, or Parquet files as Hugging Face publishes them.
func findCIFAR10(ctx context.Context, st *Store, wanted spec.Data) (source, error) {
	root := cmp.Or(wanted.Path, filepath.Join(st.Dir, "cifar10"))
	info, err := os.Stat(root)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err == nil && !info.IsDir() {
		if strings.HasSuffix(root, ".parquet") {
			return cifarParquet(ctx, root, wanted)
		}
		return &cifarArchive{path: root, split: wanted.Split}, nil
	}
	for _, dir := range []string{root, filepath.Join(root, cifarFolder)} {
		if _, err := os.Stat(filepath.Join(dir, cifarFiles[wanted.Split][0])); err == nil {
			return cifarBatches{dir: dir, split: wanted.Split}, nil
		}
	}
	if file := filepath.Join(root, cifarTar); exists(file) {
		return &cifarArchive{path: file, split: wanted.Split}, nil
	}
	for _, dir := range []string{root, filepath.Join(root, "plain_text")} {
		if files, err := filesNamed(dir, ".parquet"); err == nil && len(files) > 0 {
			return cifarParquet(ctx, dir, wanted)
		}
	}
	return nil, fmt.Errorf("no %s/, %s or .parquet files in %s: %w; run: starsweep data get cifar10 (170 MB)",
		cifarFolder, cifarTar, root, fs.ErrNotExist)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func cifarParquet(ctx context.Context, path string, wanted spec.Data) (source, error) {
	wanted.Path = path
	src, err := findParquet(ctx, nil, wanted)
	if err != nil {
		return nil, err
	}
	src.(*parquetFiles).standardNames = cifarNames
	return src, nil
}

// cifarBatches is a split in the unpacked archive. Labels and pixels are in the same files, so survey reads them whole.
type cifarBatches struct{ dir, split string }

// identity: the files are raw pixels already.
func (b cifarBatches) identity() (string, error) { return "", nil }

func (b cifarBatches) survey(_ context.Context) (survey, error) {
	records, err := b.read()
	if err != nil {
		return survey{}, err
	}
	return cifarSurvey(records, b.dir)
}

func (b cifarBatches) open(context.Context, []int) (func(int) (picture, error), error) {
	records, err := b.read()
	return records.picture, err
}

func (b cifarBatches) read() (cifarRecords, error) {
	sums, err := b.sums()
	if err != nil {
		return nil, err
	}
	var all cifarRecords
	for _, name := range cifarFiles[b.split] {
		text, err := regular.Read(filepath.Join(b.dir, name), maxCIFAR)
		if err != nil {
			return nil, fmt.Errorf("%w; run: starsweep data get cifar10", err)
		}
		err = checkBatch(text)
		if want := sums[name]; err == nil && want != "" {
			if got := fmt.Sprintf("%x", sha256.Sum256(text)); got != want {
				err = fmt.Errorf("got SHA-256 %s, want %s as in %s", got, want, cifarSums)
			}
		}
		if err != nil {
			return nil, fmt.Errorf("%s is corrupt: %w; run: starsweep data get cifar10", filepath.Join(b.dir, name), err)
		}
		all = append(all, text)
	}
	return all, nil
}

// sums returns the digests of the files; none if the files were placed there by hand.
func (b cifarBatches) sums() (map[string]string, error) {
	text, err := regular.Read(filepath.Join(b.dir, cifarSums), maxCIFAR)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	sums := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if sum, name, ok := strings.Cut(strings.TrimSpace(line), "  "); ok {
			sums[name] = sum
		}
	}
	return sums, err
}

// cifarArchive is a split in the archive as published.
type cifarArchive struct {
	path, split string
	records     cifarRecords // after the first read
}

func (a *cifarArchive) identity() (string, error) { return filesIdentity([]string{a.path}) }

func (a *cifarArchive) survey(ctx context.Context) (survey, error) {
	in, err := regular.Open(a.path)
	if err != nil {
		return survey{}, err
	}
	defer in.Close()
	names := cifarFiles[a.split]
	a.records = make(cifarRecords, len(names))
	err = eachInArchive(contextReader{ctx, in}, func(name string, r io.Reader) error {
		i := slices.Index(names, path.Base(name))
		if i < 0 {
			return nil
		}
		if a.records[i], err = io.ReadAll(r); err != nil {
			return err
		}
		return checkBatch(a.records[i])
	})
	if err != nil {
		return survey{}, fmt.Errorf("%s is corrupt: %w; run: starsweep data get cifar10", a.path, err)
	}
	for i, name := range names {
		if a.records[i] == nil {
			return survey{}, fmt.Errorf("%s: holds no %s: not the binary version of CIFAR-10; run: starsweep data get cifar10", a.path, name)
		}
	}
	return cifarSurvey(a.records, a.path)
}

func (a *cifarArchive) open(context.Context, []int) (func(int) (picture, error), error) {
	return a.records.picture, nil // survey came first
}

// eachInArchive calls use for each regular file of a gzipped tar, with at most the size of a batch of its content.
func eachInArchive(in io.Reader, use func(name string, r io.Reader) error) error {
	z, err := gzip.NewReader(in)
	if err != nil {
		return err
	}
	for t := tar.NewReader(z); ; {
		h, err := t.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		if err := use(h.Name, io.LimitReader(t, cifarBatch+1)); err != nil {
			return fmt.Errorf("%s: %w", h.Name, err)
		}
	}
}

// cifarRecords is the content of batch files.
type cifarRecords [][]byte

func checkBatch(text []byte) error {
	if len(text) == 0 || len(text)%cifarRecord != 0 {
		return fmt.Errorf("got %d bytes, want a multiple of %d", len(text), cifarRecord)
	}
	for i := 0; i < len(text); i += cifarRecord {
		if text[i] > 9 {
			return fmt.Errorf("image %d: got label %d, want 0 to 9", i/cifarRecord, text[i])
		}
	}
	return nil
}

func cifarSurvey(batches cifarRecords, where string) (survey, error) {
	v := survey{first: header{cifarSide, cifarSide, 3}, classes: 10, classNames: cifarNames}
	for _, text := range batches {
		for i := 0; i < len(text); i += cifarRecord {
			v.labels = append(v.labels, int32(text[i]))
		}
	}
	v.n = len(v.labels)
	v.where = func(i int) string { return fmt.Sprintf("%s: image %d", where, i) }
	return v, nil
}

// picture turns a record's planes into pixels.
func (b cifarRecords) picture(i int) (picture, error) {
	k := 0
	for i >= len(b[k])/cifarRecord {
		i -= len(b[k]) / cifarRecord
		k++
	}
	planes := b[k][i*cifarRecord+1 : (i+1)*cifarRecord]
	p := picture{header: header{cifarSide, cifarSide, 3}, u8: make([]uint8, 3*cifarPlane)}
	for j := range cifarPlane {
		p.u8[3*j], p.u8[3*j+1], p.u8[3*j+2] = planes[j], planes[cifarPlane+j], planes[2*cifarPlane+j]
	}
	return p, nil
}

// cifarReady reports whether both splits are present, in any layout.
func cifarReady(st *Store) bool {
	for split := range cifarFiles {
		src, err := findCIFAR10(context.Background(), st, spec.Data{Name: "cifar10", Split: split})
		if err != nil {
			return false
		}
		if batches, ok := src.(cifarBatches); ok {
			if _, err := batches.read(); err != nil {
				return false
			}
		}
	}
	return true
}
