"""The queue as one static HTML page: pictures with their boxes, and the commands that decide.

Boxes in red will be filled; dashed ones were proposed and taken out again. The page shows what is burned in, and lies
beside the queue.
"""

import re
from html import escape

from DeidentifyStudyCore.counting import count_of
from DeidentifyStudyCore.pixels.boxes import ALL_FRAMES
from DeidentifyStudyCore.pixels.pictures import frame_size, picture_names
from DeidentifyStudyCore.pixels.risk import RISKS
from DeidentifyStudyCore.review import QueueEntry, ReviewQueue

__all__ = ["review_page"]

_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem; color: #1c2530; }
section { border-top: 1px solid #d9dee5; padding: 1rem 0; }
h1 { font-size: 1.5rem; } h2 { font-size: 1rem; font-family: ui-monospace, monospace; overflow-wrap: anywhere; }
figure { display: inline-block; margin: 0 1rem 1rem 0; vertical-align: top; }
img { max-width: 100%; }
svg { width: 32rem; max-width: 100%; height: auto; background: #000; }
rect { fill: none; stroke: #ff4034; stroke-width: 2; vector-effect: non-scaling-stroke; }
rect.dropped { stroke: #9aa7b5; stroke-dasharray: 5 4; }
.pending { color: #8a5a00; } .accepted { color: #11693b; } .rejected { color: #a3261a; }
code { font-size: 0.9em; overflow-wrap: anywhere; }
"""


def review_page(queue: ReviewQueue) -> str:
    """Write the page; objects that wait for a decision come first."""
    entries = sorted(queue.entries.items(), key=lambda item: (item[1].decision != "pending", item[0]))
    waiting = sum(entry.decision == "pending" for _, entry in entries)
    parts = [
        f"<h1>Review of burned-in text and faces</h1><p>{count_of(len(entries), 'object')}, "
        f"{count_of(waiting, 'waits', 'wait')} for a decision. Red boxes will be filled in the result; dashed ones "
        "will not. Frames are counted from 1. This page and its pictures are as confidential as the source.</p>"
    ]
    parts += [_section(queue, digest, entry) for digest, entry in entries]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>Review of burned-in text and faces</title>'
        f"<style>{_STYLE}</style></head><body>{''.join(parts)}</body></html>\n"
    )


def _section(queue: ReviewQueue, digest: str, entry: QueueEntry) -> str:
    risks = "; ".join(RISKS.get(risk, risk) for risk in entry.risks) or "text was found"
    names = picture_names(queue.pictures, digest)
    figures = [_face(queue, name) if entry.is_face else _figure(queue, name, entry) for name in names]
    by = " --face --by 'YOUR NAME'" if entry.is_face else ""
    command = f"deidentify-study review QUEUE accept {digest[:12]}{by}"
    return (
        f'<section id="{escape(digest)}"><h2>{escape(digest)}</h2>'
        f'<p class="{escape(entry.decision)}">{escape(entry.decision)}: {escape(risks)}</p>'
        f"{''.join(figures) or '<p>No picture: the pixels cannot be decoded here.</p>'}"
        f"<p><code>{escape(command)}</code></p></section>"
    )


def _face(queue: ReviewQueue, name: str) -> str:
    caption = "surface before (above) and after (below), or images in which no face was found"
    return (
        f'<figure><img src="{escape(queue.pictures.name)}/{escape(name)}" alt="{caption}">'
        f"<figcaption>{caption}</figcaption></figure>"
    )


def _figure(queue: ReviewQueue, name: str, entry: QueueEntry) -> str:
    rows, columns = frame_size(queue.pictures / name)
    match = re.search(r"-frame-(\d+)\.png$", name)
    number = int(match[1]) if match else None
    rectangles = [_rectangle(box, "dropped") for box in _shown(entry.found, number) if box not in entry.boxes]
    rectangles += [_rectangle(box, "kept") for box in _shown(entry.boxes, number)]
    caption = "brightest values of all frames" if number is None else f"frame {number + 1}"
    return (
        f'<figure><svg viewBox="0 0 {columns} {rows}" role="img" aria-label="{caption}">'
        f'<image href="{escape(queue.pictures.name)}/{escape(name)}" width="{columns}" height="{rows}" '
        f'preserveAspectRatio="none"/>{"".join(rectangles)}</svg><figcaption>{caption}</figcaption></figure>'
    )


def _shown(boxes: list[list[int]], number: int | None) -> list[list[int]]:
    if number is not None:
        return [box for box in boxes if box[0] in {ALL_FRAMES, number}]
    return list({tuple(box[1:]): box for box in boxes}.values())


def _rectangle(box: list[int], kind: str) -> str:
    _, row, column, height, width = box
    return f'<rect class="{kind}" x="{column}" y="{row}" width="{width}" height="{height}"/>'
