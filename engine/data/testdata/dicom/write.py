"""The DICOM files of this folder, by pydicom, and the greys that the formulas of PS3.3 make of them, by numpy: expected.json.

    python write.py        # with pydicom 3 and numpy
"""

import json
import pathlib

import numpy as np
import pydicom
import pydicom.uid as uid
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence

FOLDER = pathlib.Path(__file__).parent
STORED = np.array([[0, 1, 500, 1000], [1023, 1024, 1025, 2000], [2047, 2048, 3000, 4095]], np.uint16)
UNITS = STORED.astype(float) - 1024
expected = {}


def attributes(pixels, bits=12, signed=0, syntax=uid.ExplicitVRLittleEndian, rescale=(1, -1024), window=(1000, 2000), **more):
    d, meta = Dataset(), FileMetaDataset()
    meta.TransferSyntaxUID = syntax
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = uid.CTImageStorage, "1.2.3"
    d.file_meta, d.SOPClassUID, d.SOPInstanceUID = meta, uid.CTImageStorage, "1.2.3"
    d.Rows, d.Columns = pixels.shape
    d.SamplesPerPixel, d.PhotometricInterpretation, d.PixelRepresentation = 1, "MONOCHROME2", signed
    d.BitsAllocated, d.BitsStored, d.HighBit = 8 * pixels.dtype.itemsize, bits, bits - 1
    if rescale:
        d.RescaleSlope, d.RescaleIntercept = rescale
    if window:
        d.WindowCenter, d.WindowWidth = window
    if syntax == uid.ExplicitVRBigEndian:
        pixels = pixels.astype(pixels.dtype.newbyteorder(">"))
    d.PixelData = pixels.tobytes()
    d["PixelData"].VR = "OW"
    for name, value in more.items():
        setattr(d, name, value)
    return d


def case(name, d, greys):
    syntax = d.file_meta.TransferSyntaxUID
    pydicom.dcmwrite(FOLDER / f"{name}.dcm", d, enforce_file_format=True, implicit_vr=syntax.is_implicit_VR,
                     little_endian=syntax.is_little_endian)
    if greys is not None:
        expected[name] = np.asarray(greys, float).ravel().tolist()


def linear(x, c, w):
    """C.11.2.1.2.1, with the output from -1 to 1."""
    return np.where(x <= c - 0.5 - (w - 1) / 2, -1, np.where(x > c - 0.5 + (w - 1) / 2, 1, 2 * (x - (c - 0.5)) / (w - 1)))


def exact(x, c, w):
    """C.11.2.1.3.2."""
    return np.where(x <= c - w / 2, -1, np.where(x > c + w / 2, 1, 2 * (x - c) / w))


def sigmoid(x, c, w):
    """C.11.2.1.3.1."""
    return 2 / (1 + np.exp(-4 * (x - c) / w)) - 1


def table(entries, first=0, bits=16, kind="US"):
    d = Dataset()
    d.add_new(0x00283002, "US" if first >= 0 else "SS", [len(entries), first, bits])
    if kind == "bytes":
        d.add_new(0x00283006, "OW", np.asarray(entries, np.uint8).tobytes())
    else:
        d.add_new(0x00283006, kind, [int(x) for x in entries] if kind == "US" else np.asarray(entries, "<u2").tobytes())
    return d


