"""Compare the loader with dcm2niix on every folder of DICOM files below a folder: affine and voxels.

    python Testing/Benchmarks/dcm2niix_agreement.py FOLDER

Such as `dcm_qa_nih` (Siemens MOSAIC) and `dcm_qa_uih` (UIH GRID) by the makers of dcm2niix, which are not part of this
repository. Ends with 1 when anything differs.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import nibabel
import numpy as np

from AnnotationQACore.errors import AnnotationQAError
from AnnotationQACore.interchange.series.loader import load_series

_TOLERANCE = 2e-3


def oriented_like(image: nibabel.Nifti1Image, affine: np.ndarray) -> nibabel.Nifti1Image:
    """Flip and permute the axes of an image, so that they run as those of `affine`; nothing is resampled."""
    orientations = nibabel.orientations
    now, wanted = orientations.io_orientation(image.affine), orientations.io_orientation(affine)
    return image.as_reoriented(orientations.ornt_transform(now, wanted))


def compare(folder: Path) -> bool:
    """Print how the images that dcm2niix makes of a folder agree with ours; whether one does."""
    try:
        ours = load_series(folder)
    except AnnotationQAError as error:
        print(f"{folder}: ours refuses it: {error}")
        return False
    if ours.grid is None:
        print(f"{folder}: no regular volume")
        return False
    with tempfile.TemporaryDirectory() as out:
        command = ["dcm2niix", "-z", "n", "-b", "n", "-l", "o", "-m", "y", "-f", "image", "-o", out, str(folder)]
        subprocess.run(command, check=True, capture_output=True)
        found = False
        for path in sorted(Path(out).glob("*.nii")):
            theirs = oriented_like(nibabel.load(path), ours.grid.ras_affine)
            apart = float(np.abs(theirs.affine - ours.grid.ras_affine).max())
            same = theirs.shape == ours.voxels.T.shape and bool((np.asarray(theirs.dataobj) == ours.voxels.T).all())
            found |= same and apart < _TOLERANCE
            codes = ", ".join(finding.code.value for finding in ours.findings) or "-"
            said = "the same voxels" if same else "OTHER VOXELS"
            print(f"{folder}: {ours.voxels.shape}, {codes}: {said}, affines differ by {apart:.1e}")
    return found


def main() -> int:
    """Compare all folders."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    folders = sorted({path.parent for path in parser.parse_args().folder.rglob("*.dcm")})
    agreeing = sum(compare(folder) for folder in folders)
    print(f"{agreeing} of {len(folders)} agree")
    return 0 if folders and agreeing == len(folders) else 1


if __name__ == "__main__":
    sys.exit(main())
