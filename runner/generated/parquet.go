package generated

import (
	"context"
	"encoding/json"
	"io"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"
)

// The rows of the tables. A picture is a struct as Hugging Face's datasets stores it; parquet(...) of scripts reads it as well. No value
// is null, but datasets believes the description of a column only if it may have nulls, as its own columns do.
type (
	picture struct {
		Bytes []byte `parquet:"bytes,optional"`
		Path  string `parquet:"path,optional"`
	}
	imageRow struct {
		Image *picture `parquet:"image,optional"`
	}
	labelledImageRow struct {
		Image *picture `parquet:"image,optional"`
		Label *int64   `parquet:"label,optional"`
	}
	pointRow struct {
		X *float32 `parquet:"x,optional"`
		Y *float32 `parquet:"y,optional"`
	}
	labelledPointRow struct {
		X     *float32 `parquet:"x,optional"`
		Y     *float32 `parquet:"y,optional"`
		Label *int64   `parquet:"label,optional"`
	}
)

func writeParquet(ctx context.Context, w io.Writer, s Set) error {
	e := newEncoder(s)
	image := func(i int, x []float32) (*picture, error) {
		b, err := e.encode(x)
		return &picture{b, s.name(i)}, err
	}
	label := func(i int) *int64 {
		n := int64(s.Label(i))
		return &n
	}
	switch {
	case s.Points() && s.Classes > 0:
		return writeRows(ctx, w, s, func(i int, x []float32) (labelledPointRow, error) {
			return labelledPointRow{&x[0], &x[1], label(i)}, nil
		})
	case s.Points():
		return writeRows(ctx, w, s, func(_ int, x []float32) (pointRow, error) { return pointRow{&x[0], &x[1]}, nil })
	case s.Classes > 0:
		return writeRows(ctx, w, s, func(i int, x []float32) (labelledImageRow, error) {
			p, err := image(i, x)
			return labelledImageRow{p, label(i)}, err
		})
	}
	return writeRows(ctx, w, s, func(i int, x []float32) (imageRow, error) {
		p, err := image(i, x)
		return imageRow{p}, err
	})
}

// groupRows is the number of rows of a row group, which the writer holds in memory.
const groupRows = 1000

// writeRows writes a row for each sample.
func writeRows[R any](ctx context.Context, w io.Writer, s Set, row func(i int, x []float32) (R, error)) error {
	features, err := s.features()
	if err != nil {
		return err
	}
	out := parquet.NewGenericWriter[R](w,
		parquet.Compression(&zstd.Codec{}),
		parquet.MaxRowsPerRowGroup(groupRows),
		parquet.CreatedBy("starsweep", "", ""),
		parquet.KeyValueMetadata("starsweep.samples", s.Source),
		parquet.KeyValueMetadata("huggingface", features),
		// The smallest and the largest picture are meaningless statistics.
		parquet.SkipPageBounds("image", "bytes"), parquet.SkipPageStatistics("image", "bytes"),
	)
	err = s.each(ctx, func(i int, x []float32) error {
		r, err := row(i, x)
		if err == nil {
			_, err = out.Write([]R{r})
		}
		return err
	})
	if err != nil {
		return err
	}
	return out.Close()
}

// features describes the columns to Hugging Face's datasets, which then decodes the pictures.
func (s Set) features() (string, error) {
	type feature map[string]string
	columns := map[string]feature{"image": {"_type": "Image"}}
	if s.Points() {
		columns = map[string]feature{"x": {"_type": "Value", "dtype": "float32"}, "y": {"_type": "Value", "dtype": "float32"}}
	}
	if s.Classes > 0 {
		columns["label"] = feature{"_type": "Value", "dtype": "int64"}
	}
	b, err := json.Marshal(map[string]any{"info": map[string]any{"features": columns}})
	return string(b), err
}
