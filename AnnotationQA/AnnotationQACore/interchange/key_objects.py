"""Key Object Selection documents (PS3.3 A.35.4): lists of images that are flagged for a reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import highdicom
from highdicom.sr import ObserverContext, PersonObserverIdentifyingAttributes
from highdicom.sr.coding import CodedConcept
from pydicom.dataset import Dataset
from pydicom.uid import KeyObjectSelectionDocumentStorage

from AnnotationQACore.errors import InputError
from AnnotationQACore.interchange.coded import code_from_items, code_item
from AnnotationQACore.interchange.derived import MANUFACTURER, ObjectInfo, quiet_highdicom, write_dicom
from AnnotationQACore.interchange.dicom_files import read_object, understanding
from AnnotationQACore.interchange.sources import read_sources
from AnnotationQACore.protocol.terminology import Code

__all__ = ["FOR_TEACHING", "OF_INTEREST", "QUALITY_ISSUE", "KeyObjects", "read_key_objects", "write_key_objects"]

OF_INTEREST = Code("DCM", "113000", "Of Interest")
QUALITY_ISSUE = Code("DCM", "113010", "Quality Issue")
FOR_TEACHING = Code("DCM", "113004", "For Teaching")
_PERSON = CodedConcept("121006", "DCM", "Person")


@dataclass(frozen=True, slots=True)
class KeyObjects:
    """Flagged images; `title` says why (PS3.16 CID 7010), `images` are SOP Instance UIDs."""

    title: Code
    description: str
    images: tuple[str, ...]


def write_key_objects(
    path: Path, images: Sequence[Path | Dataset], info: ObjectInfo, title: Code = OF_INTEREST, description: str = ""
) -> None:
    """Flag images of one series, whole or not at all.

    Parameters
    ----------
    path : Path
    images : sequence of Path or Dataset
        The flagged images only.
    info : ObjectInfo
    title : Code
        Of PS3.16 CID 7010.
    description : str

    Raises
    ------
    InputError
        There are no images, or they cannot be referred to.
    DestinationError
        The folder cannot be written to.
    """
    headers = list(read_sources(images).headers)
    person = None
    if info.creator:
        person = ObserverContext(_PERSON, PersonObserverIdentifyingAttributes(f"{info.creator}^"))
    with quiet_highdicom("key object selection"):
        document = highdicom.ko.KeyObjectSelectionDocument(
            evidence=headers,
            content=highdicom.ko.KeyObjectSelection(
                document_title=code_item(title),
                referenced_objects=headers,
                observer_person_context=person,
                description=description or None,
            ),
            series_instance_uid=info.uid("series"),
            series_number=info.series_number,
            sop_instance_uid=info.uid("instance"),
            instance_number=1,
            manufacturer=MANUFACTURER,
            series_description=info.description,
            content_date=info.when.date(),
            content_time=info.when.time(),
        )
    write_dicom(path, document)


def read_key_objects(path: Path) -> KeyObjects:
    """Read a Key Object Selection document.

    Raises
    ------
    InputError
        The file is missing, truncated or no such document.
    """
    dataset = read_object(path, (KeyObjectSelectionDocumentStorage,), "Key Object Selection document")
    with understanding(path, "Key Object Selection document"):
        title = code_from_items(dataset.ConceptNameCodeSequence)
        items = list(dataset.ContentSequence)
        images = [str(i.ReferencedSOPSequence[0].ReferencedSOPInstanceUID) for i in items if i.ValueType == "IMAGE"]
        texts = [str(i.TextValue) for i in items if i.ValueType == "TEXT" and _is_description(i)]
    if title is None or not images:
        raise InputError(f"{path}: has no title or flags no image; it is damaged.")
    return KeyObjects(title, texts[0] if texts else "", tuple(images))


def _is_description(item: Dataset) -> bool:
    concept = code_from_items(item.get("ConceptNameCodeSequence"))
    return concept is not None and concept.is_same_concept(Code("DCM", "113012", "Key Object Description"))
