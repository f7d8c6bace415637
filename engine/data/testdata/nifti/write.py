"""NIfTI volumes, and the slices that nibabel and numpy make of them: DIR/NAME.nii and so on, and DIR/expected.json.

    python write.py DIR [SIDE [SEED [real]]]     # with nibabel and numpy; real: and the scans that nibabel has for its tests

volumes.zip holds those of `python write.py DIR 4`, whose sides are 3 to 5.
"""

import itertools
import json
import pathlib
import shutil
import sys

import nibabel as nib
import numpy as np

WINDOW = (400.0, 900.0)


def window(x, c, w):
    """PS3.3, C.11.2.1.2.1, with the output from -1 to 1; NaN is black."""
    y = np.where(x <= c - 0.5 - (w - 1) / 2, -1, np.where(x > c - 0.5 + (w - 1) / 2, 1, 2 * (x - (c - 0.5)) / (w - 1)))
    return np.where(np.isnan(x), -1, y)


def planes(image):
    """The slices of a volume, as a radiologist sees them: [slice, row, column]."""
    v = nib.as_closest_canonical(image).get_fdata(dtype=np.float64)
    v = v.reshape(v.shape[:3] if v.ndim > 3 else v.shape + (1,) * (3 - v.ndim))
    return {
        "axial": v[::-1, ::-1, :].transpose(2, 1, 0),
        "coronal": v[::-1, :, ::-1].transpose(1, 2, 0),
        "sagittal": v[:, ::-1, ::-1].transpose(0, 2, 1),
    }


