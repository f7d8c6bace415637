package data

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/starsweep/starsweep/internal/require"
)

// write puts a file, and the folders above it, below dir.
func write(t testing.TB, dir, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// tile is a PNG of h x w pixels of one grey, or of one colour.
func tile(t testing.TB, h, w int, shades ...uint8) []byte {
	r := image.Rect(0, 0, w, h)
	if len(shades) == 1 {
		img := image.NewGray(r)
		for i := range img.Pix {
			img.Pix[i] = shades[0]
		}
		return encodePNG(t, img)
	}
	img := image.NewNRGBA(r)
	for i := range h * w {
		img.SetNRGBA(i%w, i/w, color.NRGBA{shades[0], shades[1], shades[2], 255})
	}
	return encodePNG(t, img)
}

func TestFolderWithoutSubfoldersHasNoLabels(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "b.PNG", tile(t, 2, 3, 20))
	write(t, dir, "a.png", tile(t, 2, 3, 10))
	write(t, dir, "notes.txt", []byte("not an image"))
	write(t, dir, ".hidden.png", []byte("not an image"))
	s := open(t, store(t), Spec{Name: "images", Path: dir})
	if want := (Shape{2, 2, 3, 1, 0}); s.Shape() != want || s.Labels != nil {
		t.Errorf("got %v, labels %v, want %v", s.Shape(), s.Labels, want)
	}
	if want := []uint8{10, 10, 10, 10, 10, 10, 20, 20, 20, 20, 20, 20}; !bytes.Equal(s.U8, want) {
		t.Errorf("got %v, want %v", s.U8, want)
	}
}

func TestSubfoldersAreClassesAndSplits(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "train/zebra/1.png", tile(t, 1, 1, 1))
	write(t, dir, "train/cat/2.png", tile(t, 1, 1, 2))
	write(t, dir, "train/cat/deep/3.png", tile(t, 1, 1, 3))
	write(t, dir, "test/cat/4.png", tile(t, 1, 1, 4))
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	s := open(t, store(t), Spec{Name: "images", Path: link})
	if !bytes.Equal(s.U8, []uint8{2, 3, 1}) || !reflect.DeepEqual(s.Labels, []int32{0, 0, 1}) ||
		!reflect.DeepEqual(s.ClassNames, []string{"cat", "zebra"}) || s.Classes != 2 {
		t.Errorf("got pixels %v, labels %v of %v", s.U8, s.Labels, s.ClassNames)
	}
	s = open(t, store(t), Spec{Name: "images", Path: dir, Split: "test"})
	if !bytes.Equal(s.U8, []uint8{4}) {
		t.Errorf("test split: got %v", s.U8)
	}
	_, err := store(t).Open(context.Background(), Spec{Name: "images", Path: dir, Split: "validation"})
	wantError(t, err, `no folder "validation"`)
}

func TestMixedFolderIsResizedAndMadeGrey(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "1.png", tile(t, 4, 4, 51))
	write(t, dir, "2.png", tile(t, 9, 5, 204, 204, 204))
	st := store(t)
	s := open(t, st, Spec{Name: "images", Path: dir, Size: 4, Channels: 1})
	if s.F32 == nil || s.F32[0] != pixelValue[51] || s.F32[16] != pixelValue[204] {
		t.Errorf("got %v", s.F32)
	}
	_, err := st.Open(context.Background(), Spec{Name: "images", Path: dir, Channels: 1})
	wantError(t, err, "2.png: got 9 x 5 x 1, want 4 x 4 as the first image is: set size")
	_, err = st.Open(context.Background(), Spec{Name: "images", Path: dir, Size: 4})
	wantError(t, err, "2.png: got 9 x 5 x 3, want 1 channels as the first image has: set channels to 1 or 3")
}

func TestASetSaysWhatItDoesNotUseOfItsPictures(t *testing.T) {
	dir := t.TempDir()
	for i, name := range []string{"animated.gif", "rotated.jpg", "rgba-8.png", "rgb-8.png"} {
		b, err := os.ReadFile(filepath.Join("raster/testdata/pictures", name))
		if err != nil {
			t.Fatal(err)
		}
		write(t, dir, fmt.Sprintf("%d%s", i, filepath.Ext(name)), b)
	}
	want := []string{
		"1 of 4 images have more than one frame or page: the first is read",
		"1 of 4 images have an EXIF orientation, which is not applied",
		"1 of 4 images have transparency, which is dropped: the colour underneath is read",
	}
	if s := open(t, store(t), Spec{Name: "images", Path: dir, Size: 8}); !reflect.DeepEqual(s.Notes, want) {
		t.Errorf("got %q, want %q", s.Notes, want)
	}
}

