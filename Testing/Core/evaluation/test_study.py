"""Many cases: in parallel, resumed, not stopped by a bad one; and their summary."""

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from AnnotationQACore.agreement.ratings.categories import CategoryRatings
from AnnotationQACore.agreement.ratings.categories_pairs import cohen_kappa, contingency_table
from AnnotationQACore.agreement.ratings.weights import agreement_weights
from AnnotationQACore.errors import Cancelled, InputError
from AnnotationQACore.evaluation import study
from AnnotationQACore.evaluation.answer_statistics import answer_statistics
from AnnotationQACore.evaluation.answers import scale_of
from AnnotationQACore.evaluation.case_files import CaseFiles
from AnnotationQACore.evaluation.executors import open_executor
from AnnotationQACore.evaluation.records import CaseAgreement, ItemAgreement, ValueRow
from AnnotationQACore.evaluation.study import study_agreement
from AnnotationQACore.evaluation.summary import summarize
from AnnotationQACore.geometry import Grid
from AnnotationQACore.protocol.items import Choice, Classification, Level, Rating
from AnnotationQACore.protocol.model import Protocol

WriteCase = Callable[..., CaseFiles]

LEFT = (slice(2, 6), slice(2, 8), slice(2, 8))
SHIFTED = (slice(2, 6), slice(2, 8), slice(3, 9))
RATINGS = [(1, 2), (2, 2), (3, 3), (5, 4), (4, 4), (1, 1), (3, 5), (5, 5)]


@pytest.fixture
def cases(write_case: WriteCase) -> list[CaseFiles]:
    return [
        write_case(f"c{number}", {"a": [(LEFT, first)], "b": [(SHIFTED, second)]}, patient=f"p{number // 2}")
        for number, (first, second) in enumerate(RATINGS)
    ]


def test_one_bad_file_does_not_stop_the_rest(cases: list[CaseFiles], lung: Protocol) -> None:
    cases[3].readings[0].reading.write_text("{")
    result = study_agreement(cases, lung)
    assert [case.case for case in result.cases] == ["c0", "c1", "c2", "c4", "c5", "c6", "c7"]
    assert [failed.case for failed in result.failed] == ["c3"]
    assert "was changed" in result.failed[0].problem


def test_executors_give_the_same(cases: list[CaseFiles], lung: Protocol) -> None:
    here = study_agreement(cases, lung)
    with ThreadPoolExecutor(2) as threads:
        assert study_agreement(cases, lung, executor=threads).to_json() == here.to_json()
    with open_executor(2) as processes:
        assert study_agreement(cases, lung, executor=processes).to_json() == here.to_json()


@pytest.mark.filterwarnings("ignore")  # of distributed and tornado, which are not ours
def test_a_dask_cluster_gives_the_same(cases: list[CaseFiles], lung: Protocol) -> None:
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, host="127.0.0.1"
        ) as cluster,
        open_executor(scheduler=cluster.scheduler_address) as executor,
    ):
        assert study_agreement(cases, lung, executor=executor).to_json() == study_agreement(cases, lung).to_json()


