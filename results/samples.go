package results

import (
	"bytes"
	"cmp"
	"fmt"
	"image"
	"image/png"
)

// Sample is a row of the samples table: a sample sheet.
type Sample struct {
	Trial string `json:"trial"`
	Epoch int    `json:"epoch"`
	Kind  string `json:"kind"` // such as "grid"
	PNG   []byte `json:"png"`
}

// sampleKey identifies a sample.
type sampleKey struct {
	Trial string `json:"trial"`
	Epoch int    `json:"epoch"`
	Kind  string `json:"kind"`
}

func (k sampleKey) compare(other sampleKey) int {
	return cmp.Or(cmp.Compare(k.Epoch, other.Epoch), cmp.Compare(k.Kind, other.Kind))
}

// sampleColumns are the columns of the samples table after those that all tables share.
var sampleColumns = []column{
	stored("epoch", func(r *record) *int { return &r.Sample.Epoch }, ""),
	stored("kind", func(r *record) *string { return &r.Sample.Kind }, "`grid`: a sheet of samples from the same latents at every epoch"),
	// Not width and height, which are natural names of hyperparameters.
	computed("image_width", func(r *record) int32 { return int32(r.Picture.Width) }, "pixels"),
	computed("image_height", func(r *record) int32 { return int32(r.Picture.Height) }, "pixels"),
	stored("png", func(r *record) *[]byte { return &r.Sample.PNG }, ""),
}

// size is the size of the picture, which a sample must have.
func (s Sample) size() (image.Config, error) {
	picture, err := png.DecodeConfig(bytes.NewReader(s.PNG))
	if err != nil {
		return image.Config{}, fmt.Errorf("sample of trial %s, epoch %d: %w", s.Trial, s.Epoch, err)
	}
	return picture, nil
}

// sampleOf is the sample that a row shows.
func (m Meta) sampleOf(row Row) Sample {
	r := m.layout(Samples).record(row)
	r.Sample.Trial = r.Trial.ID
	return r.Sample
}
