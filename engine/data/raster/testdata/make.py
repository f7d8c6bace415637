"""Makes small pictures of every kind, and writes what Pillow reads of them to expected.txt.

    python make.py            the pictures in pictures/, which are committed
    python make.py FOLDER     expected.txt for the pictures that are in FOLDER already

A line of expected.txt: name, height, width, channels (1 or 3), greatest difference allowed, pixels in hex of zlib; or the name and
"unreadable" where Pillow refuses the file. Pillow 13.0.0 and libjpeg-turbo, libwebp and libtiff as its wheel has them.
"""

import os
import random
import struct
import sys
import zlib

import numpy as np
from PIL import Image, ImageFile

random.seed(1)
rng = np.random.default_rng(1)


def picture(h, w, c):
    """A smooth picture with some noise, so that lossy formats are tried and hide nothing."""
    y, x = np.mgrid[0:h, 0:w]
    planes = [128 + 100 * np.sin(x / (3 + k) + k) * np.cos(y / (4 - k)) + rng.normal(0, 12, (h, w)) for k in range(c)]
    return np.clip(np.stack(planes, -1), 0, 255).astype(np.uint8)


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(h, w, kind, depth, interlaced, extra=b"", before=b""):
    """A PNG file of random samples of one colour type (PNG specification, 3rd edition, section 11.2.1)."""
    samples = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[kind]

    def scan(h, w):
        size = (w * samples * depth + 7) // 8
        return b"".join(b"\0" + bytes(random.randrange(256) for _ in range(size)) for _ in range(h))

    if interlaced:  # Adam7
        passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
        sizes = [(len(range(y, h, dy)), len(range(x, w, dx))) for y, x, dy, dx in passes]
        data = b"".join(scan(a, b) for a, b in sizes if a and b)
    else:
        data = scan(h, w)
    header = struct.pack(">IIBBBBB", w, h, depth, kind, 0, 0, interlaced)
    palette = chunk(b"PLTE", bytes(random.randrange(256) for _ in range(3 << min(depth, 8)))) if kind == 3 else b""
    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
    return start + before + palette + extra + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


