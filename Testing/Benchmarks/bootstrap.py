"""Bootstrap of agreement: `python Testing/Benchmarks/bootstrap.py [--peer-resamples 100] [--rounds 3]`.

897 cases x 4 readers on a scale of five, as the nodules of LIDC-IDRI that all four radiologists outlined (drawn here,
with their spread of malignancy). Ours against the package as its users call it, in a loop over resampled cases.
Processor seconds, interleaved, the median of the rounds. The time of a loop is that of `--peer-resamples` turns, times
the quotient of the numbers of resamples; `--peer-resamples 2000` runs it in full. Ours is the mean of five bootstraps
from the table of ratings to the intervals. Both run once before they are measured. Values of both are compared.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

CASES, READERS, LEVELS = 897, 4, 5
OUR_RUNS = 5
PACKAGES = ["statsmodels==0.15.0", "irrCAC==0.4.4", "krippendorff==0.9.0", "pingouin==0.6.1"]


def draw_ratings() -> np.ndarray:
    """Ratings whose one-way ICC is near that of malignancy in LIDC-IDRI (0.47)."""
    generator = np.random.default_rng(0)
    latent = np.sqrt(0.55) * generator.normal(size=(CASES, 1)) + np.sqrt(0.45) * generator.normal(size=(CASES, READERS))
    return np.digitize(latent, [-1.3, -0.5, 0.5, 1.2]) + 1


def looped() -> dict[str, Callable[[np.ndarray], float]]:
    """Statistics of other packages, each called as in its documentation; imported in their environment only."""
    import krippendorff
    import pandas
    import pingouin
    from irrCAC.raw import CAC
    from statsmodels.stats.inter_rater import aggregate_raters, cohens_kappa, fleiss_kappa, to_table

    def icc(ratings: np.ndarray) -> float:
        cases = np.arange(len(ratings))
        long = pandas.DataFrame(
            {
                "case": np.repeat(cases, READERS),
                "reader": np.tile(np.arange(READERS), len(ratings)),
                "rating": ratings.ravel(),
            }
        )
        table = pingouin.intraclass_corr(long, targets="case", raters="reader", ratings="rating")
        return float(table["ICC"].iloc[0])

    def kappas(ratings: np.ndarray) -> float:
        found = [
            cohens_kappa(to_table(ratings[:, [i, j]], bins=np.arange(LEVELS + 1) + 0.5)[0], wt="quadratic").kappa
            for i in range(READERS)
            for j in range(i)
        ]
        return float(np.mean(found))

    return {
        "statsmodels fleiss_kappa": lambda ratings: float(fleiss_kappa(aggregate_raters(ratings)[0])),
        "statsmodels cohens_kappa, 6 pairs": kappas,
        "krippendorff alpha, ordinal": lambda ratings: float(
            krippendorff.alpha(ratings.T, level_of_measurement="ordinal", value_domain=range(1, LEVELS + 1))
        ),
        "irrCAC gwet": lambda ratings: CAC(pandas.DataFrame(ratings)).gwet()["est"]["coefficient_value"],
        "pingouin intraclass_corr, 6 forms": icc,
    }


def run_peer(name: str, resamples: int) -> None:
    """In the peers' environment: print value and processor seconds of one looped statistic."""
    import warnings

    warnings.simplefilter("ignore")
    ratings, statistic = draw_ratings(), looped()[name]
    generator = np.random.default_rng(1)
    value = statistic(ratings)
    start = time.process_time()
    for _ in range(resamples):
        statistic(ratings[generator.integers(0, CASES, CASES)])
    print(json.dumps({"value": value, "seconds": time.process_time() - start}))


