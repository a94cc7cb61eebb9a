"""What happens to each element of an object: the rule that applies to it where it stands."""

from DeidentifyStudyCore.dicom.byte_range import ByteRange
from DeidentifyStudyCore.dicom.charset import codecs_of
from DeidentifyStudyCore.dicom.dictionary import dictionary_vr, is_private_creator
from DeidentifyStudyCore.dicom.layouts import Plain
from DeidentifyStudyCore.dicom.source import Source, text_of
from DeidentifyStudyCore.dicom.standard import attribute_types
from DeidentifyStudyCore.dicom.tokenizer import PIXEL_DATA, Buffer, Encoding, Span
from DeidentifyStudyCore.identity.pseudonyms import Pseudonyms
from DeidentifyStudyCore.rules.book import RuleBook
from DeidentifyStudyCore.rules.encapsulated import ENCAPSULATED_DOCUMENT
from DeidentifyStudyCore.rules.model import CONCEPT_NAME, KEEP, REMOVE, Action, Context, Element, Mode, Rule, Subject
from DeidentifyStudyCore.rules.private import PrivateBlock, safe_vr
from DeidentifyStudyCore.rules.removal import Keep, Remove

__all__ = ["Decider"]

_CHARACTER_SET = 0x00080005
_CONTENT = 0x0040A730
_MIME = 0x00420012
_OF_OBJECTS = (0x00080016, _MIME, _CHARACTER_SET)
_MEASURED_VALUES = 0x0040A300
_BULK = 1 << 20
_LONG_DOCUMENT = 8 << 20
"""Bytes of an encapsulated document that is read in parts."""
_BULK_VRS = frozenset({b"OW", b"OF", b"OD", b"OL", b"OV", b"OB"})

_KEPT_BULK = Keep("bulk data")
_CREATOR = Keep("private creator", "kept: reserves a block")
_PRIVATE = Remove("private", "removed: private elements that are not in the table of safe ones")

_NO_BLOCK = PrivateBlock.of({}, [])
"""Where there are no private elements, or none is kept."""


class Decider:
    """Decides on the elements of one patient's objects.

    Attributes
    ----------
    retained : set of (int, str)
        Tags and texts that were kept or cleaned so far, for a person to look over.
    """

    def __init__(self, book: RuleBook, pseudonyms: Pseudonyms, subject: Subject) -> None:
        self._book = book
        self._pseudonyms = pseudonyms
        self._subject = subject
        self.retained: set[tuple[int, str]] = set()

    def context(self, source: Source) -> Context:
        """Context of the elements at the top of an object."""
        sop_class, mime, character_set = (value.rstrip(b" \0") for value in source.values(_OF_OBJECTS))
        return Context(
            self._subject,
            self._pseudonyms,
            attribute_types(text_of(sop_class)),
            codecs_of(character_set),
            item={_MIME: mime} if mime else {},
            retained=self.retained,
        )

    def action(
        self, buffer: Buffer, span: Span, encoding: Encoding, context: Context, private: PrivateBlock
    ) -> tuple[Action, Rule]:
        """Decide on one element: what happens to it, and the rule that says so."""
        tag, file_vr, _, value, stop, end = span
        if tag & 0x10000:
            return self._private_action(buffer, span, encoding, context, private)
        unknown = file_vr == b"UN"
        vr = (dictionary_vr(tag) if unknown else file_vr).decode("ascii")
        if unknown and stop != end:
            vr = "SQ"
        rule = self._book.rule_for(tag, vr)
        if stop - value > _BULK and file_vr in _BULK_VRS and rule.name == "binary":
            return KEEP, _KEPT_BULK
        if tag == ENCAPSULATED_DOCUMENT and stop - value > _LONG_DOCUMENT:
            element = Element(tag, vr, b"+", encoding.big and not unknown, ByteRange(buffer, value, stop))
            return rule.apply(element, context), rule
        content = b"" if vr == "SQ" or tag == PIXEL_DATA else bytes(buffer[value:stop])
        element = Element(tag, vr, content or (b"+" if stop > value else b""), encoding.big and not unknown)
        return rule.apply(element, context), rule

    def plain_action(self, plain: Plain, value: bytes, encoding: Encoding, context: Context) -> tuple[Action, Rule]:
        """Decide on an element of the standard that has nothing but a value, as `action` does."""
        rule = self._book.rule_for(plain.tag, plain.vr)
        return rule.apply(Element(plain.tag, plain.vr, value, encoding.big), context), rule

    def _private_action(
        self, buffer: Buffer, span: Span, encoding: Encoding, context: Context, private: PrivateBlock
    ) -> tuple[Action, Rule]:
        tag, file_vr, _, value, stop, end = span
        rule = self._book.private
        if rule is None or context.mode is Mode.DUMMY:
            return REMOVE, _PRIVATE
        if is_private_creator(tag):
            return (KEEP, _CREATOR) if tag in private.kept else (REMOVE, _PRIVATE)
        vr = safe_vr(private.creator_of(tag), tag)
        if not vr or (stop != end and vr != "SQ"):
            return REMOVE, _PRIVATE
        if file_vr not in {b"UN", vr.encode()}:
            vr = file_vr.decode("ascii") if file_vr not in {b"OB", b"SQ"} else ""
        element = Element(tag, vr, b"+" if vr == "SQ" else bytes(buffer[value:stop]), encoding.big and file_vr != b"UN")
        return rule.apply(element, context), rule

    @staticmethod
    def padded_as(tag: int, file_vr: bytes, private: PrivateBlock) -> bytes:
        """VR by which a value is padded: the file's, or what is known of the element where that says nothing."""
        if file_vr != b"UN":
            return file_vr
        if tag & 0x10000 and not is_private_creator(tag):
            return safe_vr(private.creator_of(tag), tag).encode() or file_vr
        return dictionary_vr(tag)

    def private_block(self, buffer: Buffer, spans: list[Span]) -> PrivateBlock:
        """Read which creators reserve which private elements of one item or data set."""
        if self._book.private is None:
            return _NO_BLOCK
        tags = [span[0] for span in spans if span[0] & 0x10000]
        if not tags:
            return _NO_BLOCK
        creators = {}
        for tag, _, _, value, stop, _ in spans:
            if is_private_creator(tag) and stop - value <= 64:
                creators[tag] = text_of(bytes(buffer[value:stop]))
        return PrivateBlock.of(creators, tags)

    def below(self, buffer: Buffer, nested: list[Span], context: Context, tag: int, mode: Mode) -> Context:
        """Context of an item; nested content items share one path, as their IOD does."""
        siblings = {span[0]: bytes(buffer[span[3] : span[4]]) for span in nested if span[4] - span[3] <= 1024}
        if tag == _MEASURED_VALUES and CONCEPT_NAME in context.item:
            siblings[CONCEPT_NAME] = context.item[CONCEPT_NAME]  # says of what the numbers below are
        path = context.path if tag == _CONTENT and context.path[-1:] == (_CONTENT,) else (*context.path, tag)
        codecs = codecs_of(siblings[_CHARACTER_SET].rstrip(b" \0")) if _CHARACTER_SET in siblings else context.codecs
        return Context(
            context.subject, context.pseudonyms, context.types, codecs, path, siblings, mode, context.retained
        )
