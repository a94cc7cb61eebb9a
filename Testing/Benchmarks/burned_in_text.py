"""How much burned-in text the search finds, and how often it takes something else for text.

    python Testing/Benchmarks/burned_in_text.py [--sets plain,varied] [--methods union,classical] [--seed N]
        [--frames N] [--state FILE] [--workers N] [--misses FOLDER]

Two sets of 176 objects with text and 44 without are made anew for each seed: `burned_in_plain.py` writes Latin lines on
real and made backgrounds, and `burned_in_varied.py` makes DICOM objects of sixteen other kinds. Figures are printed
while it runs. With ``--state`` a run that was stopped goes on where it was, as long as the code is the same.

A line counts as found when boxes cover 95 % of its ink in every frame that shows it. Ink is what differs by 24 grey
levels from the same frame without text, as displayed: what nobody can see is not asked for. A box on a side marker
(L or R) counts neither way.
"""

import argparse
import hashlib
import json
import multiprocessing
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import burned_in_plain
import burned_in_varied
import numpy as np
import pydicom
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from DeidentifyStudyCore import pixels
from DeidentifyStudyCore.dicom.source import opened
from DeidentifyStudyCore.pixels import ocr
from DeidentifyStudyCore.pixels.boxes import ALL_FRAMES, Box, mask_of
from DeidentifyStudyCore.pixels.cine import Placed, search_frames
from DeidentifyStudyCore.pixels.frames import frames_of
from DeidentifyStudyCore.pixels.search import METHODS, find_text

SETS = ("plain", "varied")
WITH_TEXT, CLEAN = 176, 44
FOUND = 0.95
_PRINTED_EVERY = 22


