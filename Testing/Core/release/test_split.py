"""Parts of a dataset: nothing that belongs together is in two, whatever the cases are."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from AnnotationQACore.errors import InputError, ProjectError
from AnnotationQACore.release.split import SplitCase, blocks, fold_parts, parts_of, place

PARTS = parts_of({"train": 0.7, "validation": 0.1, "test": 0.2})
bounded = settings(max_examples=30, deadline=None, derandomize=True)


@st.composite
def case_lists(draw: Any) -> list[SplitCase]:
    count = draw(st.integers(1, 40))
    return [
        SplitCase(
            f"c{number}",
            f"p{draw(st.integers(0, 15))}",
            f"s{draw(st.integers(0, 3))}",
            "scanner",
            frozenset(draw(st.sets(st.sampled_from("ABCD")))),
        )
        for number in range(count)
    ]


links = st.lists(st.tuples(st.integers(0, 39), st.integers(0, 39)), max_size=8)


@bounded
@given(case_lists(), links, st.integers(0, 5), st.booleans())
def test_nothing_that_belongs_together_is_in_two_parts(
    cases: list[SplitCase], pairs: list[tuple[int, int]], seed: int, by_site: bool
) -> None:
    joined = [(f"c{a}", f"c{b}") for a, b in pairs]
    by = ["site"] if by_site else []
    parts = place(blocks(cases, by=by, links=joined), PARTS, seed)
    assert set(parts) == {case.id for case in cases}
    assert set(parts.values()) <= set(PARTS)
    for key in ("patient", *by):
        where: dict[str, set[str]] = {}
        for case in cases:
            where.setdefault(getattr(case, key), set()).add(parts[case.id])
        assert all(len(found) == 1 for found in where.values())
    assert all(parts[a] == parts[b] for a, b in joined if a in parts and b in parts)


@bounded
@given(case_lists(), case_lists(), st.integers(0, 5))
def test_cases_that_were_placed_stay_when_cases_are_added(
    first: list[SplitCase], more: list[SplitCase], seed: int
) -> None:
    before = place(blocks(first), PARTS, seed)
    added = [SplitCase(f"n{case.id}", case.patient, labels=case.labels) for case in more]
    after = place(blocks([*first, *added]), PARTS, seed + 1, before)
    assert {case: after[case] for case in before} == before
    part_of_patient = {case.patient: before[case.id] for case in first}
    assert all(after[case.id] == part_of_patient.get(case.patient, after[case.id]) for case in added)


@bounded
@given(case_lists(), st.integers(0, 5), st.randoms())
def test_the_order_of_cases_does_not_matter(cases: list[SplitCase], seed: int, random: Any) -> None:
    shuffled = list(cases)
    random.shuffle(shuffled)
    assert place(blocks(shuffled), PARTS, seed) == place(blocks(cases), PARTS, seed)


def test_the_seed_makes_the_split() -> None:
    cases = [SplitCase(f"c{n}", f"p{n}") for n in range(200)]
    first, again, other = (place(blocks(cases), PARTS, seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_shares_are_met_as_closely_as_whole_cases_allow() -> None:
    cases = [SplitCase(f"c{n}", f"p{n}") for n in range(100)]
    assert Counter(place(blocks(cases), PARTS, 3).values()) == {"train": 70, "validation": 10, "test": 20}


def test_rare_labels_are_spread_better_than_by_chance() -> None:
    """Label distribution of Sechidis et al. 2011, equation 5: mean difference of the odds of the labels."""
    random = np.random.default_rng(0)
    labels = [frozenset(name for name, share in zip("ABCDE", (0.5, 0.3, 0.1, 0.05, 0.03), strict=True)
                        if random.random() < share) for _ in range(400)]  # fmt: skip
    cases = [SplitCase(f"c{n}", f"p{n}", labels=own) for n, own in enumerate(labels)]
    folds = fold_parts(10)

    def difference(parts: dict[str, str]) -> float:
        found = []
        for label in "ABCDE":
            whole = sum(label in case.labels for case in cases) / len(cases)
            for fold in folds:
                own = [case for case in cases if parts[case.id] == fold]
                share = sum(label in case.labels for case in own) / len(own)
                found.append(abs(share / max(1 - share, 1e-9) - whole / (1 - whole)))
        return float(np.mean(found))

    stratified = difference(place(blocks(cases), folds, 0))
    bare = [SplitCase(case.id, case.patient) for case in cases]
    by_chance = [difference(place(blocks(bare), folds, seed)) for seed in range(10)]
    assert stratified < 0.25 * min(by_chance)


def test_every_fold_gets_one_of_a_label_that_as_many_cases_have_as_there_are_folds() -> None:
    cases = [SplitCase(f"c{n}", f"p{n}", labels=frozenset(["rare"] if n < 5 else [])) for n in range(100)]
    parts = place(blocks(cases), fold_parts(5), 0)
    assert Counter(parts[f"c{n}"] for n in range(5)) == {f"fold-{k}": 1 for k in range(5)}


def test_folds_beside_a_test_part() -> None:
    parts = fold_parts(4, test=0.2)
    assert parts == {"fold-0": 0.2, "fold-1": 0.2, "fold-2": 0.2, "fold-3": 0.2, "test": 0.2}


@pytest.mark.parametrize("shares", [{"train": 1.0}, {"train": 0.5, "test": -0.1}, {"train": 1.0, "test": float("nan")}])
def test_shares_that_cannot_be_are_refused(shares: dict[str, float]) -> None:
    with pytest.raises(InputError, match=r"^split: "):
        parts_of(shares)


def test_a_case_without_site_is_named() -> None:
    cases = [SplitCase("c1", "p1", site="A"), SplitCase("c2", "p2")]
    with pytest.raises(InputError, match=r"^split: case 'c2' has no site; name it in the table of cases\.$"):
        blocks(cases, by=["site"])


def test_a_case_without_patient_is_named() -> None:
    with pytest.raises(InputError, match="case 'c1' has no patient"):
        blocks([SplitCase("c1", " ")])


def test_duplicates_that_were_placed_apart_are_refused_with_the_remedy() -> None:
    cases = [SplitCase("c1", "p1"), SplitCase("c2", "p2")]
    with pytest.raises(InputError, match="belong together and were placed in 'test' and 'train'; exclude one of them"):
        place(blocks(cases, links=[("c1", "c2")]), PARTS, 0, {"c1": "train", "c2": "test"})


def test_the_ledger_keeps_a_split_and_lets_no_patient_cross(study: Any) -> None:
    lead = study.as_("lead")
    shares = {"train": 0.5, "test": 0.5}
    lead.assign_split("main", shares, {"case-1": "train", "case-3": "test"}, 7, stratified=["findings"])
    with pytest.raises(ProjectError, match="the patient of case 'case-2' would be in two parts"):
        lead.assign_split("main", shares, {"case-2": "test"}, 7)
    with pytest.raises(ProjectError, match="case 'case-3' is in 'test' already"):
        lead.assign_split("main", shares, {"case-3": "train"}, 7)
    with pytest.raises(ProjectError, match="has other parts"):
        lead.assign_split("main", {"a": 0.5, "b": 0.5}, {"case-4": "a"}, 7)
    with pytest.raises(ProjectError, match="there is no case 'case-99'"):
        lead.assign_split("main", shares, {"case-99": "train"}, 7)
    with pytest.raises(ProjectError, match="not for reader"):
        study.as_("anna").assign_split("mine", shares, {"case-4": "train"}, 7)
    lead.assign_split("main", shares, {"case-2": "train"}, 8)
    lead.close()
    split = study.as_("rita").state.splits["main"]
    assert dict(split.assignments) == {"case-1": "train", "case-3": "test", "case-2": "train"}
    assert (split.seed, split.by, split.stratified) == (8, ("patient",), ())


def test_a_kept_snapshot_gives_the_same_splits_and_sign_offs(study: Any) -> None:
    lead = study.as_("lead")
    lead.assign_split("main", {"train": 0.5, "test": 0.5}, {"case-1": "train"}, 7, stratified=["sex"])
    lead.sign_off("text", ["0" * 64], "looked")
    folded = lead.state
    lead.close()
    loaded = study.as_("lead").state
    assert loaded.splits == folded.splits
    assert loaded.sign_offs == folded.sign_offs
    assert loaded.signed_off("text") == {"0" * 64}
    assert loaded.signed_off("image") == frozenset()


def test_only_leads_and_reviewers_sign_off(study: Any) -> None:
    study.as_("rita").sign_off("image", ["1" * 64])
    with pytest.raises(ProjectError, match="not for reader"):
        study.as_("ben").sign_off("image", ["2" * 64])
    with pytest.raises(ProjectError, match="names no hash"):
        study.as_("lead").sign_off("image", ["short"])
