"""Look at the objects that wait for a person, and decide: list, show, accept, reject, add or remove boxes, make a page.

Objects are named by the first characters of their digest. The next 'run' with the same queue writes what was accepted,
with its boxes filled. A face is confirmed one by one, with --face and the name of the person who looked at its
pictures; 'all-pending' never stands for faces.
"""

import argparse
from pathlib import Path

from DeidentifyStudyCore.atomic import write_text
from DeidentifyStudyCore.cli.main import CLEAN, SOME_QUARANTINED
from DeidentifyStudyCore.counting import count_of
from DeidentifyStudyCore.errors import InputError
from DeidentifyStudyCore.pixels.boxes import ALL_FRAMES
from DeidentifyStudyCore.pixels.pictures import frame_size, picture_names
from DeidentifyStudyCore.pixels.review_page import review_page
from DeidentifyStudyCore.pixels.risk import RISKS
from DeidentifyStudyCore.review import DECISIONS, QueueEntry, ReviewQueue

__all__ = ["add_arguments", "run"]

_BOX = ("row", "column", "height", "width")
_DECISION = {"accept": "accepted", "reject": "rejected", "reopen": "pending"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("queue", type=Path, metavar="QUEUE", help="folder or JSON file given to 'run --review'")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listed = actions.add_parser("list", help="one line an object; exit code 3 while any waits")
    listed.add_argument("--decision", choices=DECISIONS, help="only objects with this decision")
    shown = actions.add_parser("show", help="what was found in an object, and its pictures")
    shown.add_argument("object", metavar="OBJECT")
    for action, what in (
        ("accept", "write the object, with its boxes filled"),
        ("reject", "leave the object out"),
        ("reopen", "take a decision back"),
    ):
        decided = actions.add_parser(action, help=what)
        decided.add_argument(
            "objects", nargs="+", metavar="OBJECT", help="start of its digest, or 'all-pending' (never faces)"
        )
        if action == "accept":
            decided.add_argument("--face", action="store_true", help="OBJECT is a face, whose pictures were looked at")
            decided.add_argument("--by", metavar="NAME", default="", help="who confirms the face; it is in the report")
    added = actions.add_parser("add", help="add a box to fill")
    added.add_argument("object", metavar="OBJECT")
    for name in _BOX:
        added.add_argument(name, type=int, metavar=name.upper(), help="in pixels, counted from 0")
    added.add_argument("--frame", type=int, metavar="N", help="counted from 1 (default: every frame)")
    removed = actions.add_parser("remove", help="take a box out, so that it is not filled")
    removed.add_argument("object", metavar="OBJECT")
    removed.add_argument("number", type=int, metavar="NUMBER", help="as 'show' counts")
    page = actions.add_parser("page", help="write an HTML page with pictures and boxes")
    page.add_argument("--output", type=Path, metavar="FILE", help="default: beside the queue's file")


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    queue = ReviewQueue.load(arguments.queue)
    if not queue.path.exists():
        raise InputError(f"{queue.path}: is not there; 'run --review' makes it.")
    if arguments.action == "list":
        return _list(queue, arguments.decision)
    if arguments.action == "page":
        return _page(queue, arguments.output)
    if arguments.action in _DECISION:
        face, name = (arguments.face, arguments.by) if arguments.action == "accept" else (False, "")
        return _decide(queue, arguments.objects, _DECISION[arguments.action], name if face else "")
    digest, entry = queue.find(arguments.object)
    if arguments.action == "show":
        _show(queue, digest, entry)
        return CLEAN
    if arguments.action == "add":
        _add(queue, digest, entry, arguments.frame, [getattr(arguments, name) for name in _BOX])
    else:
        if not 1 <= arguments.number <= len(entry.boxes):
            raise InputError(f"there is no box {arguments.number}; 'show' counts them from 1.")
        del entry.boxes[arguments.number - 1]
    queue.save()
    _show(queue, digest, entry)
    return CLEAN


def _list(queue: ReviewQueue, decision: str | None) -> int:
    for digest, entry in sorted(queue.entries.items()):
        if decision in {None, entry.decision}:
            what = "face" if entry.is_face else count_of(len(entry.boxes), "box", "boxes")
            print(f"{digest[:12]}  {entry.decision:8}  {what:>9}  {', '.join(entry.risks)}")
    waiting = len(queue.decided("pending"))
    print(f"{count_of(len(queue.entries), 'object')}, {count_of(waiting, 'waits', 'wait')} for a decision")
    return SOME_QUARANTINED if waiting else CLEAN


def _decide(queue: ReviewQueue, names: list[str], decision: str, confirmed_by: str) -> int:
    digests: set[str] = set()
    for name in names:
        digests.update(queue.pending_texts() if name == "all-pending" else {queue.find(name)[0]})
    for digest in sorted(digests):
        queue.decide(digest, decision, confirmed_by)
    queue.save()
    print(f"{count_of(len(digests), 'object')} {decision}; run again to apply")
    faces = len(queue.decided("pending") - queue.pending_texts())
    if faces and "all-pending" in names:
        print(f"{count_of(faces, 'face waits', 'faces wait')}: look at each, and decide on it by its digest")
    return CLEAN


def _show(queue: ReviewQueue, digest: str, entry: QueueEntry) -> None:
    print(f"{digest}  {entry.decision}  {'; '.join(RISKS.get(risk, risk) for risk in entry.risks)}")
    if entry.confirmed_by:
        print(f"confirmed by {entry.confirmed_by}")
    sources = {tuple(box): source for box, source in zip(entry.found, entry.sources, strict=True)}
    for number, box in enumerate(entry.boxes, 1):
        frame = "every frame" if box[0] < 0 else f"frame {box[0] + 1}"
        place = f"row {box[1]}, column {box[2]}, {box[3]} x {box[4]}"
        print(f"{number:4}  {frame}, {place}  ({sources.get(tuple(box), 'added by a person')})")
    for name in picture_names(queue.pictures, digest):
        print(queue.pictures / name)


def _add(queue: ReviewQueue, digest: str, entry: QueueEntry, frame: int | None, box: list[int]) -> None:
    if entry.is_face:
        raise InputError("a face has no boxes; accept or reject it.")
    row, column, height, width = box
    if frame is not None and frame < 1:
        raise InputError("frames are counted from 1; leave --frame away for every frame.")
    if row < 0 or column < 0 or height < 1 or width < 1:
        raise InputError("a box needs a row and a column from 0, a height and a width from 1.")
    for name in picture_names(queue.pictures, digest)[:1]:
        rows, columns = frame_size(queue.pictures / name)
        if row >= rows or column >= columns:
            raise InputError(f"the box lies outside the frame of {rows} x {columns} pixels.")
    entry.boxes.append([ALL_FRAMES if frame is None else frame - 1, *box])


def _page(queue: ReviewQueue, output: Path | None) -> int:
    path = output or queue.path.with_suffix(".html")
    if path.resolve().parent != queue.path.resolve().parent:
        raise InputError("the page shows the pictures beside the queue; write it into the same folder.")
    write_text(path, review_page(queue))
    print(path)
    return CLEAN