func TestGreyPNGsMayHaveTransparency(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"grey-8-transparent.png", "grey-16-transparent.png", "grey-1-transparent.png"} {
		b, err := os.ReadFile(filepath.Join("raster/testdata/pictures", name))
		if err != nil {
			t.Fatal(err)
		}
		write(t, dir, name, b)
	}
	s := open(t, store(t), Spec{Name: "images", Path: dir})
	if want := (Shape{N: 3, H: 5, W: 6, C: 1}); s.Shape() != want || s.U8 == nil {
		t.Errorf("got %v, want %v", s.Shape(), want)
	}
}

func TestFolderFaultsNameTheFile(t *testing.T) {
	for _, c := range []struct {
		name  string
		files map[string][]byte
		want  string
	}{
		{"truncated", map[string][]byte{"a.png": tile(t, 2, 2, 1), "b.png": tile(t, 2, 2, 1)[:50]}, "b.png: png: invalid format: unexpected EOF"},
		{"not an image", map[string][]byte{"a.png": tile(t, 2, 2, 1), "b.jpg": []byte("hello")}, "b.jpg: got an unknown format, want PNG, JPEG"},
		{"first one corrupt", map[string][]byte{"a.gif": []byte("GIF89a")}, "a.gif: "},
		{"none", map[string][]byte{"a.txt": nil}, "no PNG, JPEG, GIF, BMP, TIFF or WebP images in "},
		{"loose files beside classes", map[string][]byte{"a.png": tile(t, 2, 2, 1), "x/b.png": tile(t, 2, 2, 1)},
			"got 1 image in no class folder: a.png, and others in folders"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, content := range c.files {
				write(t, dir, name, content)
			}
			_, err := store(t).Open(context.Background(), Spec{Name: "images", Path: dir})
			wantError(t, err, c.want, "images: ")
		})
	}
}

// hfRow is a row as Hugging Face's datasets writes it.
type hfRow struct {
	Image struct {
		Bytes []byte `parquet:"bytes"`
		Path  string `parquet:"path,optional"`
	} `parquet:"image"`
	Label int64 `parquet:"label"`
}

func hfRows(images ...[]byte) []hfRow {
	rows := make([]hfRow, len(images))
	for i := range rows {
		rows[i].Image.Bytes, rows[i].Label = images[i], int64(i%3)
	}
	return rows
}

func writeParquet[T any](t testing.TB, path string, rows []T, options ...parquet.WriterOption) {
	t.Helper()
	var text bytes.Buffer
	w := parquet.NewGenericWriter[T](&text, options...)
	if _, err := w.Write(rows); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Dir(path), filepath.Base(path), text.Bytes())
}

func TestParquetFolderIsReadAcrossFilesAndRowGroups(t *testing.T) {
	dir := t.TempDir()
	var images [][]byte
	for i := range 10 {
		images = append(images, tile(t, 2, 2, uint8(i)))
	}
	names := `{"info": {"features": {"label": {"names": ["zero", "one", "two"], "_type": "ClassLabel"}, "image": {"_type": "Image"}}}}`
	options := []parquet.WriterOption{parquet.MaxRowsPerRowGroup(3), parquet.KeyValueMetadata("huggingface", names)}
	writeParquet(t, filepath.Join(dir, "train-0.parquet"), hfRows(images[:7]...), options...)
	writeParquet(t, filepath.Join(dir, "train-1.parquet"), hfRows(images[7:]...), options...)
	writeParquet(t, filepath.Join(dir, "test-0.parquet"), hfRows(images[3:5]...), options...)
	st := store(t)
	s := open(t, st, Spec{Name: "parquet", Path: dir})
	for i := range s.N {
		if s.U8[4*i] != uint8(i) || s.Labels[i] != int32(i%7%3) {
			t.Errorf("image %d: got pixel %d, label %d", i, s.U8[4*i], s.Labels[i])
		}
	}
	if s.N != 10 || !reflect.DeepEqual(s.ClassNames, []string{"zero", "one", "two"}) {
		t.Errorf("got %d images, classes %v", s.N, s.ClassNames)
	}
	if s := open(t, st, Spec{Name: "parquet", Path: dir, Split: "test"}); !bytes.Equal(s.U8, []uint8{3, 3, 3, 3, 4, 4, 4, 4}) {
		t.Errorf("test split: got %v", s.U8)
	}
	s = open(t, st, Spec{Name: "parquet", Path: dir, Classes: []int{0}, Limit: 3})
	if !bytes.Equal(s.U8, []uint8{0, 0, 0, 0, 3, 3, 3, 3, 6, 6, 6, 6}) {
		t.Errorf("class 0: got %v", s.U8)
	}
	_, err := st.Open(context.Background(), Spec{Name: "parquet", Path: dir, Split: "validation"})
	wantError(t, err, `no Parquet files of the split "validation"`)
}

