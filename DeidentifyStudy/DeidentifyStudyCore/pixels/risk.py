"""What a header says of the danger that text is burned into the pixels, and what follows from it.

Pixels are not looked at here.
"""

from enum import IntEnum
from functools import lru_cache

from DeidentifyStudyCore.dicom.source import Source, text_of
from DeidentifyStudyCore.dicom.tokenizer import PIXEL_DATA
from DeidentifyStudyCore.dicom.walk import leaves
from DeidentifyStudyCore.errors import MalformedFile

__all__ = ["RISKS", "Rung", "burned_in_risks", "rung_of"]


class Rung(IntEnum):
    """What it takes to write an object without a person, from the least to the most."""

    CLEANED = 1
    """What the search finds can be filled, and a second search finds nothing more."""
    NOTHING_FOUND = 2
    """The search finds nothing at all."""
    PERSON = 3
    """It waits for a person, whatever the search finds."""


RISKS = {
    "declared": "Burned In Annotation is YES",
    "secondary-capture": "a secondary capture or a screen shot",
    "ultrasound": "ultrasound frames usually show the patient's name",
    "ultrasound-regions": "ultrasound with calibrated regions, outside of which the screen of the machine is shown",
    "photograph": "a photograph, an endoscopic or a microscopic image, or one of a slide's label",
    "whole-slide": "tissue of a scanned slide without its label, which shows no face",
    "retina": "the inside of an eye, photographed or in tomography, which shows no face",
    "digitized": "converted from film, video or paper",
    "screen-image": "the image type names a screen, a report or a capture",
    "colour-map": "a colour image of a modality that takes grey ones: a picture that a program made",
    "declared-free": "Burned In Annotation is NO, which the search must bear out",
    "known-device": "a device rule says that this machine writes text into such images",
    "projection": "a radiograph or fluoroscopy, into which some machines write",
    "print-in-pixels": "the brightest value of the image is drawn in lines that look like print",
}
"""Risk class to its explanation."""

_RUNGS = {
    "declared": Rung.PERSON,
    "photograph": Rung.PERSON,
    "digitized": Rung.PERSON,
    "screen-image": Rung.PERSON,
    "secondary-capture": Rung.NOTHING_FOUND,
    "ultrasound": Rung.NOTHING_FOUND,
    "whole-slide": Rung.NOTHING_FOUND,
    "retina": Rung.NOTHING_FOUND,
    "colour-map": Rung.NOTHING_FOUND,
}
"""Of the classes that need more than to be cleaned."""
_DECLARED_FREE = {"digitized": Rung.NOTHING_FOUND}
"""Of the classes that need less where the header denies that there is text."""
_CAPTURES = "1.2.840.10008.5.1.4.1.1.7"
_ULTRASOUND = (
    "1.2.840.10008.5.1.4.1.1.3.1",
    "1.2.840.10008.5.1.4.1.1.6",
    "1.2.840.10008.5.1.4.1.1.3",
    "1.2.840.10008.5.1.4.1.1.6.1",
    "1.2.840.10008.5.1.4.1.1.6.2",
)
_VISIBLE_LIGHT = "1.2.840.10008.5.1.4.1.1.77.1."
_WHOLE_SLIDE = "1.2.840.10008.5.1.4.1.1.77.1.6"
_OPHTHALMIC_PHOTOGRAPHS = (f"{_VISIBLE_LIGHT}5.1", f"{_VISIBLE_LIGHT}5.2")
_OF_THE_FUNDUS = frozenset({*_OPHTHALMIC_PHOTOGRAPHS, *(f"{_VISIBLE_LIGHT}5.{number}" for number in (4, 5, 6, 7, 8))})
"""Ophthalmic photographs, wide field photographs and tomography (PS3.4, B.5)."""
_SLIDE_PARTS = frozenset({"LABEL", "OVERVIEW", "THUMBNAIL"})
"""Kinds of whole slide images that show, or may show, what is written on the slide (PS3.3, C.8.12.4.1.1)."""
_DEVICE_TYPE, _CODE_VALUE = 0x00220015, 0x00080100
_EXTERNAL_CAMERA = frozenset({"409903006", "R-1021B"})
"""CID 4202: it takes the eye from outside, and the face around it."""
_GREY = frozenset({"CT", "MR", "PT", "NM", "CR", "DX", "MG", "RF", "XA", "RG", "IO", "PX"})
_COLOURED = ("RGB", "YBR", "PALETTE")
_PROJECTION = frozenset({"CR", "DX", "MG", "RF", "XA", "RG", "IO", "PX"})
_REGIONS = 0x00186011
_ATTRIBUTES = (0x00080016, 0x00080060, 0x00080008, 0x00280301, 0x00080064, 0x00280004, 0x00480010)
"""SOP class, modality, kinds of image, Burned In Annotation, Conversion Type, colours, Specimen Label in Image."""
_MOST_REMEMBERED = 64
_SCREEN_WORDS = ("SCREEN", "REPORT", "CAPTURE", "PROTOCOL", "DOSE", "CSAPARALLEL", "TABLE", "SAVE")


