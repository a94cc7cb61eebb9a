"""Why an object is not written: the reason codes, and what a person can do about each."""

from types import MappingProxyType

__all__ = ["REASONS"]

REASONS = MappingProxyType(
    {
        "not-dicom": "the file is not DICOM; it is never copied",
        "empty-file": "the file has no bytes; get it again from its source",
        "unreadable": "the file cannot be read; check permissions and the medium",
        "symbolic-link-outside": "the link leads out of the source folder; copy what it points to into the folder",
        "truncated": "an element breaks off; get the object again from its source",
        "truncated-pixel-data": "the pixel data are shorter than rows, columns and frames say; get the object again",
        "invalid-structure": "elements or items are not laid out as DICOM requires; get the object again",
        "invalid-vr": "an element has a value representation that does not exist; get the object again",
        "too-deep": "sequences are nested deeper than any real object",
        "unknown-transfer-syntax": "the transfer syntax is unknown or cannot be parsed; convert the object first",
        "missing-identifiers": "SOP Class UID, SOP Instance UID, or the UID of its study or series is missing",
        "inventory": "an inventory lists the studies of many patients; make one anew of what was written",
        "duplicate-uid": "another file has the same SOP Instance UID and other content; remove one of them",
        "inflates-too-large": "the deflated data set grows beyond all measure",
        "burned-in-risk": "text may be burned into the pixels; review the object, or accept the risk by the profile",
        "undecodable-pixels": "the pixels must be searched for text, and cannot be decoded here; decompress the object "
        "first, or install a decoder for its transfer syntax",
        "review-does-not-fit": "a box of the review queue does not lie in the object; review the object again",
        "too-large-uncompressed": "filling boxes would need the object uncompressed, which is longer than DICOM allows",
        "encapsulated-document": "an encapsulated document cannot be cleaned by this profile; review it by hand",
        "embedded-overlay": "an overlay lies in the bits of compressed pixels; decompress the object first",
        "compressed-metadata": "the compressed frames carry metadata that cannot be parsed",
        "video": "a video stream may carry metadata and burned-in text; review it by hand",
        "voice-recording": "a recording of speech may name people, and a voice is an identifier; listen to it yourself",
        "text-in-samples": "samples of an image or a waveform hold text; look where it comes from, and get the object "
        "again",
        "pixel-data-elsewhere": "the pixel data are behind a URL",
        "verification-failed": "an identifier was found in what would have been written; nothing was written",
        "face-unconfirmed": "a face was found and can be altered; a person must look at the picture and confirm",
        "face-gates-failed": "a gate of the alteration of the face failed; a person must look at it and decide",
        "face-not-examined": "no face was found for certain; a person must look at the pictures and say that there is "
        "none",
        "face-derived": "the object was made from images with a face and may hold its outline; look at it by hand",
        "irregular-series": "the images make no regular stack, so that no face can be looked for; look at them by hand",
        "rejected-by-reviewer": "a person rejected the object",
        "internal-error": "the program failed on this object; please report it with the object's kind",
    }
)
"""Reason code -> explanation and remedy; the codes are stable, programs may rely on them."""