func TestUnlabelledTakesEveryParquetFileAndNoLabels(t *testing.T) {
	type row struct {
		PNG   []byte `parquet:"png"`
		Label string `parquet:"label"`
	}
	dir := t.TempDir()
	writeParquet(t, filepath.Join(dir, "train-0.parquet"), []row{{tile(t, 1, 1, 1), "cat"}})
	writeParquet(t, filepath.Join(dir, "test-0.parquet"), []row{{tile(t, 1, 1, 2), "dog"}})
	s := open(t, store(t), Spec{Name: "parquet", Path: dir, Unlabelled: true})
	if !bytes.Equal(s.U8, []uint8{2, 1}) || s.Labels != nil {
		t.Errorf("got shades %v, labels %v", s.U8, s.Labels)
	}
}

func TestParquetColumnsAreFoundOrNamed(t *testing.T) {
	type plain struct {
		Name  string `parquet:"name"`
		PNG   []byte `parquet:"png"`
		Kind  int32  `parquet:"kind"`
		Other []byte `parquet:"other,optional"`
	}
	path := filepath.Join(t.TempDir(), "x.parquet")
	writeParquet(t, path, []plain{{"a", tile(t, 1, 1, 7), 2, nil}, {"b", tile(t, 1, 1, 8), 0, nil}})
	s := open(t, store(t), Spec{Name: "parquet", Path: path, Column: "png", LabelColumn: "kind"})
	if !bytes.Equal(s.U8, []uint8{7, 8}) || !reflect.DeepEqual(s.Labels, []int32{2, 0}) || s.Classes != 3 {
		t.Errorf("got %v, %v, %v", s.U8, s.Labels, s.Shape())
	}
	for _, c := range []struct {
		spec Spec
		want string
	}{
		{Spec{}, "got 2 columns that may hold images, want one: set column; the columns are name, png, kind, other"},
		{Spec{Column: "image"}, `no column "image": the columns are name, png, kind, other`},
		{Spec{Column: "name"}, `column "name": got`},
		{Spec{Column: "png", LabelColumn: "other"}, "want integers, texts or truth values"},
		{Spec{Column: "png", LabelColumn: "label"}, `no column "label" for labels`},
		{Spec{Column: "other"}, "x.parquet: row 0: no image"},
		{Spec{Column: "png", Classes: []int{1}}, "the images have no labels"},
	} {
		c.spec.Name, c.spec.Path = "parquet", path
		_, err := store(t).Open(context.Background(), c.spec)
		wantError(t, err, c.want)
	}
}

func TestCorruptParquetNamesFileAndRow(t *testing.T) {
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad.parquet")
	writeParquet(t, bad, hfRows(tile(t, 2, 2, 1), tile(t, 2, 2, 1)[:40]))
	_, err := store(t).Open(context.Background(), Spec{Name: "parquet", Path: bad})
	wantError(t, err, "bad.parquet: row 1: ")

	text, err := os.ReadFile(bad)
	if err != nil {
		t.Fatal(err)
	}
	cut := write(t, dir, "cut.parquet", text[:len(text)/2])
	_, err = store(t).Open(context.Background(), Spec{Name: "parquet", Path: cut})
	wantError(t, err, "cut.parquet: ")
	empty := filepath.Join(dir, "empty.parquet")
	writeParquet(t, empty, []hfRow{})
	_, err = store(t).Open(context.Background(), Spec{Name: "parquet", Path: empty})
	wantError(t, err, "empty.parquet: no rows")
}

