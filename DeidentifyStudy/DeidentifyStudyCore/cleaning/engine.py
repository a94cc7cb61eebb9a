"""The splice engine: what stays is copied as ranges of the source, only what changes is encoded anew.

Decisions on elements that are equal byte for byte, as most are within a series, are made once and remembered.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from types import MappingProxyType

from DeidentifyStudyCore.cleaning.deciding import Decider
from DeidentifyStudyCore.cleaning.patterns import (
    HANDED_OVER,
    Decision,
    Keeping,
    Pattern,
    PatternKey,
    TallyKey,
    Uses,
    uses_of,
)
from DeidentifyStudyCore.dicom.codestream import Piece
from DeidentifyStudyCore.dicom.courses import LONGEST_REMEMBERED
from DeidentifyStudyCore.dicom.dictionary import is_private_creator, is_well_known
from DeidentifyStudyCore.dicom.layouts import Plain
from DeidentifyStudyCore.dicom.object_classes import WITHOUT_STUDY
from DeidentifyStudyCore.dicom.pixeldata import Generated, Masked, PixelPlan, plan_pixels
from DeidentifyStudyCore.dicom.sequences import opened_items
from DeidentifyStudyCore.dicom.source import Source, text_of
from DeidentifyStudyCore.dicom.tokenizer import (
    IMPLICIT_LITTLE,
    ITEM,
    PIXEL_DATA,
    SEQUENCE_END,
    UNDEFINED,
    Buffer,
    Encoding,
    Span,
)
from DeidentifyStudyCore.errors import MalformedFile, Quarantined
from DeidentifyStudyCore.identity.pseudonyms import Pseudonyms
from DeidentifyStudyCore.rules.book import RuleBook
from DeidentifyStudyCore.rules.harmless import harmless
from DeidentifyStudyCore.rules.markers import file_meta, marker_elements
from DeidentifyStudyCore.rules.model import KEEP, Action, Context, Element, Kind, Mode, Subject
from DeidentifyStudyCore.rules.private import PrivateBlock

__all__ = ["Engine", "Rewritten"]

_CHARACTER_SET = 0x00080005
_SOP_CLASS = 0x00080016
_IDENTIFIERS = (_SOP_CLASS, 0x00080018, 0x0020000D, 0x0020000E)
_MIME = 0x00420012
_MOST_REMEMBERED = 20000
_MOST_PATTERNS = 256
_NUL_PADDED = frozenset({b"UI", b"OB", b"UN"})
_EXTENDED_OFFSETS, _EXTENDED_LENGTHS = 0x7FE00001, 0x7FE00002

_NOTHING: Mapping[int, bytes] = MappingProxyType({})


@dataclass(slots=True)
class Rewritten:
    """A data set as it will be written.

    Attributes
    ----------
    meta : bytes
        Preamble and file meta information.
    pieces : list
        Bytes, ranges of the source, and masked pixels, in order.
    uses : list of Uses
        What was done to each element.
    plan : PixelPlan or None
        For the pixel data element.
    """

    meta: bytes
    pieces: list[Piece | Masked | Generated]
    uses: list[Uses]
    plan: PixelPlan | None = None


class Engine:
    """Rewrites the objects of one patient.

    Attributes
    ----------
    retained : set of (int, str)
        Tags and texts that were kept or cleaned so far, for a person to look over.
    """

    def __init__(self, book: RuleBook, pseudonyms: Pseudonyms, subject: Subject) -> None:
        self._book = book
        self._pseudonyms = pseudonyms
        self._decider = Decider(book, pseudonyms, subject)
        self._memos: dict[tuple[str, Encoding, bytes], dict[bytes, Decision]] = {}
        self._patterns: dict[PatternKey, Pattern] = {}
        self._uses: dict[tuple[TallyKey, ...], Uses] = {}
        self._marked: dict[tuple[Encoding, tuple[str, ...]], tuple[tuple[int, bytes], ...]] = {}
        self.retained = self._decider.retained

    def rewrite(self, source: Source, plan: PixelPlan | None = None, claims: tuple[str, ...] = ()) -> Rewritten:
        """Decide on every element of an object.

        Parameters
        ----------
        plan : PixelPlan, optional
            For the pixel data, when they are not handed over as they are.
        claims : tuple of str
            Codes of CID 7050 that the work on the pixels earned.

        Raises
        ------
        Quarantined
            The object cannot be cleaned.
        MalformedFile
            A sequence of it cannot be parsed.
        """
        sop_class, instance, study, series = map(text_of, source.values(_IDENTIFIERS))
        if not (sop_class and instance and ((study and series) or sop_class in WITHOUT_STUDY)):
            raise Quarantined("missing-identifiers")
        character_set = source.value(_CHARACTER_SET)
        plan = plan or plan_pixels(source)
        if plan is None and source.first(0x00287FE0):
            raise Quarantined("pixel-data-elsewhere")
        key = (sop_class, source.encoding, character_set)
        memo = self._memos.setdefault(key, {})
        if len(memo) > _MOST_REMEMBERED:
            memo.clear()
        context = self._decider.context(source)
        replaced = plan.elements if plan else _NOTHING
        inserted = self._markers(source.encoding, claims)
        if replaced:
            inserted = tuple(sorted([*inserted, *replaced.items()]))
        pattern_key = (id(source.layout), sop_class, character_set, inserted)
        pattern = None if replaced else self._patterns.get(pattern_key)
        pieces = None if pattern is None else self._like_before(pattern, source, context, memo, plan)
        if pattern is None or pieces is None:
            taken: list[Decision] = []
            pieces = self._splice(
                source.buffer, source.spans, source.start, source.encoding, context, 0, taken, memo, plan, inserted,
                replaced,
            )  # fmt: skip
            uses = uses_of(taken)
            if not replaced:
                new = None
                if source.layout.met and not _moves_tables(source, plan):
                    private = self._decider.private_block(source.buffer, source.spans)
                    new = Pattern.of(source, taken, inserted, private)
                self._remember(pattern_key, new)
        else:
            uses = pattern.uses
        syntax = plan.transfer_syntax if plan and plan.transfer_syntax else source.transfer_syntax
        meta = file_meta(self._class_uid(sop_class, context), self._pseudonyms.uid(instance), syntax)
        return Rewritten(meta, pieces, uses, plan)

    def _class_uid(self, sop_class: str, context: Context) -> str:
        """SOP Class UID as the data set of the new object has it: one that nobody registered may be anything."""
        if is_well_known(sop_class):
            return sop_class
        rule = self._book.rule_for(_SOP_CLASS, "UI")
        return rule.apply(Element(_SOP_CLASS, "UI", sop_class.encode()), context).value.decode() or sop_class

    def _markers(self, encoding: Encoding, claims: tuple[str, ...]) -> tuple[tuple[int, bytes], ...]:
        known = self._marked.get((encoding, claims))
        if known is None:
            known = self._marked[encoding, claims] = marker_elements(self._book.profile, encoding, claims)
        return known

    def _remember(self, key: PatternKey, pattern: Pattern | None) -> None:
        self._patterns.pop(key, None)
        if pattern is not None:
            if len(self._patterns) >= _MOST_PATTERNS:
                self._patterns.pop(next(iter(self._patterns)))
            self._patterns[key] = pattern

    def _like_before(
        self,
        pattern: Pattern,
        source: Source,
        context: Context,
        memo: dict[bytes, Decision],
        plan: PixelPlan | None,
    ) -> list[Piece | Masked | Generated] | None:
        """Pieces of an object that has the layout of one before: only what differs is decided on and exchanged.

        None where that is not enough: a private creator changed, or a table of where fragments of the pixels lie.
        """
        if _moves_tables(source, plan):
            return None
        layout, elements = source.layout, source.elements
        decided: list[tuple[int, bytes, Decision]] = []
        for index, raw in elements.differing(pattern.elements):
            keeps, begin, kept = pattern.keeping.get(index) or self._keeping(pattern, index)
            if keeps is not None and keeps.fullmatch(raw, begin):
                decided.append((index, raw, kept))
                continue
            tag = layout.tags[index]
            if tag == _MIME or (tag & 0x10000 and is_private_creator(tag)):
                return None
            decision = None if tag & 0x10000 else memo.get(raw)
            if decision is None:
                plain = layout.plain[index]
                if plain is None or tag & 0x10000:
                    span = layout.span(index, raw)
                    decision = self._decide(raw, span, layout.encoding, context, pattern.private, 0)
                else:
                    decision = self._decide_plain(raw, plain, layout.vrs[index], layout.encoding, context)
                if not tag & 0x10000 and len(raw) <= LONGEST_REMEMBERED:
                    memo[raw] = decision
            decided.append((index, raw, decision))
        pattern.exchange(elements, decided)
        return pattern.pieces(plan)

    def _splice(  # noqa: C901  # the hot loop: see tokenizer._scan
        self,
        buffer: Buffer,
        spans: list[Span],
        begin: int,
        encoding: Encoding,
        context: Context,
        depth: int,
        taken: list[Decision],
        memo: dict[bytes, Decision] | None = None,
        plan: PixelPlan | None = None,
        inserted: tuple[tuple[int, bytes], ...] = (),
        replaced: Mapping[int, bytes] = _NOTHING,
    ) -> list[Piece | Masked | Generated]:
        """Pieces that replace the elements of one item or data set."""
        pieces: list[Piece | Masked | Generated] = []
        run = begin
        waiting = list(reversed(inserted))
        next_tag = waiting[-1][0] if waiting else 1 << 32
        private = self._decider.private_block(buffer, spans)
        for span in spans:
            tag, _, start, _, _, end = span
            while next_tag <= tag:
                if start > run:
                    pieces.append((run, start))
                run = start
                pieces.append(waiting.pop()[1])
                next_tag = waiting[-1][0] if waiting else 1 << 32
            if tag in replaced:
                if start > run:
                    pieces.append((run, start))
                run = end
                taken.append(HANDED_OVER)
                continue
            if tag >= _EXTENDED_OFFSETS and plan is not None and not depth:
                new = self._pixel_element(span, plan, encoding, buffer)
                if new is not None:
                    if start > run:
                        pieces.append((run, start))
                    pieces.extend(new)
                    run = end
                    taken.append(HANDED_OVER)
                    continue
            if memo is not None and end - start <= LONGEST_REMEMBERED and not tag & 0x10000:
                raw = buffer[start:end]
                decision = memo.get(raw)
                if decision is None:
                    decision = memo[raw] = self._decide(buffer, span, encoding, context, private, depth)
            else:
                decision = self._decide(buffer, span, encoding, context, private, depth)
            taken.append(decision)
            replacement = decision[0]
            if replacement is None:
                continue
            if start > run:
                pieces.append((run, start))
            if replacement:
                pieces.append(replacement)
            run = end
        last = spans[-1][5] if spans else begin
        if last > run:
            pieces.append((run, last))
        pieces.extend(element for _, element in reversed(waiting))
        return pieces

    @staticmethod
    def _pixel_element(
        span: Span, plan: PixelPlan, encoding: Encoding, buffer: Buffer
    ) -> list[Piece | Masked | Generated] | None:
        tag, vr, _, value, stop, _ = span
        if tag == PIXEL_DATA:
            return plan.pieces
        if tag in {_EXTENDED_OFFSETS, _EXTENDED_LENGTHS} and plan.moved:
            if tag == _EXTENDED_LENGTHS:
                lengths = [plan.resized[offset] for offset in sorted(plan.resized)]
                new = b"".join(length.to_bytes(8, "little") for length in lengths)
            else:
                old = [int.from_bytes(buffer[at : at + 8], "little") for at in range(value, stop, 8)]
                new = b"".join(plan.moved.get(offset, 0).to_bytes(8, "little") for offset in old)
            if len(new) != stop - value:
                raise Quarantined("compressed-metadata")  # frames of several fragments with an extended table
            return [encoding.element(tag, vr, new)]
        return None

    def _decide(
        self,
        buffer: Buffer,
        span: Span,
        encoding: Encoding,
        context: Context,
        private: PrivateBlock,
        depth: int,
    ) -> Decision:
        """New bytes of an element (None: as it is; empty: none) and what to count."""
        tag, vr = span[0], span[1]
        action, rule = self._decider.action(buffer, span, encoding, context, private)
        key = (context.path, tag, rule.name, action.told(empty=span[4] == span[3]))
        if action.kind is not Kind.ITEMS:
            padded_as = self._decider.padded_as(tag, vr, private)
            return _new_element(tag, vr, action, encoding, padded_as), self._used((key,))
        used: list[tuple[TallyKey, ...]] = [(key,)]
        try:
            new = self._sequence(buffer, span, encoding, context, action.mode, depth, used)
        except MalformedFile:
            if vr != b"UN" and not tag & 0x10000:
                raise
            return b"", self._used(((context.path, tag, "unreadable sequence", Kind.REMOVE),))
        return new, self._used(tuple(chain.from_iterable(used)))

    def _decide_plain(self, raw: bytes, plain: Plain, vr: bytes, encoding: Encoding, context: Context) -> Decision:
        """Decide as `_decide` does on an element at the top, of the standard, that has nothing but a value."""
        value = raw[plain.inside]
        action, rule = self._decider.plain_action(plain, value, encoding, context)
        key = ((), plain.tag, rule.name, action.told(empty=not value))
        return _new_element(plain.tag, vr, action, encoding, vr), self._used((key,))

    def _keeping(self, pattern: Pattern, index: int) -> Keeping:
        """What is harmless in an element, found once for a pattern."""
        found: Keeping = None, 0, HANDED_OVER
        plain = pattern.layout.plain[index]
        if plain is not None and not plain.tag & 0x10000:
            rule = self._book.rule_for(plain.tag, plain.vr)
            kept = self._used((((), plain.tag, rule.name, KEEP.told(empty=False)),))
            found = harmless(rule, plain.vr), plain.inside.start, (None, kept)
        pattern.keeping[index] = found
        return found

    def _used(self, keys: tuple[TallyKey, ...]) -> Uses:
        """One object for what counts the same."""
        uses = self._uses.get(keys)
        if uses is None:
            if len(self._uses) > _MOST_REMEMBERED:
                self._uses.clear()
            uses = self._uses[keys] = Uses(keys)
        return uses

    def _sequence(
        self,
        buffer: Buffer,
        span: Span,
        encoding: Encoding,
        context: Context,
        mode: Mode,
        depth: int,
        used: list[tuple[TallyKey, ...]],
    ) -> bytes | None:
        """Encode a sequence anew, or None when nothing in it changes."""
        tag, vr, _, _, stop, end = span
        inner = IMPLICIT_LITTLE if vr == b"UN" else encoding
        result: list[bytes] = []
        changed = False
        for item_start, item_value, item_stop, item_end, nested in opened_items(buffer, span, inner, depth):
            below = self._decider.below(buffer, nested, context, tag, mode)
            taken: list[Decision] = []
            pieces = self._splice(buffer, nested, item_value, inner, below, depth + 1, taken)
            used.extend(decision[1] for decision in taken)
            if pieces == [(item_value, item_stop)] or (not pieces and item_value == item_stop):
                result.append(bytes(buffer[item_start:item_end]))
                continue
            changed = True
            # pixel data, and so masks, are planned at the top only
            body = b"".join(piece if isinstance(piece, bytes) else _bytes_of(buffer, piece) for piece in pieces)
            if item_stop != item_end:
                result.append(inner.header(ITEM, b"", UNDEFINED) + body + bytes(buffer[item_stop:item_end]))
            else:
                result.append(inner.header(ITEM, b"", len(body)) + body)
        if not changed:
            return None
        body = b"".join(result)
        if stop != end:
            return encoding.header(tag, vr, UNDEFINED) + body + inner.header(SEQUENCE_END, b"", 0)
        return encoding.header(tag, vr, len(body)) + body


def _new_element(tag: int, vr: bytes, action: Action, encoding: Encoding, padded_as: bytes) -> bytes | Generated | None:
    """Encode an element as an action that opens no sequence leaves it, see `Decision`."""
    if action.kind is Kind.KEEP:
        return None
    if action.kind is Kind.REMOVE:
        return b""
    value = action.value
    if action.generated is not None:
        size, chunks = action.generated.size, action.generated.chunks
        header = encoding.header(tag, vr, size)
        return Generated(len(header) + size, lambda: chain((header,), chunks()))
    if len(value) % 2:
        value += b"\0" if padded_as in _NUL_PADDED else b" "
    return encoding.element(tag, vr, value)


def _moves_tables(source: Source, plan: PixelPlan | None) -> bool:
    """Whether elements beside the pixels say where their fragments lie, and must change with them."""
    return (
        plan is not None
        and bool(plan.moved)
        and not {_EXTENDED_OFFSETS, _EXTENDED_LENGTHS}.isdisjoint(source.layout.first)
    )


def _bytes_of(buffer: Buffer, piece: tuple[int, int] | Masked | Generated) -> bytes:
    if isinstance(piece, Generated):
        return b"".join(piece.chunks())
    start, stop = (piece.start, piece.stop) if isinstance(piece, Masked) else piece
    return bytes(buffer[start:stop])
