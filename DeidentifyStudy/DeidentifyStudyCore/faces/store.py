"""What was found of faces, kept beside the review queue: pictures for the person, and masks for the run that follows.

The folder shows faces: it is as confidential as the source, and made for its owner only.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from DeidentifyStudyCore.atomic import replacing, write_text
from DeidentifyStudyCore.errors import DestinationError, InputError
from DeidentifyStudyCore.faces.alteration import FaceMask
from DeidentifyStudyCore.faces.finding import Finding
from DeidentifyStudyCore.faces.gates import Gate
from DeidentifyStudyCore.faces.volume import BoolVoxels, Floats

__all__ = ["FaceStore", "StoredFace"]


@dataclass(frozen=True, slots=True)
class StoredFace:
    """A head and what is to be filled in it.

    Attributes
    ----------
    head, mask : array of bool
        Of shape (k, j, i), on the working lattice; `affine` maps (k, j, i, 1) to LPS mm.
    """

    head: BoolVoxels
    mask: BoolVoxels
    affine: Floats

    def as_mask(self) -> FaceMask:
        """The mask alone."""
        return FaceMask(self.mask, self.affine)


class FaceStore:
    """Findings by their digest in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def picture(self, digest: str) -> Path:
        """Picture of the surface before, above the surface after."""
        return self._folder / f"{digest}-face.png"

    def altered(self, digest: str) -> Path:
        """Picture of the surface after."""
        return self._folder / f"{digest}-face-altered.png"

    def voxels(self, digest: str) -> Path:
        """File of the head and its mask."""
        return self._folder / f"{digest}-face.npz"

    def save(self, finding: Finding, key: str = "") -> None:
        """Save what a person looks at and what a run needs later; `key` names the examination, see `found`.

        Raises
        ------
        DestinationError
            The folder cannot be written.
        """
        try:
            for place in (self._folder.parent, self._folder):
                place.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            reason = error.strerror or "unknown error"
            raise DestinationError(f"{self._folder}: cannot be made ({reason}); name another queue.") from error
        for path, image in (
            (self.picture(finding.digest), finding.picture),
            (self.altered(finding.digest), finding.altered),
        ):
            if image is not None and finding.digest:
                _save_picture(image, path)
        if finding.mask is not None and finding.head is not None and finding.affine is not None:
            self._save_voxels(finding.digest, StoredFace(finding.head, finding.mask, finding.affine))
        if key:
            write_text(self._folder / f"{key}-examined.json", json.dumps(finding.as_json()) + "\n")

    def found(self, key: str) -> Finding | None:
        """What an earlier run found, without voxels and pictures; None when it is not, or not wholly, there."""
        try:
            row = json.loads((self._folder / f"{key}-examined.json").read_text(encoding="utf-8"))
            finding = Finding(
                row["verdict"],
                row["reason"],
                tuple(Gate.of_json(gate) for gate in row["gates"]),
                row["digest"],
                alters=bool(row["alters"]),
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None
        needed = [self.picture(finding.digest)] if finding.digest else []
        needed += [self.voxels(finding.digest), self.altered(finding.digest)] if finding.alters else []
        return finding if all(path.exists() for path in needed) else None

    def load(self, digest: str) -> StoredFace:
        """Read a head and its mask.

        Raises
        ------
        InputError
            The file is missing or damaged.
        """
        path = self.voxels(digest)
        try:
            with np.load(path, allow_pickle=False) as content:
                shape = tuple(int(n) for n in content["shape"])
                head, mask = (
                    np.unpackbits(content[name], count=int(np.prod(shape))).reshape(shape).astype(np.bool_)
                    for name in ("head", "mask")
                )
                return StoredFace(head, mask, np.asarray(content["affine"], np.float64))
        except (OSError, ValueError, KeyError, EOFError):
            raise InputError(f"{path}: cannot be read; start the run again to make it anew.") from None

    def _save_voxels(self, digest: str, face: StoredFace) -> None:
        content = io.BytesIO()
        np.savez_compressed(
            content,
            head=np.packbits(face.head),
            mask=np.packbits(face.mask),
            shape=np.array(face.mask.shape),
            affine=face.affine,
        )
        with replacing(self.voxels(digest), flush=False) as temporary:
            Path(temporary).write_bytes(content.getvalue())


def _save_picture(image: Image.Image, path: Path) -> None:
    with replacing(path, flush=False) as temporary:
        image.save(temporary, format="PNG")