func TestChestCTSlicesFromParquet(t *testing.T) {
	path := filepath.Join(require.Shared(t), "data", "chest_ct")
	s := open(t, store(t), Spec{Name: "parquet", Path: path, Limit: 500})
	if want := (Shape{500, 64, 64, 1, 1}); s.Shape() != want || s.U8 == nil {
		t.Errorf("got %v, want %v in bytes", s.Shape(), want)
	}
	if m := mean(s); m < 30 || m > 200 {
		t.Errorf("mean pixel: got %.1f", m)
	}
}

// cifarBin is records of the binary layout with the pixels and labels of s.
func cifarBin(s *Set) []byte {
	var text []byte
	for i := range s.N {
		text = append(text, byte(s.Labels[i]))
		for c := range 3 {
			for k := range cifarPlane {
				text = append(text, s.U8[(i*cifarPlane+k)*3+c])
			}
		}
	}
	return text
}

func TestCIFAR10IsTheSameInBothLayouts(t *testing.T) {
	st := store(t)
	path := filepath.Join(require.Shared(t), "data", "cifar10")
	for split, files := range cifarFiles {
		real := open(t, st, Spec{Name: "cifar10", Path: path, Split: split, Limit: 300})
		if real.C != 3 || real.U8 == nil || !reflect.DeepEqual(real.ClassNames, cifarNames) {
			t.Fatalf("got %v, classes %v", real.Shape(), real.ClassNames)
		}
		dir := t.TempDir()
		text := cifarBin(real)
		for i, name := range files {
			write(t, dir, name, text[i*len(text)/len(files):(i+1)*len(text)/len(files)])
		}
		again := open(t, st, Spec{Name: "cifar10", Path: dir, Split: split})
		if again.Digest != real.Digest {
			t.Errorf("%s: the binary layout gave other images", split)
		}
	}
}

func TestGreyCIFAR10IsTheLumaOfEachPixel(t *testing.T) {
	path := filepath.Join(require.Shared(t), "data", "cifar10")
	st := store(t)
	colour := open(t, st, Spec{Name: "cifar10", Path: path, Split: "test", Limit: 50})
	s := open(t, st, Spec{Name: "cifar10", Path: path, Split: "test", Limit: 50, Channels: 1})
	if s.C != 1 || s.U8 == nil {
		t.Fatalf("got %v", s.Shape())
	}
	for i, y := range s.U8 {
		if want := grey(colour.U8[3*i], colour.U8[3*i+1], colour.U8[3*i+2]); y != want {
			t.Fatalf("pixel %d: got %d, want %d", i, y, want)
		}
	}
}

func TestWholeCIFAR10HasItsCounts(t *testing.T) {
	if testing.Short() {
		t.Skip("decodes 60,000 images")
	}
	root := filepath.Join(require.Shared(t), "data", "cifar10")
	st := store(t)
	if err := os.Symlink(root, filepath.Join(st.Dir, "cifar10")); err != nil {
		t.Fatal(err)
	}
	for _, split := range []string{"train", "test"} {
		s := open(t, st, Spec{Name: "cifar10", Split: split})
		if got := counts(s); !reflect.DeepEqual(got, cifarKnown.counts[split]) {
			t.Errorf("%s: got %v of each class, want %v", split, got, cifarKnown.counts[split])
		}
	}
}

func TestCorruptCIFAR10SaysHowToGetItAgain(t *testing.T) {
	dir := t.TempDir()
	record := make([]byte, cifarRecord)
	for i := range 4 {
		write(t, dir, fmt.Sprintf("data_batch_%d.bin", i+1), record)
	}
	_, err := store(t).Open(context.Background(), Spec{Name: "cifar10", Path: dir})
	wantError(t, err, "data_batch_5.bin: no such file", "starsweep data get cifar10")
	write(t, dir, "data_batch_5.bin", record[:3000])
	_, err = store(t).Open(context.Background(), Spec{Name: "cifar10", Path: dir})
	wantError(t, err, "data_batch_5.bin is corrupt: got 3000 bytes, want a multiple of 3073", "starsweep data get cifar10")
	record[0] = 10
	write(t, dir, "data_batch_5.bin", record)
	_, err = store(t).Open(context.Background(), Spec{Name: "cifar10", Path: dir})
	wantError(t, err, "image 0: got label 10, want 0 to 9")
	st := store(t)
	record[0] = 9
	for _, name := range cifarFiles["train"] {
		write(t, filepath.Join(st.Dir, "cifar10", cifarFolder), name, record)
	}
	_, err = st.Open(context.Background(), Spec{Name: "cifar10"})
	wantError(t, err, `got 5 images of the split "train", want 50000`)
}

