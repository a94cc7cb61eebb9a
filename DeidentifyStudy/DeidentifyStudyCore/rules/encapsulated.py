"""Encapsulated documents: PDF and CDA cannot be cleaned with certainty, so that they are replaced, or not written; of
surfaces the coordinates stay."""

from dataclasses import dataclass
from typing import Literal

from DeidentifyStudyCore.dicom.pixeldata import Generated
from DeidentifyStudyCore.errors import Quarantined
from DeidentifyStudyCore.identity.echo import Echo
from DeidentifyStudyCore.rules.model import REMOVE, Action, Context, Element, replaced
from DeidentifyStudyCore.rules.surfaces import SURFACES, is_cleaned_text, surface_cleaned

__all__ = [
    "EMPTY_PDF",
    "ENCAPSULATED_DOCUMENT",
    "EncapsulatedDocument",
    "EncapsulatedLength",
    "is_replacement",
]

ENCAPSULATED_DOCUMENT = 0x00420011
_MIME = 0x00420012
_SOP_INSTANCE = 0x00080018


def _empty_pdf() -> bytes:
    content = b"BT /F1 14 Tf 72 720 Td (Document removed by de-identification) Tj ET"
    objects = (
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(content), content),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    )
    pdf = b"%PDF-1.4\n"
    offsets = []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(pdf))
        pdf += b"%d 0 obj%s endobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    trailer = b"trailer<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % len(pdf)
    return pdf + b"xref\n0 6\n0000000000 65535 f \n" + table + trailer


EMPTY_PDF = _empty_pdf()
_EMPTY_CDA = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<ClinicalDocument xmlns="urn:hl7-org:v3">'
    b"<title>Document removed by de-identification</title></ClinicalDocument>\n"
)
_REPLACEMENTS = {b"application/pdf": EMPTY_PDF, b"text/xml": _EMPTY_CDA, b"application/xml": _EMPTY_CDA}


def is_replacement(value: bytes, echo: Echo) -> bool:
    """Whether a document is one that this module writes: an empty one, whose words are no patient's, were one called
    Page or Catalog; or a surface in ASCII that holds nothing but numbers."""
    empty = {document.rstrip(b" \0") for document in _REPLACEMENTS.values()}
    return value.rstrip(b" \0") in empty or is_cleaned_text(value, echo)


def _plain(mime: bytes) -> bytes:
    return mime.strip(b" \0").lower()


def _is_out_of_place(context: Context) -> bool:
    """Whether the object is of a known kind that has no document, so that one in it can go."""
    known = context.types.of((), _SOP_INSTANCE) == "1"
    return known and (bool(context.path) or context.types.of((), ENCAPSULATED_DOCUMENT) != "1")


def _document(element: Element, context: Context) -> bytes | Generated:
    mime = _plain(context.item.get(_MIME, b""))
    if mime in SURFACES and not context.path:
        return surface_cleaned(mime, element.long_value or element.value, context.subject.echo)
    if mime not in _REPLACEMENTS:
        raise Quarantined("encapsulated-document")
    return _REPLACEMENTS[mime]


@dataclass(frozen=True, slots=True)
class EncapsulatedDocument:
    """The document itself."""

    policy: str
    faces_go: bool = False
    name: str = "encapsulated document"

    def apply(self, element: Element, context: Context) -> Action:
        """Replace a PDF or CDA by an empty one, clean a surface where it may show a face; refuse everything else. Where
        it has no place, remove it."""
        if _is_out_of_place(context):
            return REMOVE
        surface = _plain(context.item.get(_MIME, b"")) in SURFACES
        if self.policy == "quarantine" or (self.faces_go and surface):
            raise Quarantined("encapsulated-document")
        return replaced(_document(element, context))

    def describe(self) -> str:
        """Say it in one sentence."""
        if self.policy == "quarantine":
            return "the object goes to quarantine; removed from objects of other kinds"
        return (
            "PDF and CDA are replaced by an empty document; of STL and OBJ the numbers stay, where faces may; objects "
            "with any other document go to quarantine; removed from objects of other kinds"
        )


@dataclass(frozen=True, slots=True)
class EncapsulatedLength:
    """Encapsulated Document Length follows the document."""

    name: str = "encapsulated length"

    def apply(self, element: Element, context: Context) -> Action:
        """Set the length of what is written: of a surface that of the source, rounded up to an even one."""
        if _is_out_of_place(context):
            return REMOVE
        mime = _plain(context.item.get(_MIME, b""))
        order: Literal["big", "little"] = "big" if element.big else "little"
        if mime in SURFACES and not context.path:
            length = int.from_bytes(element.value[:4], order)
            return replaced((length + length % 2).to_bytes(4, order)) if length else REMOVE
        if mime not in _REPLACEMENTS:
            raise Quarantined("encapsulated-document")
        return replaced(len(_REPLACEMENTS[mime]).to_bytes(4, order))

    def describe(self) -> str:
        """Say it in one sentence."""
        return "set to the length of the document that is written"