def burned_in_risks(source: Source) -> tuple[str, ...]:
    """Risk classes of an object with pixel data; empty when its header gives no reason to look at its pixels."""
    if source.first(PIXEL_DATA) is None:
        return ()
    regions = source.first(_REGIONS)
    has_regions = regions is not None and regions[4] > regions[3]
    return _risks(source.values(_ATTRIBUTES), has_regions, _is_external(source))


@lru_cache(maxsize=_MOST_REMEMBERED)
def _risks(values: tuple[bytes, ...], has_regions: bool, external: bool) -> tuple[str, ...]:
    sop_class, modality, image_type, declared, conversion, photometric, label = map(text_of, values)
    kinds, declared = image_type.upper().split("\\"), declared.upper()
    risks = []
    if declared == "YES":
        risks.append("declared")
    if sop_class == _CAPTURES or sop_class.startswith(_CAPTURES + "."):
        risks.append("secondary-capture")
    if sop_class in _ULTRASOUND or modality in {"US", "IVUS"}:
        risks.append("ultrasound-regions" if has_regions else "ultrasound")
    if modality in {"XC", "ES", "GM", "DOC"}:
        risks.append("photograph")
    elif sop_class.startswith(_VISIBLE_LIGHT):
        risks.append(_in_visible_light(sop_class, kinds, label.upper() == "YES", external))
    if conversion not in {"", "SYN"} and "secondary-capture" not in risks:
        risks.append("digitized")
    if any(word in part for part in kinds[2:] for word in _SCREEN_WORDS):
        risks.append("screen-image")
    if not risks and modality in _GREY and photometric.startswith(_COLOURED):
        risks.append("colour-map")
    if risks and declared == "NO":
        risks.append("declared-free")
    if not risks and modality in _PROJECTION:
        risks.append("projection")
    return tuple(risks)


def _in_visible_light(sop_class: str, kinds: list[str], label: bool, external: bool) -> str:
    """Risk class of an image in visible light: whether it can show a face, or the label of a slide."""
    if sop_class == _WHOLE_SLIDE:
        tissue = kinds[2:3] == ["VOLUME"] and _SLIDE_PARTS.isdisjoint(kinds)
        return "whole-slide" if tissue and not label else "photograph"
    if sop_class not in _OF_THE_FUNDUS:
        return "photograph"
    return "photograph" if sop_class in _OPHTHALMIC_PHOTOGRAPHS and external else "retina"


def _is_external(source: Source) -> bool:
    """Whether an ophthalmic photograph was taken with an external camera, or of its device nothing can be read."""
    span = source.first(_DEVICE_TYPE)
    if span is None:
        return False
    try:
        devices = [
            leaf.text(source.buffer)
            for leaf in leaves(source.buffer, [span], source.encoding, ())
            if leaf.tag == _CODE_VALUE
        ]
    except MalformedFile:
        return True
    return not _EXTERNAL_CAMERA.isdisjoint(devices)


def rung_of(risks: tuple[str, ...]) -> Rung:
    """Return what an object of these risk classes needs: the most that any of them does."""
    denied = _DECLARED_FREE if "declared-free" in risks else {}
    return max((denied.get(risk, _RUNGS.get(risk, Rung.CLEANED)) for risk in risks), default=Rung.CLEANED)