func TestTextsAndTruthValuesOfParquetAreClassesInTheirOrder(t *testing.T) {
	type row struct {
		Image []byte `parquet:"image"`
		Label string `parquet:"label"`
		Truth bool   `parquet:"truth"`
	}
	dir := t.TempDir()
	writeParquet(t, filepath.Join(dir, "train-0.parquet"), []row{{tile(t, 1, 1, 1), "dog", true}, {tile(t, 1, 1, 2), "cat", true}})
	writeParquet(t, filepath.Join(dir, "train-1.parquet"), []row{{tile(t, 1, 1, 3), "cat", true}})
	writeParquet(t, filepath.Join(dir, "test-0.parquet"), []row{{tile(t, 1, 1, 4), "ant", false}, {tile(t, 1, 1, 5), "dog", true}})
	// The classes of one split are those of the other, though no row of the training split is an ant.
	for _, c := range []struct {
		split, column string
		labels        []int32
		names         []string
	}{
		{"train", "", []int32{2, 1, 1}, []string{"ant", "cat", "dog"}},
		{"test", "", []int32{0, 2}, []string{"ant", "cat", "dog"}},
		{"train", "truth", []int32{1, 1, 1}, []string{"false", "true"}},
	} {
		s := open(t, store(t), Spec{Name: "parquet", Path: dir, Split: c.split, LabelColumn: c.column})
		if !reflect.DeepEqual(s.Labels, c.labels) || !reflect.DeepEqual(s.ClassNames, c.names) || s.Classes != len(c.names) {
			t.Errorf("%s: got labels %v of %d classes %q, want %v of %q", c.split, s.Labels, s.Classes, s.ClassNames, c.labels, c.names)
		}
	}
	type dated struct {
		Image []byte `parquet:"image"`
		Label int32  `parquet:"label,date"`
	}
	writeParquet(t, filepath.Join(dir, "dates.parquet"), []dated{{tile(t, 1, 1, 1), 3}})
	_, err := store(t).Open(context.Background(), Spec{Name: "parquet", Path: filepath.Join(dir, "dates.parquet")})
	wantError(t, err, `column "label": got`)
}

func TestParquetLabelsThatDifferBetweenFilesAreRefused(t *testing.T) {
	type texts struct {
		Image []byte `parquet:"image"`
		Label string `parquet:"label"`
	}
	dir := t.TempDir()
	writeParquet(t, filepath.Join(dir, "a.parquet"), hfRows(tile(t, 1, 1, 1)))
	writeParquet(t, filepath.Join(dir, "b.parquet"), []texts{{tile(t, 1, 1, 1), "x"}})
	_, err := store(t).Open(context.Background(), Spec{Name: "parquet", Path: dir})
	wantError(t, err, "b.parquet: column \"label\": got")
	wantError(t, err, "as in the first file")

	names := func(name string) parquet.WriterOption {
		return parquet.KeyValueMetadata("huggingface", `{"info": {"features": {"label": {"names": ["`+name+`"]}}}}`)
	}
	writeParquet(t, filepath.Join(dir, "a.parquet"), hfRows(tile(t, 1, 1, 1)), names("cat"))
	writeParquet(t, filepath.Join(dir, "b.parquet"), hfRows(tile(t, 1, 1, 1)), names("dog"))
	_, err = store(t).Open(context.Background(), Spec{Name: "parquet", Path: dir})
	wantError(t, err, `got classes ["dog"], want ["cat"] as in the first file`)
}

func TestOneParquetImageForManyRowsHasABound(t *testing.T) {
	type row struct {
		Image []byte `parquet:"image,dict"`
	}
	rows := make([]row, 1200)
	for i := range rows {
		rows[i].Image = bytes.Repeat([]byte("x"), 1<<19) // 600 MB of 0.5
	}
	path := filepath.Join(t.TempDir(), "x.parquet")
	writeParquet(t, path, rows, parquet.Compression(&parquet.Zstd))
	_, err := (&parquetFiles{files: []string{path}, spec: Spec{Path: path}}).open(context.Background(), []int{len(rows) - 1})
	if err != nil { // one of them is no problem
		t.Error(err)
	}
	every := make([]int, len(rows))
	for i := range every {
		every[i] = i
	}
	_, err = (&parquetFiles{files: []string{path}, spec: Spec{Path: path}}).open(context.Background(), every)
	wantError(t, err, "the images unpack to more than such a file may hold")
}
