"""Parts of a dataset: no patient, and nothing else that belongs together, is in two of them.

Cases that belong together (one patient, duplicates, if wished one site or scanner) are placed as one block. Blocks are
placed by iterative stratification (Sechidis, Tsoumakas and Vlahavas 2011, On the Stratification of Multi-Label Data,
ECML PKDD, LNCS 6913:145-158), in which a block counts as often to a label as it has cases with it.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from AnnotationQACore.errors import InputError

__all__ = ["BY", "SplitCase", "blocks", "fold_parts", "parts_of", "place"]

BY = ("patient", "site", "scanner")
"""What can be kept together; the patient always is."""


@dataclass(frozen=True, slots=True)
class SplitCase:
    """What is known of a case when it is placed.

    Attributes
    ----------
    id, patient : str
    site, scanner : str
        Empty where nobody says.
    labels : frozenset of str
        What is balanced over the parts, such as ``nodule: present`` or ``modality: CT``.
    """

    id: str
    patient: str
    site: str = ""
    scanner: str = ""
    labels: frozenset[str] = field(default_factory=frozenset)


def parts_of(shares: Mapping[str, float]) -> dict[str, float]:
    """Shares that sum to 1, without empty parts.

    Raises
    ------
    InputError
        A share is not a positive number, or there are fewer than two parts.
    """
    if any(not math.isfinite(share) or share < 0 for share in shares.values()):
        raise InputError("split: a share is negative or no number; give shares such as train=0.7 test=0.3.")
    positive = {part: float(share) for part, share in shares.items() if share > 0}
    if len(positive) < 2:
        raise InputError(f"split: {len(positive)} part with a share is no split; give two or more.")
    whole = math.fsum(positive.values())
    return {part: share / whole for part, share in positive.items()}


def fold_parts(folds: int, test: float = 0.0) -> dict[str, float]:
    """Shares of ``fold-0``, ``fold-1``..., and if wished of a ``test`` part that no fold has.

    Raises
    ------
    InputError
        Fewer than two folds, or a test share that leaves nothing.
    """
    if folds < 2 or not 0 <= test < 1:
        raise InputError(f"split: {folds} folds and a test share of {test:g}: give 2 folds or more, and less than 1.")
    shares = {f"fold-{number}": (1.0 - test) / folds for number in range(folds)}
    return shares | {"test": test} if test else shares


def blocks(
    cases: Sequence[SplitCase], *, by: Iterable[str] = ("patient",), links: Iterable[tuple[str, str]] = ()
) -> tuple[tuple[SplitCase, ...], ...]:
    """Cases that must stay together, whatever joins them, in the order of their first case.

    Parameters
    ----------
    cases : sequence of SplitCase
    by : iterable of str
        Of `BY`; ``patient`` always counts.
    links : iterable of pairs of case ID
        Cases that belong together for another reason, such as duplicates; those of unknown cases are passed over.

    Raises
    ------
    InputError
        A case lacks what is to be kept together.
    """
    wanted = dict.fromkeys(["patient", *by])
    for name in wanted:
        if name not in BY:
            raise InputError(f"split: '{name}' cannot be kept together; choose from {', '.join(BY)}.")
        lacking = [case.id for case in cases if not getattr(case, name).strip()]
        if lacking:
            more = f" (and {len(lacking) - 1} more)" if len(lacking) > 1 else ""
            raise InputError(f"split: case '{lacking[0]}'{more} has no {name}; name it in the table of cases.")
    root = {case.id: case.id for case in cases}
    first: dict[tuple[str, str], str] = {}
    for case in cases:
        for name in wanted:
            _join(root, case.id, first.setdefault((name, getattr(case, name)), case.id))
    for a, b in links:
        if a in root and b in root:
            _join(root, a, b)
    grouped: dict[str, list[SplitCase]] = defaultdict(list)
    for case in cases:
        grouped[_root(root, case.id)].append(case)
    return tuple(tuple(group) for group in grouped.values())


def place(
    grouped: Sequence[Sequence[SplitCase]],
    shares: Mapping[str, float],
    seed: int,
    placed: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Place every case in a part.

    The same arguments give the same result on every computer and version, in whatever order the blocks come: ties are
    broken by SHA-256 of the seed and the names.

    Parameters
    ----------
    grouped : sequence of blocks
        See `blocks`.
    shares : mapping of part to float
        See `parts_of`.
    seed : int
    placed : mapping of case ID to part, optional
        Cases of an earlier split: they stay, and new cases of their block join them.

    Returns
    -------
    mapping of case ID to part
        All cases.

    Raises
    ------
    InputError
        The cases of one block are in two parts already.
    """
    placed = placed or {}
    total: Counter[str] = Counter(label for block in grouped for case in block for label in case.labels)
    size = sum(len(block) for block in grouped)
    wanted = {part: share * size for part, share in shares.items()}
    wanted_of = {label: {part: share * count for part, share in shares.items()} for label, count in total.items()}
    result: dict[str, str] = {}

    def put(block: Sequence[SplitCase], part: str) -> None:
        wanted[part] -= len(block)
        for case in block:
            result[case.id] = part
            for label in case.labels:
                wanted_of[label][part] -= 1

    open_blocks = []
    for block in grouped:
        former = {placed[case.id]: case.id for case in block if case.id in placed}
        if len(former) > 1:
            (part, case), (other_part, other), *_ = sorted(former.items())
            raise InputError(
                f"split: cases '{case}' and '{other}' belong together and were placed in '{part}' and '{other_part}'; "
                "exclude one of them, or make a new split under another name."
            )
        if former:
            put(block, next(iter(former)))
        else:
            open_blocks.append(block)
    for block, label in _in_order(open_blocks, seed):
        need = wanted_of[label] if label else wanted
        names = "\n".join(sorted(case.id for case in block))
        put(block, max(shares, key=lambda part: (need[part], wanted[part], _chance(seed, "part", part, names))))
    return result


def _in_order(open_blocks: Sequence[Sequence[SplitCase]], seed: int) -> Iterable[tuple[Sequence[SplitCase], str]]:
    """Blocks as they are placed, with the label for which: always one with the label that the fewest cases still have.

    Of the blocks with this label the largest come first, so that the small ones can even out what these leave.
    """
    counts = [Counter(label for case in block for label in case.labels) for block in open_blocks]
    left = sum(counts, Counter())
    key = [(-len(block), _chance(seed, "block", *sorted(case.id for case in block))) for block in open_blocks]
    having: dict[str, list[int]] = defaultdict(list)
    for number in sorted(range(len(open_blocks)), key=lambda n: key[n]):
        for label in counts[number]:
            having[label].append(number)
    done: set[int] = set()
    while left:
        label = min(left, key=lambda one: (left[one], one))
        for number in having[label]:
            if number not in done:
                done.add(number)
                yield open_blocks[number], label
                left -= counts[number]
        left.pop(label, None)
    for number in sorted(set(range(len(open_blocks))) - done, key=lambda n: key[n]):
        yield open_blocks[number], ""


def _join(root: dict[str, str], a: str, b: str) -> None:
    root[_root(root, a)] = _root(root, b)


def _root(root: dict[str, str], case: str) -> str:
    while root[case] != case:
        root[case] = root[root[case]]
        case = root[case]
    return case


def _chance(seed: int, *words: str) -> bytes:
    return hashlib.sha256("\n".join((str(seed), *words)).encode()).digest()
