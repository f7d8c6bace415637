package data

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math"
	"os"
	"testing"
)

// The digests in this file are those of TensorFlow 2.21.0's results (CPU, Linux, amd64) as little-endian bytes. To make them
// again: pip install tensorflow-cpu, and the calls named in each test.

// tf.image.rgb_to_grayscale of uint8 arrays [256 256 1 3], r outermost, then g, then b.
func TestGreyIsTensorFlowsForEveryColour(t *testing.T) {
	h := sha256.New()
	row := make([]byte, 256)
	for rg := range 256 * 256 {
		for b := range row {
			row[b] = grey(uint8(rg>>8), uint8(rg), uint8(b))
		}
		h.Write(row)
	}
	const want = "824a76d81dad2c5a2cf1fa0b2c0a5afe7d871ec2970e4fa2809b53ddbecdca93"
	if got := sum(h); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestGreyOfGreyIsItself(t *testing.T) {
	for x := range 256 {
		if got := grey(uint8(x), uint8(x), uint8(x)); got != uint8(x) {
			t.Errorf("got %d, want %d", got, x)
		}
	}
}

// tf.image.resize(x, (size, size)) of x[i] = (37 i + 11) mod 251 as uint8 [1 h w c].
func TestResizeIsTensorFlowsBitForBit(t *testing.T) {
	for _, c := range []struct {
		from header
		size int
		want string
	}{
		{header{28, 28, 1}, 32, "eac00879cb41105efe5d768ffd6a42eb441fd171afb5eff881bac8d33254d619"},
		{header{5, 7, 3}, 8, "6bcf787e35a2dcc43347e701a5e6ac71be05be9e0bf3fc4643879d47c285691a"},
		{header{64, 64, 1}, 32, "8334467041a5d932774d131dca64ab57efb7bc126c745f04757570647c30d9ff"},
		{header{3, 3, 1}, 7, "55174cd037948d86421cead2dee8dd63bfc4fe9e85df5670ae9522b10172881d"},
		{header{10, 4, 1}, 3, "25469f88f9c5d8c67ecd39675e5534dc81a59fba93be96b127e181dcfc1c8e33"},
		{header{1, 1, 1}, 4, "bf3800af6d64acbd92c28bfd9d1a6ad9ea297f6ab0c266fa22e3c33ba90227b1"},
	} {
		src := make([]uint8, c.from.size())
		for i := range src {
			src[i] = uint8((37*i + 11) % 251)
		}
		dst := make([]float32, c.size*c.size*c.from.c)
		resize(dst, c.size, c.size, src, c.from)
		h := sha256.New()
		if err := writeWords(h, dst, math.Float32bits); err != nil {
			t.Fatal(err)
		}
		if got := sum(h); got != c.want {
			t.Errorf("%v to %d: got %s, want %s; first values %v", c.from, c.size, got, c.want, dst[:min(6, len(dst))])
		}
	}
}

// 2 to 4 pixels: the outputs are at -0.25, 0.25, 0.75 and 1.25.
func TestResizeByHand(t *testing.T) {
	dst := make([]float32, 16)
	resize(dst, 4, 4, []uint8{0, 100, 200, 40}, header{2, 2, 1})
	want := []float32{
		0, 25, 75, 100,
		50, 58.75, 76.25, 85,
		150, 126.25, 78.75, 55,
		200, 160, 80, 40,
	}
	for i := range want {
		if dst[i] != want[i] {
			t.Fatalf("got %v, want %v", dst, want)
		}
	}
}

func TestResizeOfAConstantIsThatConstant(t *testing.T) {
	for _, size := range []int{1, 5, 32, 61} {
		src := bytes.Repeat([]byte{77, 5, 201}, 28*19)
		dst := make([]float32, size*size*3)
		resize(dst, size, size, src, header{28, 19, 3})
		for i := range dst {
			if dst[i] != float32(src[i%3]) {
				t.Fatalf("size %d: got %g, want %d", size, dst[i], src[i%3])
			}
		}
	}
}

func TestDecodedPixelsAreTheStoredOnes(t *testing.T) {
	colour := image.NewNRGBA(image.Rect(0, 0, 2, 2))
	for i, c := range []color.NRGBA{{255, 0, 0, 255}, {0, 128, 0, 255}, {1, 2, 3, 255}, {200, 100, 50, 10}} {
		colour.SetNRGBA(i%2, i/2, c)
	}
	grey := image.NewGray(image.Rect(0, 0, 3, 1))
	copy(grey.Pix, []uint8{0, 7, 255})
	deep := image.NewGray16(image.Rect(0, 0, 2, 1))
	deep.SetGray16(0, 0, color.Gray16{0x12ff})
	deep.SetGray16(1, 0, color.Gray16{0xfe00})
	palette := image.NewPaletted(image.Rect(0, 0, 2, 1), color.Palette{color.NRGBA{9, 8, 7, 255}, color.NRGBA{1, 1, 1, 255}})
	palette.Pix[1] = 1
	for _, c := range []struct {
		name string
		img  image.Image
		from header
		want []uint8
	}{
		{"colour, transparency dropped", colour, header{2, 2, 3}, []uint8{255, 0, 0, 0, 128, 0, 1, 2, 3, 200, 100, 50}},
		{"grey", grey, header{1, 3, 1}, []uint8{0, 7, 255}},
		{"16 bits, the high byte", deep, header{1, 2, 1}, []uint8{0x12, 0xfe}},
		{"palette", palette, header{1, 2, 3}, []uint8{9, 8, 7, 1, 1, 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := new(decoder).decode(context.Background(), encodePNG(t, c.img))
			if err != nil {
				t.Fatal(err)
			}
			if p.header != c.from || !bytes.Equal(p.u8, c.want) {
				t.Errorf("got %v %v, want %v %v", p.header, p.u8, c.from, c.want)
			}
		})
	}
}

func TestJPEGKeepsItsChannels(t *testing.T) {
	for _, c := range []struct {
		img  image.Image
		want header
	}{
		{image.NewGray(image.Rect(0, 0, 9, 5)), header{5, 9, 1}},
		{image.NewNRGBA(image.Rect(0, 0, 9, 5)), header{5, 9, 3}},
	} {
		var text bytes.Buffer
		if err := jpeg.Encode(&text, c.img, nil); err != nil {
			t.Fatal(err)
		}
		p, err := new(decoder).decode(context.Background(), text.Bytes())
		if err != nil || p.header != c.want || len(p.u8) != p.size() {
			t.Errorf("got %v, %v, want %v", p.header, err, c.want)
		}
	}
}

func TestChannelsAreConverted(t *testing.T) {
	p := picture{header: header{1, 2, 3}, u8: []uint8{255, 0, 0, 10, 10, 10}}
	if q := p.withChannels(1); q.c != 1 || !bytes.Equal(q.u8, []uint8{76, 10}) {
		t.Errorf("to grey: got %v", q)
	}
	q := picture{header: header{1, 2, 1}, u8: []uint8{4, 9}}.withChannels(3)
	if q.c != 3 || !bytes.Equal(q.u8, []uint8{4, 4, 4, 9, 9, 9}) {
		t.Errorf("to colour: got %v", q)
	}
	if q := p.withChannels(0); q.c != 3 || &q.u8[0] != &p.u8[0] {
		t.Errorf("as stored: got %v", q)
	}
	f := picture{header: header{1, 1, 1}, f32: []float32{0.25}}.withChannels(3)
	if fmt.Sprint(f.f32) != "[0.25 0.25 0.25]" {
		t.Errorf("floats to colour: got %v", f.f32)
	}
}

func encodePNG(t testing.TB, img image.Image) []byte {
	t.Helper()
	var text bytes.Buffer
	if err := png.Encode(&text, img); err != nil {
		t.Fatal(err)
	}
	return text.Bytes()
}

// The .rgb files are Pillow 13.0's pixels (libjpeg-turbo) of the .jpg files, which it made from random colours, enlarged. The
// decoders' cosine transforms may round differently, so pixels may differ a little, but not as much as by repeated chroma.
func TestJPEGChromaIsInterpolatedAsLibjpegDoes(t *testing.T) {
	for _, name := range []string{"testdata/chroma420", "testdata/chroma422"} {
		b, err := os.ReadFile(name + ".jpg")
		if err != nil {
			t.Fatal(err)
		}
		p, err := new(decoder).decode(context.Background(), b)
		if err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile(name + ".rgb")
		if err != nil {
			t.Fatal(err)
		}
		if largest, mean := difference(p.u8, want); largest > 3 || mean > 0.3 {
			t.Errorf("%s: got pixels that differ by up to %g, %.2f on average", name, largest, mean)
		}
	}
}

func difference(a, b []uint8) (largest, mean float64) {
	if len(a) != len(b) {
		return math.Inf(1), math.Inf(1)
	}
	for i := range a {
		d := math.Abs(float64(a[i]) - float64(b[i]))
		largest = max(largest, d)
		mean += d / float64(len(a))
	}
	return largest, mean
}