def tiff(h, w, c, bits, tags=(), tile=0, blocks=None):
    """An uncompressed little-endian TIFF file; tags replace or add (tag, kind, values)."""
    data = picture(h, w, c)
    if bits == 16:
        data = data.astype("<u2") * 257 + rng.integers(0, 200, data.shape).astype("<u2")
    if tile:
        padded = np.zeros(((h + tile - 1) // tile * tile, (w + tile - 1) // tile * tile, c), data.dtype)
        padded[:h, :w] = data
        blocks = [padded[y : y + tile, x : x + tile].tobytes() for y in range(0, h, tile) for x in range(0, w, tile)]
    blocks = blocks or [data.tobytes()]
    fields = {256: (3, [w]), 257: (3, [h]), 258: (3, [bits] * c), 259: (3, [1]), 262: (3, [2 if c > 1 else 1]), 277: (3, [c])}
    offsets, counts = (324, 325) if tile else (273, 279)
    if tile:
        fields[322], fields[323] = (3, [tile]), (3, [tile])
    else:
        fields[278] = (3, [h])
    fields[offsets], fields[counts] = (4, [0] * len(blocks)), (4, [len(b) for b in blocks])
    fields.update({tag: (kind, values) for tag, kind, values in tags})
    end = 8 + 2 + 12 * len(fields) + 4
    far = sum(len(v) * {3: 2, 4: 4}[k] for k, v in fields.values() if len(v) * {3: 2, 4: 4}[k] > 4)
    at = end + far
    fields[offsets] = (4, [at + sum(len(b) for b in blocks[:i]) for i in range(len(blocks))])
    out, rest = struct.pack("<2sHIH", b"II", 42, 8, len(fields)), b""
    for tag in sorted(fields):
        kind, values = fields[tag]
        packed = struct.pack(f"<{len(values)}{'H' if kind == 3 else 'I'}", *values)
        if len(packed) > 4:
            packed, rest = struct.pack("<I", end + len(rest)), rest + packed
        out += struct.pack("<HHI", tag, kind, len(values)) + packed.ljust(4, b"\0")
    return out + struct.pack("<I", 0) + rest + b"".join(blocks)


def make(folder):
    def save(name, image, **options):
        image.save(os.path.join(folder, name), **options)

    def write(name, data):
        with open(os.path.join(folder, name), "wb") as f:
            f.write(data)

    names = {0: "grey", 2: "rgb", 3: "palette", 4: "grey-alpha", 6: "rgba"}
    for kind, depths in {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}.items():
        for depth in depths:
            for interlaced in (0, 1):
                write(f"{names[kind]}-{depth}{'-interlaced' * interlaced}.png", png(7, 9, kind, depth, interlaced))
            clear = {0: struct.pack(">H", 1), 2: struct.pack(">HHH", 1, 2, 3), 3: bytes(range(0, 250, 125))}.get(kind)
            if clear:
                write(f"{names[kind]}-{depth}-transparent.png", png(5, 6, kind, depth, 0, chunk(b"tRNS", clear)))
    gamma = chunk(b"gAMA", struct.pack(">I", 45455)) + chunk(b"sRGB", b"\0") + chunk(b"tIME", bytes(7))
    write("gamma.png", png(4, 4, 2, 8, 0, before=gamma))
    rgb = [Image.fromarray(picture(11, 14, 3)) for _ in range(3)]
    save("animated.png", rgb[0], save_all=True, append_images=rgb[1:])

    for size in ((16, 16), (17, 15), (1, 1), (3, 2), (33, 5)):
        image = Image.fromarray(picture(*size, 3))
        for subsampling in (0, 1, 2):
            save(f"{size[0]}x{size[1]}-{(444, 422, 420)[subsampling]}.jpg", image, quality=90, subsampling=subsampling)
        save(f"{size[0]}x{size[1]}.webp", image, quality=80)
    image = Image.fromarray(picture(24, 31, 3))
    save("progressive.jpg", image, quality=85, progressive=True, subsampling=2)
    save("restart.jpg", image, quality=85, restart_marker_blocks=2)
    save("untransformed.jpg", image, quality=95, keep_rgb=True)
    save("grey.jpg", Image.fromarray(picture(13, 9, 1)[:, :, 0]), quality=90)
    save("cmyk.jpg", Image.fromarray(picture(16, 16, 4), "CMYK"), quality=95)
    exif = Image.Exif()
    exif[0x0112] = 6
    save("rotated.jpg", image, quality=90, exif=exif)

    rgba = Image.fromarray(picture(10, 13, 4), "RGBA")
    save("lossless.webp", image, lossless=True)
    save("alpha.webp", rgba, quality=80)
    save("alpha-lossless.webp", rgba, lossless=True, exact=True)
    save("animated.webp", rgb[0], save_all=True, append_images=rgb[1:], lossless=True)

    palette = image.quantize(40)
    save("palette.gif", palette)
    save("transparent.gif", palette, transparency=3)
    save("animated.gif", rgb[0], save_all=True, append_images=rgb[1:])
    save("grey.gif", Image.fromarray(picture(8, 8, 1)[:, :, 0]))

    save("1.bmp", image.convert("1"))
    save("8.bmp", palette)
    save("grey.bmp", image.convert("L"))
    save("24.bmp", image)
    save("32.bmp", rgba)

    grey = Image.fromarray(picture(12, 10, 1)[:, :, 0])
    for compression in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"):
        save(f"rgb-{compression}.tif", image, compression=compression)
        save(f"grey-{compression}.tif", grey, compression=compression)
    save("fax.tif", image.convert("1"), compression="group4")
    save("fax3.tif", image.convert("1"), compression="group3")
    save("palette.tif", palette)
    save("alpha.tif", rgba)
    save("pages.tif", rgb[0], save_all=True, append_images=rgb[1:])
    save("ink.tif", Image.fromarray(picture(6, 6, 4), "CMYK"))
    write("grey-16.tif", tiff(9, 8, 1, 16))
    write("rgb-16.tif", tiff(9, 8, 3, 16))
    write("tiled.tif", tiff(20, 37, 3, 8, tile=16))
    write("white-is-zero.tif", tiff(9, 8, 1, 8, [(262, 3, [0])]))
    write("turned.tif", tiff(9, 8, 3, 8, [(274, 3, [6])]))
    write("signed.tif", tiff(9, 8, 1, 16, [(339, 3, [2])]))
    planes = picture(9, 8, 3).transpose(2, 0, 1)
    write("planes.tif", tiff(9, 8, 3, 8, [(284, 3, [2])], blocks=[p.tobytes() for p in planes]))


def read(path):
    """The first frame as Pillow reads it, without transparency: (pixels [h w c], format)."""
    with Image.open(path) as image:
        image.load()
        mode, kind = image.mode, image.format
        with open(path, "rb") as f:
            begin = f.read(26)
        if kind == "PNG" and begin[25] == 4:  # grey with alpha of 16 bits: Pillow makes RGBA of it
            return np.asarray(image)[:, :, :1], kind
        if mode.startswith("I;16"):
            return (np.asarray(image) >> 8).astype(np.uint8)[:, :, None], kind
        if mode in ("LA", "La"):
            return np.asarray(image)[:, :, :1], kind
        if mode in ("1", "L"):
            grey = np.asarray(image.convert("L"))[:, :, None]
            return (grey if kind in ("PNG", "JPEG", "TIFF", "MPO") else grey.repeat(3, 2)), kind
        if mode in ("RGBA", "RGBX"):
            return np.asarray(image)[:, :, :3], kind
        if mode in ("RGB", "P", "CMYK", "YCbCr", "PA"):
            return np.asarray(image.convert("RGB")), kind
        raise ValueError(f"mode {mode}")


def tolerance(path, kind):
    if kind in ("JPEG", "MPO"):
        return 4  # another inverse cosine transform and rounding of colours
    return 1 if os.path.basename(path) == "cmyk.tif" else 0


def expect(folder):
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    Image.MAX_IMAGE_PIXELS = None
    with open(os.path.join(folder, "expected.txt"), "w") as out:
        for name in sorted(os.listdir(folder)):
            path = os.path.join(folder, name)
            if name == "expected.txt" or not os.path.isfile(path):
                continue
            try:
                pixels, kind = read(path)
                shape = " ".join(map(str, pixels.shape))
                out.write(f"{name} {shape} {tolerance(path, kind)} {zlib.compress(np.ascontiguousarray(pixels).tobytes(), 9).hex()}\n")
            except Exception as err:
                if not isinstance(err, (OSError, ValueError, SyntaxError, Image.DecompressionBombError)):
                    print(name, repr(err), file=sys.stderr)
                out.write(f"{name} unreadable\n")


if len(sys.argv) > 1:
    expect(sys.argv[1])
else:
    here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "pictures")
    make(here)
    expect(here)