def test_a_cancelled_run_is_taken_up_where_it_stopped(
    cases: list[CaseFiles], lung: Protocol, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()

    def cancel_after_three(done: int, total: int, message: str = "") -> None:
        if done == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        study_agreement(cases, lung, keep_in=kept, progress=cancel_after_three)
    compared: list[str] = []
    compare = study.case_agreement
    monkeypatch.setattr(
        study, "case_agreement", lambda files, p, **o: compared.append(files.case) or compare(files, p, **o)
    )
    result = study_agreement(cases, lung, keep_in=kept)
    assert compared == ["c3", "c4", "c5", "c6", "c7"]
    assert result.to_json() == study_agreement(cases, lung).to_json()


@pytest.mark.parametrize("damage", ["truncate", "other reading"])
def test_a_kept_result_that_does_not_fit_is_made_again(
    cases: list[CaseFiles], lung: Protocol, tmp_path: Path, damage: str
) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    study_agreement(cases[:1], lung, keep_in=kept)
    (path,) = kept.iterdir()
    files = cases[0]
    if damage == "truncate":
        path.write_bytes(path.read_bytes()[:-5])
    else:
        files = replace(cases[0], readings=(cases[0].readings[0], replace(cases[1].readings[1])))
    again = study_agreement([files], lung, keep_in=kept)
    assert again.to_json() == study_agreement([files], lung).to_json()


@pytest.mark.parametrize("damage", ["lost", "changed"])
@pytest.mark.parametrize("which", ["reading", "segmentation"])
def test_a_file_that_is_lost_or_changed_after_it_was_compared_is_noticed(
    cases: list[CaseFiles], lung: Protocol, tmp_path: Path, damage: str, which: str
) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    assert not study_agreement(cases[:2], lung, keep_in=kept).failed
    path: Path = getattr(cases[0].readings[1], which)
    if damage == "lost":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes() + b" ")
    again = study_agreement(cases[:2], lung, keep_in=kept)
    assert [one.case for one in again.cases] == ["c1"]
    assert [one.case for one in again.failed] == ["c0"]
    assert path.name in again.failed[0].problem
    assert ("cannot be read" if damage == "lost" else "was changed") in again.failed[0].problem


