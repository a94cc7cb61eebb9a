"""How often strokes alone are taken for print, rightly and wrongly; fits the weights that decide it.

    python Testing/Benchmarks/print_odds.py [--frames N] [--fit]

Frames are those of `burned_in_plain.py`. A line of text counts as noticed when finds have a fifth of its ink: that is
enough to make an object wait for a person. `--fit` fits the weights of `pixels/classical.py` on other seeds than those
that are measured, and prints them.
"""

import argparse
from collections.abc import Iterator
from io import BytesIO

import numpy as np
from burned_in_plain import BACKGROUNDS, SEED, frame_with_text, seeded_backgrounds
from burned_in_varied import clean_case, shown, text_case
from numpy.typing import NDArray
from PIL import Image
from scipy.optimize import minimize

from DeidentifyStudyCore.pixels.boxes import mask_of
from DeidentifyStudyCore.pixels.classical import stroke_lines
from DeidentifyStudyCore.pixels.search import find_text, planes

FITTED, MEASURED = (101, 102), (SEED, 104)
NOTICED = 0.2
PENALTY = 1e-4


def fitted(frames: int) -> NDArray[np.float64]:
    """Weights by logistic regression, print and anatomy counting alike; the first one is the intercept."""
    rows, labels = [], []
    for image, inks, marker in _examples(frames):
        for line in (line for plane in planes(image, grey_suffices=True) for line in stroke_lines(plane)):
            box = line.place
            part = np.s_[box.row : box.bottom, box.column : box.right]
            if marker is not None and marker[part].mean() > 0.5:
                continue
            share = max((ink[part].sum() / ink.sum() for ink in inks), default=0.0)
            if share == 0 or share >= 0.5:
                rows.append(line.features())
                labels.append(share > 0)
    features, is_print = np.array(rows), np.array(labels, np.float64)
    middle, spread = features.mean(0), features.std(0)
    scaled = np.column_stack([np.ones(len(features)), (features - middle) / spread])
    count = np.where(is_print == 1, 1 / is_print.sum(), 1 / (1 - is_print).sum())

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        odds = scaled @ weights
        shrunk = np.concatenate([[0], weights[1:]])
        error = (count * (np.logaddexp(0, odds) - is_print * odds)).sum() + PENALTY * (shrunk @ shrunk)
        return error, scaled.T @ (count * (1 / (1 + np.exp(-odds)) - is_print)) + 2 * PENALTY * shrunk

    weights = minimize(loss, np.zeros(scaled.shape[1]), jac=True).x
    slopes = weights[1:] / spread
    return np.concatenate([[weights[0] - slopes @ middle], slopes])


Ink = NDArray[np.bool_]


def _examples(frames: int) -> Iterator[tuple[NDArray[np.uint8], list[Ink], Ink | None]]:
    """Pictures of both sets with the ink of their lines and their side marker, some with text compressed."""
    for seed in FITTED:
        for _, image in seeded_backgrounds(seed):
            yield image, [], None
        for number in range(frames):
            frame = frame_with_text(number, seed)
            image = frame.image if number % 2 else _compressed(frame.image)
            yield image, [np.logical_or.reduce(marks) for _, marks in frame.lines], None
            case = text_case(number, seed)
            first = min((number for line in case.lines for number in line.ink), default=0)
            yield shown(case, first), [line.ink[first] for line in case.lines if first in line.ink], None
            case = clean_case(number, seed)
            yield shown(case, 0), [], case.marker


def _compressed(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """As it looks after JPEG, which ultrasound and captures mostly went through."""
    stream = BytesIO()
    Image.fromarray(image).save(stream, "JPEG", quality=80)
    return np.asarray(Image.open(stream))


def measure(method: str, seed: int, frames: int) -> None:
    """Print what a method notices on frames with text and on backgrounds."""
    lines = noticed = strong = strong_noticed = frames_noticed = 0
    for number in range(frames):
        frame = frame_with_text(number, seed)
        mask = mask_of([line.box for line in find_text(frame.image, method)], *frame.image.shape)
        of_frame = 0
        for what, marks in frame.lines:
            is_noticed = bool(mask[np.logical_or.reduce(marks)].mean() >= NOTICED)
            is_strong = ", contrast 60," not in what
            lines, noticed = lines + 1, noticed + is_noticed
            strong, strong_noticed = strong + is_strong, strong_noticed + (is_strong and is_noticed)
            of_frame += is_noticed
        frames_noticed += of_frame > 0
    false = [len(find_text(image, method)) for _, image in seeded_backgrounds(seed)]
    print(
        f"{method:9}  seed {seed}: noticed {noticed} of {lines} lines ({noticed / lines:.3f}), {strong_noticed} of "
        f"{strong} with a contrast of 100 or more; something on {frames_noticed} of {frames} frames, and on "
        f"{sum(number > 0 for number in false)} of {BACKGROUNDS} frames without text, "
        f"{sum(false) / BACKGROUNDS:.2f} boxes a frame",
        flush=True,
    )


def main() -> None:
    """Fit or measure."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--frames", type=int, default=120, help="with text, of each seed")
    parser.add_argument("--fit", action="store_true")
    arguments = parser.parse_args()
    if arguments.fit:
        print(np.round(fitted(arguments.frames), 2).tolist())
        return
    for method in ("classical", "traces"):
        for seed in MEASURED:
            measure(method, seed, arguments.frames)


if __name__ == "__main__":
    main()
