"""What a header says of the danger that text is burned into the pixels. Pixels are not looked at here."""

from DeidentifyStudyCore.source import Source, text_of
from DeidentifyStudyCore.tokenizer import PIXEL_DATA

__all__ = ["RISKS", "burned_in_risks"]

RISKS = {
    "declared": "Burned In Annotation is YES",
    "secondary-capture": "a secondary capture or a screen shot",
    "ultrasound": "ultrasound frames usually show the patient's name",
    "photograph": "a photograph, an endoscopic or a microscopic image",
    "digitized": "converted from film, video or paper",
    "screen-image": "the image type names a screen, a report or a capture",
    "known-device": "a device rule says that this machine writes text into such images",
}
"""Risk class to its explanation."""

_CAPTURES = "1.2.840.10008.5.1.4.1.1.7"
_ULTRASOUND = (
    "1.2.840.10008.5.1.4.1.1.3.1",
    "1.2.840.10008.5.1.4.1.1.6",
    "1.2.840.10008.5.1.4.1.1.3",
    "1.2.840.10008.5.1.4.1.1.6.1",
    "1.2.840.10008.5.1.4.1.1.6.2",
)
_VISIBLE_LIGHT = "1.2.840.10008.5.1.4.1.1.77.1."
_SCREEN_WORDS = ("SCREEN", "REPORT", "CAPTURE", "PROTOCOL", "DOSE", "CSAPARALLEL", "TABLE", "SAVE")


def burned_in_risks(source: Source) -> tuple[str, ...]:
    """Risk classes of an object with pixel data; empty when its header gives no reason to look at its pixels."""
    if source.first(PIXEL_DATA) is None:
        return ()
    risks = []
    sop_class = text_of(source.value(0x00080016))
    modality = text_of(source.value(0x00080060))
    image_type = text_of(source.value(0x00080008)).upper().split("\\")
    if text_of(source.value(0x00280301)).upper() == "YES":
        risks.append("declared")
    if sop_class == _CAPTURES or sop_class.startswith(_CAPTURES + "."):
        risks.append("secondary-capture")
    if sop_class in _ULTRASOUND or modality in {"US", "IVUS"}:
        risks.append("ultrasound")
    if sop_class.startswith(_VISIBLE_LIGHT) or modality in {"XC", "ES", "GM", "DOC"}:
        risks.append("photograph")
    if text_of(source.value(0x00080064)) not in {"", "SYN"} and "secondary-capture" not in risks:
        risks.append("digitized")
    if any(word in part for part in image_type[2:] for word in _SCREEN_WORDS):
        risks.append("screen-image")
    return tuple(risks)