def main():
    greys = linear(UNITS, 1000, 2000)
    for name, syntax in ("explicit", uid.ExplicitVRLittleEndian), ("implicit", uid.ImplicitVRLittleEndian), \
            ("big_endian", uid.ExplicitVRBigEndian), ("deflated", uid.DeflatedExplicitVRLittleEndian):
        case(name, attributes(STORED, syntax=syntax), greys)
    case("inverse", attributes(STORED, PhotometricInterpretation="MONOCHROME1"), -greys)
    case("left_aligned", attributes(STORED << 4, HighBit=15), greys)
    case("overlay_above", attributes(STORED | 0xA000), greys)
    case("signed", attributes((STORED - 2048) & 0xFFF, signed=1, rescale=(1, 0), window=(0, 4096)), linear(STORED - 2048.0, 0, 4096))
    case("signed_16", attributes((UNITS * 8).astype(np.int16), bits=16, signed=1, rescale=(1, 0), window=(0, 4096)),
         linear(UNITS * 8, 0, 4096))
    case("fraction", attributes(STORED, rescale=("0.5", "-100.25")), linear(STORED * 0.5 - 100.25, 1000, 2000))
    case("small_window", attributes(STORED, rescale=("0.0001", "0"), window=("0.2", "0.4")), exact(STORED * 1e-4, 0.2, 0.4))
    case("threshold", attributes(STORED, window=(1, 1)), np.where(UNITS <= 0.5, -1, 1))
    case("two_windows", attributes(STORED, window=([40, 1000], [400, 2000])), linear(UNITS, 40, 400))
    case("sigmoid", attributes(STORED, VOILUTFunction="SIGMOID"), sigmoid(UNITS, 1000, 2000))
    case("linear_exact", attributes(STORED, VOILUTFunction="LINEAR_EXACT"), exact(UNITS, 1000, 2000))

    square = np.arange(4096) ** 2 // 400
    for kind in "US", "OW":
        case(f"modality_table_{kind}", attributes(STORED, rescale=None, window=(9000, 20000),
                                                         ModalityLUTSequence=Sequence([table(square, kind=kind)])),
             linear(square[STORED].astype(float), 9000, 20000))
    short = np.arange(100, 356) % 256  # of 1000 to 1255: the first and the last entry hold for what is below and above
    case("modality_table_bytes", attributes(STORED, rescale=None, window=(100, 256),
                                            ModalityLUTSequence=Sequence([table(short, 1000, 8, "bytes")])),
         linear(short[np.clip(STORED.astype(int) - 1000, 0, 255)].astype(float), 100, 256))
    case("voi_table", attributes(STORED, rescale=None, window=None, VOILUTSequence=Sequence([table(1023 - np.arange(4096) // 4, bits=10)])),
         2 * (1023 - STORED // 4) / 1023 - 1)
    falling = table(np.arange(3000) % 4096, -1024, 12)
    falling[0x00283002].value = [3000, -1024, 12]
    case("voi_table_signed", attributes(STORED, window=None, VOILUTSequence=Sequence([falling])),
         2 * (np.arange(3000) % 4096)[np.clip(UNITS.astype(int) + 1024, 0, 2999)] / 4095 - 1)

    # A file made for many frames, of one.
    transformation, frame_window, group = Dataset(), Dataset(), Dataset()
    transformation.RescaleSlope, transformation.RescaleIntercept, transformation.RescaleType = 2, -1024, "HU"
    frame_window.WindowCenter, frame_window.WindowWidth, frame_window.VOILUTFunction = 1000, 2000, "LINEAR_EXACT"
    group.PixelValueTransformationSequence, group.FrameVOILUTSequence = Sequence([transformation]), Sequence([frame_window])
    case("enhanced", attributes(STORED, rescale=None, window=None, NumberOfFrames=1, SharedFunctionalGroupsSequence=Sequence([group])),
         exact(STORED * 2.0 - 1024, 1000, 2000))
    case("not_square", attributes(STORED, PixelSpacing=[1.0, 2.0]), greys)
    case("nested", attributes(STORED, RequestAttributesSequence=deep(20)), greys)

    case("refused_palette", attributes(STORED.astype(np.uint8), bits=8, PhotometricInterpretation="PALETTE COLOR"), None)
    case("refused_function", attributes(STORED, VOILUTFunction="CUBIC"), None)
    case("refused_negative_width", attributes(STORED, window=(1000, -5)), None)
    case("refused_slope", attributes(STORED, rescale=(0, 5)), None)
    case("refused_fraction_voi_table", attributes(STORED, rescale=("0.5", "0"), window=None,
                                                 VOILUTSequence=Sequence([table(range(4096))])), None)
    case("refused_two_modalities", attributes(STORED, ModalityLUTSequence=Sequence([table(square)])), None)
    case("refused_high_bit", attributes(STORED, HighBit=7), None)

    plan = attributes(STORED)
    for name in "Rows", "Columns", "PixelData", "PixelRepresentation", "BitsStored", "BitsAllocated", "HighBit":
        delattr(plan, name)
    plan.SOPClassUID = plan.file_meta.MediaStorageSOPClassUID = uid.RTPlanStorage
    case("without_pixels", plan, None)
    (FOLDER / "expected.json").write_text(json.dumps(expected, indent=0))


def deep(levels):
    d = Dataset()
    d.ScheduledProcedureStepID = "1"
    if levels > 0:
        d.RequestAttributesSequence = deep(levels - 1)
        d["RequestAttributesSequence"].is_undefined_length = levels % 2 == 0
    return Sequence([d])


if __name__ == "__main__":
    main()