def ours(resamples: int) -> dict[str, Callable[[], float]]:
    """Our bootstraps, from the ratings to the intervals, named as the peer they stand against."""
    from AnnotationQACore.agreement.ratings.categories import CategoryRatings
    from AnnotationQACore.agreement.ratings.categories_coefficients import alpha_statistic, coefficient_statistic
    from AnnotationQACore.agreement.ratings.categories_pairs import kappa_statistic
    from AnnotationQACore.agreement.ratings.icc import icc_statistic
    from AnnotationQACore.agreement.ratings.weights import agreement_weights
    from AnnotationQACore.agreement.statistics.intervals import SumStatistic, bootstrap, combined

    values = draw_ratings()
    readers = [f"reader {number}" for number in range(1, READERS + 1)]

    def categories() -> CategoryRatings:
        return CategoryRatings.from_values(values, readers, range(1, LEVELS + 1))

    def pairs(ratings: CategoryRatings) -> list[SumStatistic]:
        weights = agreement_weights("quadratic", ratings.scores)
        return [kappa_statistic(ratings, i, j, weights, f"{i} {j}") for i in range(READERS) for j in range(i)]

    def estimate(statistic: SumStatistic, name: str) -> float:
        return bootstrap(statistic, resamples=resamples)[name].estimate

    def kappas() -> float:
        found = bootstrap(combined(pairs(categories())), resamples=resamples)
        return float(np.mean([interval.estimate for interval in found.values()]))

    def everything() -> float:
        ratings = categories()
        statistics_ = [coefficient_statistic(ratings), alpha_statistic(ratings, "ordinal"), *pairs(ratings)]
        return estimate(combined([*statistics_, icc_statistic(values.astype(float))]), "fleiss")

    return {
        "statsmodels fleiss_kappa": lambda: estimate(coefficient_statistic(categories(), names=["fleiss"]), "fleiss"),
        "statsmodels cohens_kappa, 6 pairs": kappas,
        "krippendorff alpha, ordinal": lambda: estimate(alpha_statistic(categories(), "ordinal"), "krippendorff"),
        "irrCAC gwet": lambda: estimate(coefficient_statistic(categories(), names=["gwet"]), "gwet"),
        "pingouin intraclass_corr, 6 forms": lambda: estimate(icc_statistic(values.astype(float)), "icc(1,1)"),
        "all of them": everything,
    }


def compare(resamples: int, peer_resamples: int, rounds: int) -> dict[str, tuple[float, float]]:
    """Run both sides in turn, and print the table; our and their seconds of each."""
    from peer_environment import peer_python

    python = peer_python("statistics", PACKAGES)
    calls = ours(resamples)
    theirs: dict[str, list[float]] = {}
    mine: dict[str, list[float]] = {}
    for _ in range(rounds):
        for name, call in calls.items():
            value = call()
            start = time.process_time()
            for _ in range(OUR_RUNS):
                call()
            mine.setdefault(name, []).append((time.process_time() - start) / OUR_RUNS)
            if name == "all of them":
                continue
            command = [python, Path(__file__), "--peer", name, "--peer-resamples", str(peer_resamples)]
            answer = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            theirs.setdefault(name, []).append(answer["seconds"] * resamples / peer_resamples)
            if abs(answer["value"] - value) > 1e-4:
                sys.exit(f"{name}: the peer gives {answer['value']}, we give {value}")
    medians = {name: statistics.median(seconds) for name, seconds in theirs.items()}
    medians["all of them"] = sum(medians.values())
    print(f"{resamples} resamples of {CASES} cases x {READERS} readers; processor seconds, medians of {rounds} rounds")
    print(f"{'peer (looped)':36} {'peer s':>9} {'ours s':>9} {'ratio':>8}")
    for name, seconds in medians.items():
        own = statistics.median(mine[name])
        print(f"{name:36} {seconds:9.2f} {own:9.4f} {seconds / own:8.0f}")
    return {name: (statistics.median(mine[name]), seconds) for name, seconds in medians.items()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--resamples", type=int, default=2000)
    parser.add_argument("--peer-resamples", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peer", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.peer:
        run_peer(arguments.peer, arguments.peer_resamples)
    else:
        compare(arguments.resamples, arguments.peer_resamples, arguments.rounds)