class Writer:
    def __init__(self, folder, side, seed):
        self.folder, self.side, self.r, self.expected = pathlib.Path(folder), side, np.random.default_rng(seed), {}
        self.folder.mkdir(parents=True, exist_ok=True)

    def voxels(self, dtype=np.int16, low=-1000, high=1000):
        shape = [self.side - 1, self.side, self.side + 1]
        self.r.shuffle(shape)
        if np.issubdtype(dtype, np.floating):
            return self.r.uniform(low, high, shape).astype(dtype)
        info = np.iinfo(dtype)
        return self.r.integers(max(low, info.min), min(high, info.max), shape, dtype)

    def save(self, name, image):
        """Writes a volume, and what the program must make of the file, as nibabel reads it again."""
        nib.save(image, self.folder / name)
        self.expect(name)

    def expect(self, name):
        image = nib.load(self.folder / name)
        self.expected[name] = {plane: {"shape": v.shape, "values": window(v, *WINDOW).astype(np.float32).ravel().tolist()}
                               for plane, v in planes(image).items()}

    def orientations(self):
        for axes in itertools.permutations(range(3)):
            for signs in itertools.product((1, -1), repeat=3):
                affine = np.eye(4)
                affine[:3, :3] = np.diag(signs)[axes, :] @ np.diag(self.r.uniform(0.5, 3, 3))
                affine[:3, 3] = self.r.uniform(-100, 100, 3)
                name = "".join("LPI"[a] if s < 0 else "RAS"[a] for a, s in zip(axes, signs))
                self.save(f"{name}_{''.join(map(str, axes))}.nii", nib.Nifti1Image(self.voxels(), affine))

    def oblique(self):
        for i in range(8):  # rotations of any angle, voxels of any size, some of them sheared
            q, _ = np.linalg.qr(self.r.normal(size=(3, 3)))
            affine = np.eye(4)
            affine[:3, :3] = q @ np.diag(self.r.uniform(0.5, 5, 3))
            if i % 2:
                affine[:3, :3] += self.r.normal(scale=0.1, size=(3, 3))
            image = nib.Nifti1Image(self.voxels(), affine)
            self.save(f"oblique_s{i}.nii.gz", image)
            if i % 2 == 0:  # as a quaternion alone
                image.header.set_sform(None, 0)
                image.set_qform(affine, 1)
                self.save(f"oblique_q{i}.nii", image)

    def types(self):
        for dtype in "u1 i1 u2 i2 u4 i4 u8 i8 f4 f8".split():
            for order in "<>":
                for kind in nib.Nifti1Header, nib.Nifti2Header:
                    image_of = {nib.Nifti1Header: nib.Nifti1Image, nib.Nifti2Header: nib.Nifti2Image}[kind]
                    header = kind(endianness=order)
                    header.set_data_dtype(np.dtype(dtype).newbyteorder(order))
                    version = 1 if kind is nib.Nifti1Header else 2
                    self.save(f"{dtype}_{'little' if order == '<' else 'big'}_{version}.nii",
                              image_of(self.voxels(np.dtype(dtype).type), np.eye(4), header))

    def scaled(self, name, slope, inter, dtype=np.int16):
        """Of a slope and an intercept, which nibabel would choose itself: they are written into the file."""
        image = nib.Nifti1Image(self.voxels(dtype), np.diag([1, 1, 1, 1]))
        nib.save(image, self.folder / name)
        b = bytearray((self.folder / name).read_bytes())
        b[112:120] = np.array([slope, inter], "<f4").tobytes()
        (self.folder / name).write_bytes(b)
        self.expect(name)

    def others(self):
        self.scaled("scaled.nii", 0.37, -120.25)
        self.scaled("scaled_bytes.nii", 7.5, -800, np.uint8)
        self.scaled("slope_0.nii", 0, 300)
        self.scaled("slope_nan.nii", np.nan, 300)
        self.scaled("slope_negative.nii", -1, 100)
        plain = nib.Nifti1Image(self.voxels(), None)
        plain.header.set_zooms((1, 2, 3))
        self.save("no_orientation.nii", plain)
        self.save("pair.hdr", nib.Nifti1Pair(self.voxels(), np.diag([-2, 2, 2, 1])))
        flipped = nib.Nifti1Image(self.voxels(), np.diag([2, 2, 2, 1]))
        flipped.header["pixdim"][0] = -1
        flipped.header.set_sform(None, 0)
        flipped.header["qform_code"] = 1
        self.save("qfac_negative.nii", flipped)
        both = nib.Nifti1Image(self.voxels(), np.diag([-1, 1, 1, 1]))
        both.set_qform(np.diag([1, -1, -1, 1]), 1)
        self.save("sform_before_qform.nii", both)
        turned = nib.Nifti1Image(self.voxels(), np.diag([1, 1, 1, 1]))
        turned.header.set_sform(None, 0)
        turned.set_qform(np.diag([-1, -1, 1, 1]), 1)  # 180 degrees: the first number of the quaternion is 0
        self.save("turned.nii", turned)
        with_nan = self.voxels(np.float32)
        with_nan.flat[::3] = np.nan
        with_nan.flat[1] = np.inf
        with_nan.flat[2] = -np.inf
        self.save("nan.nii", nib.Nifti1Image(with_nan, np.eye(4)))
        self.save("one_slice.nii", nib.Nifti1Image(self.voxels()[:, :, 0], np.eye(4)))
        self.save("one_of_a_series.nii", nib.Nifti1Image(self.voxels()[..., None], np.eye(4)))
        extended = nib.Nifti1Image(self.voxels(), np.eye(4))
        extended.header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"a comment of the scanner"))
        self.save("extension.nii", extended)

    def real(self):
        folder = pathlib.Path(nib.__file__).parent / "tests" / "data"
        for name in "anatomical.nii", "reoriented_anat_moved.nii", "resampled_anat_moved.nii", "standard.nii.gz":
            shutil.copy(folder / name, self.folder / f"real_{name}")
            self.expect(f"real_{name}")


def main(folder, side="4", seed="1", real=""):
    w = Writer(folder, int(side), int(seed))
    w.orientations()
    w.oblique()
    w.types()
    w.others()
    if real:
        w.real()
    (w.folder / "expected.json").write_text(json.dumps({"window": WINDOW, "volumes": w.expected}))
    print(len(w.expected), "volumes")


if __name__ == "__main__":
    main(*sys.argv[1:])