@dataclass
class Score:
    """What a method did on some objects; `missed` and `false_on` say on what."""

    objects: int = 0
    clean: int = 0
    lines: int = 0
    lines_found: int = 0
    false: int = 0
    seconds: float = 0.0
    peak: float = 0.0
    missed: Counter[str] = field(default_factory=Counter)
    false_on: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Score") -> None:
        """Add what was found on other objects."""
        for name in ("objects", "clean", "lines", "lines_found", "false", "seconds"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.peak = max(self.peak, other.peak)
        self.missed.update(other.missed)
        self.false_on.update(other.false_on)

    def __str__(self) -> str:
        """One line of figures."""
        share = self.lines_found / max(self.lines, 1)
        recall = f"recall of lines {share:.4f} ({self.lines_found} of {self.lines})" if self.lines else "no lines"
        false = f"false boxes per clean frame {self.false / max(self.clean, 1):.3f} ({self.false} on {self.clean})"
        done = self.objects + self.clean
        speed = f"{self.seconds / done:.2f} s CPU per object ({done / max(self.seconds, 1e-9):.2f} a second)"
        return f"{recall}; {false}; {speed}, peak memory {self.peak:.0f} MB"


Job = tuple[str, str, bool, int, int]
"""Set, method, whether it has text, number and seed."""


def score_of(job: Job, misses: Path | None = None) -> Score:
    """Score of one object."""
    kind, method, has_text, number, seed = job
    score = (_plain if kind == "plain" else _varied)(method, has_text, number, seed, misses)
    score.peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return score


def _plain(method: str, has_text: bool, number: int, seed: int, misses: Path | None) -> Score:
    name, image = burned_in_plain.seeded_backgrounds(seed)[number % CLEAN]
    lines = []
    if has_text:
        frame = burned_in_plain.frame_with_text(number, seed)
        image, lines = frame.image, [(what, {0: np.logical_or.reduce(marks)}) for what, marks in frame.lines]
    begun = time.process_time()
    boxes = [line.box for line in find_text(image, method)]
    seconds = time.process_time() - begun
    score = _scored(name.split("/")[0], has_text, [Placed(0, 0, box, "") for box in boxes], lines, image.shape, None)
    score.seconds = seconds
    if misses and (score.missed or score.false):
        _save(image, boxes, misses / f"plain-{method}-{'missed' if has_text else 'false'}-{number:03}.png")
    return score


def _varied(method: str, has_text: bool, number: int, seed: int, misses: Path | None) -> Score:
    case = (burned_in_varied.text_case if has_text else burned_in_varied.clean_case)(number, seed)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "object.dcm"
        pydicom.dcmwrite(path, case.dataset, enforce_file_format=True)
        with opened(path) as source:
            frames = frames_of(source)
            begun = time.process_time()
            placed = search_frames(frames, method).placed
            seconds = time.process_time() - begun
            shape = frames.format.rows, frames.format.columns
            lines = [(line.kind, line.ink) for line in case.lines]
            score = _scored(case.name, has_text, placed, lines, shape, case.marker)
            score.seconds = seconds
            if misses and (score.missed or score.false):
                shown = min((number for _, ink in lines for number in ink), default=0)
                view = frames.views(shown)[0]
                boxes = _on_frame(placed, shown)
                _save(view, boxes, misses / f"varied-{method}-{'missed' if has_text else 'false'}-{number:03}.png")
    return score


def _scored(
    name: str,
    has_text: bool,
    placed: list[Placed],
    lines: list[tuple[str, dict[int, NDArray[np.bool_]]]],
    shape: tuple[int, ...],
    marker: NDArray[np.bool_] | None,
) -> Score:
    if not has_text:
        on_marker = sum(_is_on(marker, place.box) for place in placed) if marker is not None else 0
        false = len(placed) - on_marker
        return Score(clean=1, false=false, false_on=Counter({name: false} if false else {}))
    score = Score(objects=1)
    masks = {number: mask_of(_on_frame(placed, number), *shape[:2]) for number in {n for _, ink in lines for n in ink}}
    for what, ink in lines:
        found = all(float(masks[number][mark].mean()) >= FOUND for number, mark in ink.items())
        score.lines, score.lines_found = score.lines + 1, score.lines_found + found
        if not found:
            score.missed.update(what.split(", "))
    return score


def _on_frame(placed: list[Placed], number: int) -> list[Box]:
    return [place.box for place in placed if place.first == ALL_FRAMES or place.first <= number <= place.last]


def _is_on(marker: NDArray[np.bool_], box: Box) -> bool:
    return bool(marker[box.row : box.bottom, box.column : box.right].mean() >= 0.5)


def _save(image: NDArray[np.uint8], boxes: list[Box], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.fromarray(image).convert("RGB")
    draw = ImageDraw.Draw(picture)
    for box in boxes:
        draw.rectangle((box.column, box.row, box.right, box.bottom), outline=(255, 60, 60))
    picture.save(path)


def _code() -> str:
    """Digest of what searches and of what makes the objects."""
    digest = hashlib.sha256()
    own = [Path(module.__file__) for module in (burned_in_plain, burned_in_varied)]
    for path in [*sorted(Path(pixels.__file__).parent.glob("*.py")), *own, Path(__file__)]:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _done(state: Path | None, code: str) -> dict[Job, Score]:
    if state is None or not state.exists():
        return {}
    done = {}
    for line in state.read_text().splitlines():
        entry = json.loads(line)
        if entry["code"] == code:
            counts = {name: Counter(entry["score"].pop(name)) for name in ("missed", "false_on")}
            done[tuple(entry["job"])] = Score(**entry["score"], **counts)
    return done


def _scores(jobs: list[Job], arguments: argparse.Namespace) -> Iterator[Score]:
    """Scores in the order in which they come; those of an earlier run first."""
    code = _code()
    done = _done(arguments.state, code)
    yield from (done[job] for job in jobs if job in done)
    left = [job for job in jobs if job not in done]
    for job, score in zip(left, _computed(left, arguments), strict=True):
        if arguments.state:
            with arguments.state.open("a") as stream:
                stream.write(json.dumps({"code": code, "job": job, "score": vars(score)}) + "\n")
        yield score


def _computed(jobs: list[Job], arguments: argparse.Namespace) -> Iterator[Score]:
    if arguments.workers == 1:
        yield from (score_of(job, arguments.misses) for job in jobs)
        return
    with ProcessPoolExecutor(arguments.workers, mp_context=multiprocessing.get_context("spawn")) as executor:
        futures = [executor.submit(score_of, job, arguments.misses) for job in jobs]
        yield from (future.result() for future in futures)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--methods", default="union" if ocr.is_installed() else "classical", help=", ".join(METHODS))
    parser.add_argument("--frames", type=int, default=WITH_TEXT, help="with text; a quarter as many without")
    parser.add_argument("--seed", type=int, default=burned_in_plain.SEED, help="of texts, places and made pictures")
    parser.add_argument("--state", type=Path, help="file that keeps what is done, for runs that are stopped")
    parser.add_argument("--workers", type=int, default=1, help="processes")
    parser.add_argument("--misses", type=Path, help="folder for pictures of missed lines and false boxes")
    arguments = parser.parse_args()
    for kind in arguments.sets.split(","):
        for method in arguments.methods.split(","):
            _measure(kind, method, arguments)


def _measure(kind: str, method: str, arguments: argparse.Namespace) -> None:
    # one without text after every four with, so that what is printed on the way says something of both
    order = [(has_text, number) for part in range(-(-arguments.frames // 4)) for has_text, number in
             [*((True, 4 * part + n) for n in range(4)), (False, part)]]  # fmt: skip
    jobs: list[Job] = [
        (kind, method, has_text, number, arguments.seed)
        for has_text, number in order
        if not has_text or number < arguments.frames
    ]
    total, begun = Score(), time.monotonic()
    for count, score in enumerate(_scores(jobs, arguments), 1):
        total.add(score)
        if count % _PRINTED_EVERY == 0 and count < len(jobs):
            left = (time.monotonic() - begun) / count * (len(jobs) - count)
            print(f"  {count} of {len(jobs)}, {left:.0f} s left: {total}", file=sys.stderr, flush=True)
    print(f"{kind} {method}, seed {arguments.seed}, {len(jobs)} objects: {total}", flush=True)
    for name, counts in (("missed", total.missed), ("false boxes", total.false_on)):
        if counts:
            print(f"    {name}:", ", ".join(f"{what} {times}" for what, times in counts.most_common()), flush=True)


if __name__ == "__main__":
    main()
