"""Compressed DICOM files, real ones of pydicom, and the greys that pydicom, GDCM and numpy make of them: DIR/expected.json.

    python compressed.py DIR [SIDE [SEED [real]]]     # with pydicom, python-gdcm and numpy; with DCMTK, files with every predictor

compressed.zip holds the synthetic ones of `python compressed.py DIR 7`, with those of DCMTK.
"""

import json
import pathlib
import shutil
import subprocess
import sys
import warnings

import gdcm
import numpy as np
import pydicom
import pydicom.data
import pydicom.encaps
import pydicom.pixels
import pydicom.uid as uid
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

import write

CENTRE, WIDTH = 300.0, 2500.0
LOSSLESS = {"sv1": (uid.JPEGLosslessSV1, gdcm.TransferSyntax.JPEGLosslessProcess14_1),
            "p14": (uid.JPEGLossless, gdcm.TransferSyntax.JPEGLosslessProcess14)}
KINDS = {"u8": (np.uint8, 8), "u12": (np.uint16, 12), "u16": (np.uint16, 16), "i16": (np.int16, 16), "i12": (np.int16, 12)}


class Writer:
    def __init__(self, folder, side, seed):
        self.folder, self.side, self.r, self.expected = pathlib.Path(folder), side, np.random.default_rng(seed), {}
        self.folder.mkdir(parents=True, exist_ok=True)

    def pixels(self, dtype, bits, frames=1):
        """Smooth, then noise, then the extremes, so that every kind of code occurs."""
        shape = (frames, self.side, self.side + 1)
        low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if np.issubdtype(dtype, np.signedinteger) else (0, (1 << bits) - 1)
        x = np.broadcast_to(np.linspace(low, high, shape[2]), shape).round()
        x = np.where(np.arange(shape[1])[None, :, None] % 3 == 1, self.r.integers(low, high + 1, shape), x)
        x = np.where(np.arange(shape[1])[None, :, None] % 3 == 2, self.r.choice([low, high, high // 3], shape), x)
        return x.astype(dtype)

    def dataset(self, x, bits):
        d = write.attributes(x[0], bits=bits, signed=int(np.issubdtype(x.dtype, np.signedinteger)), rescale=(2, -1000))
        d.PixelData = x.tobytes()
        if len(x) > 1:
            d.NumberOfFrames = len(x)
        return d

    def save(self, name, d):
        pydicom.dcmwrite(self.folder / name, d, enforce_file_format=True)
        self.expect(name)

    def gdcm(self, name, to):
        """Compresses a file in place."""
        path = str(self.folder / name)
        reader = gdcm.ImageReader()
        reader.SetFileName(path)
        assert reader.Read(), name
        change = gdcm.ImageChangeTransferSyntax()
        change.SetTransferSyntax(gdcm.TransferSyntax(to))
        change.SetInput(reader.GetImage())
        assert change.Change(), name
        writer = gdcm.ImageWriter()
        writer.SetFile(reader.GetFile())
        writer.SetImage(change.GetOutput())
        writer.SetFileName(path)
        assert writer.Write(), name

    def expect(self, name, want=None):
        """What the program must make of the file: as pydicom, with GDCM inside, decodes it."""
        d = pydicom.dcmread(self.folder / name)
        x = d.pixel_array if want is None else want
        x = x.reshape(-1, d.Rows, d.Columns)
        rescale = d
        if "SharedFunctionalGroupsSequence" in d:  # into which GDCM moves it
            rescale = d.SharedFunctionalGroupsSequence[0].PixelValueTransformationSequence[0]
        y = np.stack([write.linear(pydicom.pixels.apply_rescale(f.astype(float), rescale), CENTRE, WIDTH) for f in x])
        if d.PhotometricInterpretation == "MONOCHROME1":
            y = -y
        self.expected[name] = {"shape": y.shape, "values": y.astype(np.float32).ravel().tolist()}

    def synthetic(self):
        for kind, (dtype, bits) in KINDS.items():
            for frames in 1, 3:
                x = self.pixels(dtype, bits, frames)
                d = self.dataset(x, bits)
                d.compress(uid.RLELossless, encoding_plugin="pydicom", generate_instance_uid=False)
                self.save(f"rle_{kind}_{frames}.dcm", d)
                for name, (_, syntax) in LOSSLESS.items():
                    file = f"{name}_{kind}_{frames}.dcm"
                    pydicom.dcmwrite(self.folder / file, self.dataset(x, bits), enforce_file_format=True)
                    self.gdcm(file, syntax)
                    self.expect(file, x)
        self.fragments()
        self.enhanced()
        for name, to in ("refused_jpegls", gdcm.TransferSyntax.JPEGLSLossless), ("refused_jpeg2000", gdcm.TransferSyntax.JPEG2000Lossless):
            flat = np.full((1, 64, 64), 300, np.uint16)
            pydicom.dcmwrite(self.folder / f"{name}.dcm", self.dataset(flat, 12), enforce_file_format=True)
            self.gdcm(f"{name}.dcm", to)

    def fragments(self):
        """Frames of several fragments, which a table of offsets finds, of either kind."""
        d = pydicom.dcmread(self.folder / "sv1_u12_3.dcm")
        x = d.pixel_array
        frames = list(pydicom.encaps.generate_frames(d.PixelData, number_of_frames=3))
        d.PixelData = pydicom.encaps.encapsulate(frames, fragments_per_frame=3, has_bot=True)
        pydicom.dcmwrite(self.folder / "fragments_basic.dcm", d, enforce_file_format=True)
        self.expect("fragments_basic.dcm", x)
        d.PixelData = pydicom.encaps.encapsulate(frames[:1], fragments_per_frame=4, has_bot=False)
        d.NumberOfFrames = 1
        pydicom.dcmwrite(self.folder / "fragments_of_one.dcm", d, enforce_file_format=True)
        self.expect("fragments_of_one.dcm", x[:1])
        pixels, offsets, lengths = pydicom.encaps.encapsulate_extended(frames)
        d.NumberOfFrames, d.PixelData, d.ExtendedOffsetTable, d.ExtendedOffsetTableLengths = 3, pixels, offsets, lengths
        pydicom.dcmwrite(self.folder / "fragments_extended.dcm", d, enforce_file_format=True)
        self.expect("fragments_extended.dcm", x)

    def enhanced(self):
        """Frames with a rescale of their own."""
        x = self.pixels(np.uint16, 12, 3)
        d = self.dataset(x, 12)
        del d.RescaleSlope, d.RescaleIntercept, d.WindowCenter, d.WindowWidth
        groups = []
        for i in range(3):
            transformation, group = Dataset(), Dataset()
            transformation.RescaleSlope, transformation.RescaleIntercept, transformation.RescaleType = i + 1, -500 * i, "HU"
            group.PixelValueTransformationSequence = Sequence([transformation])
            groups.append(group)
        d.PerFrameFunctionalGroupsSequence = Sequence(groups)
        pydicom.dcmwrite(self.folder / "enhanced.dcm", d, enforce_file_format=True)
        y = np.stack([write.linear(x[i] * (i + 1.0) - 500 * i, CENTRE, WIDTH) for i in range(3)])
        self.expected["enhanced.dcm"] = {"shape": y.shape, "values": y.astype(np.float32).ravel().tolist()}

    def predictors(self):
        for kind, (dtype, bits) in KINDS.items():
            if kind == "i12":
                continue  # DCMTK sets the bits above those stored
            for predictor in range(1, 8):
                x = self.pixels(dtype, bits)
                raw, file = self.folder / "raw", f"dcmtk_{kind}_{predictor}.dcm"
                pydicom.dcmwrite(raw, self.dataset(x, bits), enforce_file_format=True)
                subprocess.run(["dcmcjpeg", "+el", "+sv", str(predictor), raw, self.folder / file], check=True)
                raw.unlink()
                self.expect(file, x)
        x = self.pixels(np.uint16, 12)
        pydicom.dcmwrite(raw, self.dataset(x, 12), enforce_file_format=True)
        subprocess.run(["dcmcjpeg", "+el", "+pt", "2", raw, self.folder / "dcmtk_point.dcm"], check=True)
        raw.unlink()
        self.expect("dcmtk_point.dcm", x >> 2 << 2)

    def real(self):
        folder = pathlib.Path(pydicom.data.__file__).parent / "test_files"
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            try:
                d = pydicom.dcmread(path)
                grey = d.SamplesPerPixel == 1 and d.PhotometricInterpretation.startswith("MONOCHROME") and d.BitsAllocated in (8, 16)
                syntax = d.file_meta.TransferSyntaxUID
                known = not syntax.is_compressed or syntax in (uid.RLELossless, uid.JPEGLosslessSV1, uid.JPEGLossless,
                                                               uid.DeflatedExplicitVRLittleEndian)
                if not grey or not known:
                    continue
                d.pixel_array
            except Exception:  # not DICOM, or cut: pydicom cannot read it either
                continue
            name = f"real_{path.parent.name}_{path.stem}.dcm"
            shutil.copy(path, self.folder / name)
            self.expect(name)


def main(folder, side="7", seed="1", real=""):
    warnings.simplefilter("ignore")
    w = Writer(folder, int(side), int(seed))
    w.synthetic()
    if shutil.which("dcmcjpeg"):
        w.predictors()
    if real:
        w.real()
    (w.folder / "expected.json").write_text(json.dumps({"window": [CENTRE, WIDTH], "files": w.expected}))
    print(len(w.expected), "files")


if __name__ == "__main__":
    main(*sys.argv[1:])
