package raster

import (
	"context"
	"fmt"
	"image"
	"image/color"
)

// fill writes the pixels of img, whose size is that of p.
func (p *Picture) fill(ctx context.Context, img image.Image) error {
	switch img := img.(type) {
	case *image.YCbCr:
		return eachRow(ctx, p.H, jpegRows(p, img))
	case *videoFrame:
		return eachRow(ctx, p.H, webpRows(p, img.YCbCr))
	}
	origin := img.Bounds().Min
	read, err := rowReader(img)
	if err != nil {
		return err
	}
	if grey(img) && p.C != 1 {
		return fmt.Errorf("got grey pixels, want the colour that the header announces")
	}
	scratch := make([]uint8, 4*p.W)
	return eachRow(ctx, p.H, func(y int) {
		row := p.Pix[y*p.W*p.C : (y+1)*p.W*p.C]
		if grey(img) {
			read(row, origin.X, origin.Y+y)
			return
		}
		read(scratch, origin.X, origin.Y+y)
		for x := range p.W {
			rgba := scratch[4*x : 4*x+4]
			copy(row[x*p.C:(x+1)*p.C], rgba[:3])
			if rgba[3] != 255 {
				p.Traits |= Transparent
			}
		}
	})
}

// eachRow calls do for every row while ctx lasts.
func eachRow(ctx context.Context, h int, do func(y int)) error {
	for y := range h {
		if y%64 == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		do(y)
	}
	return nil
}

func grey(img image.Image) bool {
	switch img.(type) {
	case *image.Gray, *image.Gray16:
		return true
	}
	return false
}

// rowReader returns a function that writes a row of img from (x, y) on: grey bytes if img is grey, otherwise R, G, B, A with the colour
// as it is without transparency. Of 16 bits it takes the high byte.
func rowReader(img image.Image) (func(row []uint8, x, y int), error) {
	switch img := img.(type) {
	case *image.Gray:
		return func(row []uint8, x, y int) { copy(row, img.Pix[img.PixOffset(x, y):]) }, nil
	case *image.Gray16:
		return func(row []uint8, x, y int) { highBytes(row, img.Pix[img.PixOffset(x, y):]) }, nil
	case *image.NRGBA:
		return func(row []uint8, x, y int) { copy(row, img.Pix[img.PixOffset(x, y):]) }, nil
	case *image.NRGBA64:
		return func(row []uint8, x, y int) { highBytes(row, img.Pix[img.PixOffset(x, y):]) }, nil
	case *image.RGBA:
		return func(row []uint8, x, y int) {
			copy(row, img.Pix[img.PixOffset(x, y):])
			unmultiply(row)
		}, nil
	case *image.RGBA64:
		return func(row []uint8, x, y int) {
			highBytes(row, img.Pix[img.PixOffset(x, y):])
			unmultiply(row)
		}, nil
	case *image.CMYK:
		return func(row []uint8, x, y int) {
			ink := img.Pix[img.PixOffset(x, y):]
			for k := 0; k < len(row); k += 4 {
				row[k], row[k+1], row[k+2] = color.CMYKToRGB(ink[k], ink[k+1], ink[k+2], ink[k+3])
				row[k+3] = 255
			}
		}, nil
	case *image.Paletted:
		var table [256][4]uint8
		for i, c := range img.Palette {
			n := color.NRGBAModel.Convert(c).(color.NRGBA)
			table[i] = [4]uint8{n.R, n.G, n.B, n.A}
		}
		return func(row []uint8, x, y int) {
			for k, i := range img.Pix[img.PixOffset(x, y):][:len(row)/4] {
				copy(row[4*k:], table[i][:])
			}
		}, nil
	}
	return nil, fmt.Errorf("got pixels of type %T, which are not known", img)
}

func highBytes(row, pix []uint8) {
	for i := range row {
		row[i] = pix[2*i]
	}
}

// unmultiply divides the colours of a row of R, G, B, A by their alpha.
func unmultiply(row []uint8) {
	for k := 0; k < len(row); k += 4 {
		alpha := uint32(row[k+3])
		if alpha == 0 || alpha == 255 {
			continue
		}
		for i := range 3 {
			row[k+i] = uint8(min(255*uint32(row[k+i])/alpha, 255))
		}
	}
}