def test_other_lattices_are_refused_or_resampled_and_kept_apart(
    write_case: WriteCase, lung: Protocol, tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    box = (slice(1, 3), slice(1, 4), slice(1, 4))
    coarse = write_case("c0", {"a": [(box, 3)]}, grid=Grid((4, 10, 10), (4.0, 2.0, 2.0)))
    fine = write_case("c0", {"b": [(LEFT, 3)]})
    files = replace(coarse, readings=coarse.readings + fine.readings)
    (refused,) = study_agreement([files], lung, keep_in=kept).failed
    assert "differ in" in refused.problem
    (compared,) = study_agreement([files], lung, keep_in=kept, resample=True).cases
    (message,) = compared.messages
    assert message.startswith("a: was drawn on another grid (spacing 4 x 2 x 2 mm)")
    assert compared.item("nodule").pairs[0].figures["dice"] > 0
    assert study_agreement([files], lung, keep_in=kept).failed
    assert study_agreement([files], lung, keep_in=kept, resample=True).cases == (compared,)


def test_summary_equals_the_statistics_of_the_table(cases: list[CaseFiles], lung: Protocol) -> None:
    summary = summarize(study_agreement(cases, lung), lung, resamples=200)
    items = {item.item: item for item in summary.items}
    assert (summary.n_cases, summary.n_patients) == (8, 4)
    dice = items["nodule"].figure("dice")
    assert dice is not None
    assert (dice.value, dice.n, dice.n_patients) == (pytest.approx(5 / 6), 8, 4)
    ratings = CategoryRatings.from_values(RATINGS, ("a", "b"), [1, 2, 3, 4, 5])
    expected = cohen_kappa(contingency_table(ratings, 0, 1), agreement_weights("quadratic", ratings.scores))
    kappa = items["malignancy"].figure("weighted_kappa_quadratic")
    assert kappa is not None
    assert kappa.value == pytest.approx(expected.value)
    assert kappa.low < kappa.value < kappa.high
    assert items["malignancy"].reached is (expected.value >= 0.6)
    assert items["malignancy"].agreed_cases == 7  # one case of eight differs by two levels
    assert items["malignancy"].review_cases == 1


def test_limits_of_agreement_of_two_readers(write_case: WriteCase, lung: Protocol) -> None:
    larger = (slice(2, 6), slice(2, 8), slice(2, 9))
    cases = [write_case(f"c{n}", {"a": [(LEFT, 3)], "b": [(larger if n % 2 else LEFT, 3)]}) for n in range(6)]
    summary = summarize(study_agreement(cases, lung), lung, resamples=50)
    limits = summary.items[0].figure("limits_of_agreement")
    assert limits is not None
    difference = np.array([0.0, 48.0] * 3)
    assert limits.value == pytest.approx(1.96 * math.sqrt(np.mean(difference**2)))


def test_impossible_workers_and_schedulers_are_refused() -> None:
    with pytest.raises(InputError, match="workers: 0"), open_executor(0):
        pass


def test_a_structure_that_one_reader_missed_never_lets_a_distance_reach_its_threshold(
    write_case: WriteCase, lung: Protocol
) -> None:
    nodule = next(item for item in lung.items if item.id == "nodule")
    assert nodule.agreement is not None
    wanted = replace(nodule, agreement=replace(nodule.agreement, statistic="hd95", threshold=3.0))
    by_distance = replace(lung, items=tuple(wanted if item is nodule else item for item in lung.items))
    alike = [write_case(f"c{n}", {"a": [(LEFT, 3)], "b": [(LEFT, 3)]}) for n in range(3)]
    missed = write_case("c9", {"a": [(LEFT, 3)], "b": []})
    assert summarize(study_agreement(alike, by_distance), by_distance, resamples=20).items[0].reached is True
    summary = summarize(study_agreement([*alike, missed], by_distance), by_distance, resamples=20).items[0]
    assert summary.reached is False
    hd95 = summary.figure("hd95")
    assert hd95 is not None
    assert (hd95.value, hd95.undefined) == (0.0, 1)
    assert hd95.note.startswith("infinite in 1 pair in which only one drew it; this is the mean of the others")
    nsd = summary.figure("nsd")
    assert nsd is not None
    assert nsd.title == "Normalized surface Dice at 1 mm"


CHOICES = Classification(
    id="margin",
    title="Margin",
    definition="How its edge looks.",
    selection="single",
    choices=tuple(
        Choice(id=name, title=name, definition=name) for name in ("sharp", "lobulated", "spiculated", "blurred")
    ),
)


def answered(*pairs: tuple[str | None, str | None]) -> list[tuple[CaseAgreement, ItemAgreement]]:
    """Two readers' answers, each pair in a case of its own."""
    return [
        (
            CaseAgreement(f"c{number}", f"p{number}", ("a", "b"), ()),
            ItemAgreement("margin", ("a", "b"), values=(ValueRow("", {"a": first, "b": second}),)),
        )
        for number, (first, second) in enumerate(pairs)
    ]


def ac1(item: Classification, found: list[tuple[CaseAgreement, ItemAgreement]]) -> float:
    (one,) = [one for one in answer_statistics(item, found) if one.statistic.names == ("gwet_ac1",)]
    return float(one.statistic.estimates()[0])


@pytest.mark.parametrize(("selection", "categories"), [("single", 4), ("presence", 3)])
def test_the_chance_of_ac1_counts_all_answers_of_the_protocol(selection: str, categories: int) -> None:
    """Gwet 2008: chance agreement is the sum of p (1 - p) by one less than the categories of the scale."""
    first, second = ("sharp", "blurred") if selection == "single" else ("present", "absent")
    found = answered((first, first), (first, first), (second, second), (first, second))
    item = CHOICES if selection == "single" else replace(CHOICES, selection="presence", choices=())
    share = 5 / 8
    chance = 2 * share * (1 - share) / (categories - 1)
    assert ac1(item, found) == pytest.approx((3 / 4 - chance) / (1 - chance))


def test_answers_of_an_earlier_version_of_the_protocol_have_their_place() -> None:
    found = answered(("sharp", "fuzzy"), ("sharp", "sharp"), ("fuzzy", "fuzzy"))
    assert scale_of(CHOICES, [["sharp", "fuzzy"]]) == ["sharp", "lobulated", "spiculated", "blurred", "fuzzy"]
    chance = 2 * 0.5 * 0.5 / 4
    assert ac1(CHOICES, found) == pytest.approx((2 / 3 - chance) / (1 - chance))
    levels = tuple(Level(value=value, title=str(value), definition="a level") for value in (1, 2, 4))
    rating = Rating(
        id="subtlety", title="Subtlety", definition="How hard it is to see.", scale="ordinal", levels=levels
    )
    assert scale_of(rating, [[3.0, None], [1.0, 4.0]]) == [1, 2, 3, 4]
    assert scale_of(replace(CHOICES, selection="multiple"), [["sharp"]]) is None
