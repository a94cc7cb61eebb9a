"""What a person has to look at before a release: retained texts, free text, and a thumbnail of every image.

The page is as confidential as the images. What is on it is signed off by its hashes, and no text is repeated there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from AnnotationQACore import atomic
from AnnotationQACore.errors import DestinationError
from AnnotationQACore.progress import Progress, silent
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.layout import make_folder
from AnnotationQACore.release.exporting import ReleaseImage
from AnnotationQACore.release.fingerprints import resized
from AnnotationQACore.release.gate.checking import identifiers
from AnnotationQACore.release.gate.deidentification import retained_texts
from AnnotationQACore.release.gate.texts import FoundText, TextScreen, exclusion_texts, reading_texts, text_hash
from AnnotationQACore.release.request import Gathered, ReleaseRequest
from AnnotationQACore.reporting.html import Markup, Node, tag
from AnnotationQACore.reporting.page import heading, page, table
from AnnotationQACore.reporting.png import png_data_uri

__all__ = ["ToLookAt", "require_look_folder", "to_look_at", "write_look_page"]

_LONGEST_SIDE = 320
_PLACES = (0.1, 0.5, 0.9)


@dataclass(frozen=True, slots=True)
class ToLookAt:
    """What was not signed off yet.

    Attributes
    ----------
    texts : tuple of FoundText
        Each text once.
    images : tuple of (case ID, role, hash of its voxels, ReleaseImage)
    """

    texts: tuple[FoundText, ...]
    images: tuple[tuple[str, str, str, ReleaseImage], ...]

    def text_hashes(self) -> tuple[str, ...]:
        """By what the texts are signed off."""
        return tuple(text_hash(one.text) for one in self.texts)

    def image_hashes(self) -> tuple[str, ...]:
        """By what the images are signed off."""
        return tuple(sha256 for _, _, sha256, _ in self.images)


def to_look_at(project: Project, request: ReleaseRequest, gathered: Gathered, screen: TextScreen) -> ToLookAt:
    """Texts and images that the gate would not let pass before somebody signs them off."""
    signed_texts, signed_images = project.state.signed_off("text"), project.state.signed_off("image")
    excluded = [(one.case, project.state.cases[one.case].excluded) for one in gathered.selected.left_out]
    free = [
        one
        for one in (*reading_texts(project, gathered.dataset.cases), *exclusion_texts([e for e in excluded if e[1]]))
        if screen.verdict(one.text)
    ]
    texts: dict[str, FoundText] = {}
    remedy = "sign it off, or give it a pseudonym"
    named = [FoundText(where, text, remedy) for where, text, _ in identifiers(gathered) if screen.has_identifier(text)]
    for one in (*retained_texts(request.reports), *free, *named):
        if text_hash(one.text) not in signed_texts:
            texts.setdefault(one.text, one)
    images = []
    for case in gathered.dataset.cases:
        own = gathered.prints.get(case.id, ())
        if len(own) == len(case.images):  # an image that cannot be read is named by the gate
            pairs = zip(case.images, own, strict=True)
            images += [
                (case.id, image.role, one.pixels, image) for image, one in pairs if one.pixels not in signed_images
            ]
    return ToLookAt(tuple(texts.values()), tuple(images))


def require_look_folder(folder: Path) -> None:
    """Raise `DestinationError` unless a folder is not there, or holds nothing but an earlier page."""
    if folder.exists() and (not folder.is_dir() or any(path.name != "index.html" for path in folder.iterdir())):
        raise DestinationError(f"{folder}: holds something else; choose a new folder.")


def write_look_page(folder: Path, found: ToLookAt, progress: Progress = silent) -> Path:
    """Write the page, for its owner only; returns its path.

    Raises
    ------
    DestinationError
        The folder holds something else, or cannot be written.
    InputError
        An image cannot be read.
    """
    require_look_folder(folder)
    make_folder(folder, mode=0o700)
    figures: list[Node] = []
    for done, (case, role, _, image) in enumerate(found.images):
        progress(done, len(found.images), case)
        figures.append(tag("figure", tag("figcaption", f"{case}, {role}"), *_thumbnails(image)))
    progress(len(found.images), len(found.images))
    main: list[Node] = [
        tag("header", tag("h1", "To be looked at before release"), tag("p", _ADVICE, class_="lead")),
        heading(2, "Texts", "texts"),
        table(("where", "text"), [(one.where, one.text) for one in found.texts]) if found.texts else tag("p", "None."),
        heading(2, "Images", "images"),
        tag("div", *figures, class_="pictures") if figures else tag("p", "None."),
    ]
    navigation = [tag("a", "Texts", href="#texts"), tag("a", "Images", href="#images")]
    path = folder / "index.html"
    atomic.write_text(path, page("To be looked at before release", navigation, main))
    path.chmod(0o600)
    return path


_ADVICE = (
    "Does any text name a person, place, date or number of a patient? Does any picture show burned-in text or a face? "
    "If so, correct it. If not, sign it off with annotation-qa release sign-off. This page is confidential."
)


def _thumbnails(image: ReleaseImage) -> Sequence[Markup]:
    """Slices near both ends and in the middle, and the brightest values of all, where burned-in text shows."""
    series = image.open()
    voxels = series.voxels
    if series.is_color:
        voxels = voxels[..., :3].astype(np.float32).mean(axis=-1)
    stack = voxels.reshape(-1, *voxels.shape[-2:])
    places = sorted({round(place * (len(stack) - 1)) for place in _PLACES})
    pictures = [stack[place] for place in places]
    if len(stack) > 1:
        pictures.append(stack.max(axis=0))
    return [tag("img", src=png_data_uri(_grey(one)), alt="thumbnail", loading="lazy") for one in pictures]


def _grey(picture: NDArray[np.generic]) -> NDArray[np.uint8]:
    values = picture.astype(np.float64)
    scale = min(1.0, _LONGEST_SIDE / max(values.shape))
    if scale < 1.0:
        values = resized(values, [max(1, round(side * scale)) for side in values.shape])
    low, high = np.percentile(values, (0.5, 99.5))
    grey: NDArray[np.uint8] = (255 * np.clip((values - low) / max(high - low, 1e-9), 0, 1)).astype(np.uint8)
    return grey
