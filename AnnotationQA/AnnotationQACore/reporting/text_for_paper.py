"""Paragraphs for a paper after GRRAS, the guidelines for reporting reliability and agreement studies.

Kottner et al. 2011, J Clin Epidemiol 64:96. What the project does not know is a gap for the authors.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from AnnotationQACore.agreement.statistics.results import Result
from AnnotationQACore.evaluation.summary import ItemSummary
from AnnotationQACore.protocol.statistics import STATISTICS
from AnnotationQACore.reporting.contents import Contents
from AnnotationQACore.reporting.definitions import definitions_of
from AnnotationQACore.reporting.numbers import count, interval, number

__all__ = ["Paragraph", "text_for_paper"]

_DRAWN = ("segmentation", "polygon", "box", "landmarks")


@dataclass(frozen=True, slots=True)
class Paragraph(Result):
    """One paragraph, and the items of the GRRAS list that it answers."""

    section: str
    grras: str
    text: str


def text_for_paper(contents: Contents) -> tuple[Paragraph, ...]:
    """Methods and results in plain sentences, with gaps in brackets."""
    return (
        Paragraph("Methods: readers and cases", "2-4, 6, 7, 11", " ".join(_sample(contents))),
        Paragraph("Methods: reading", "8, 9", " ".join(_reading(contents))),
        Paragraph("Methods: statistics", "10", " ".join(_statistics(contents))),
        Paragraph("Results", "12, 13", " ".join(_results(contents))),
        Paragraph("Data and software", "10, 15", " ".join(_software(contents))),
    )


def _sample(contents: Contents) -> Iterator[str]:
    summary, protocol = contents.agreement.summary, contents.protocol
    readers = contents.readers
    models = sum(reader.startswith(("model:", "Model ")) for reader in readers)
    who = count(len(readers) - models, "reader") + (f" and {count(models, 'model')}" if models else "")
    yield (
        f"{who} read {count(summary.n_cases, 'case')} of {count(summary.n_patients, 'patient')} "
        f"({protocol.imaging.body_region.meaning}; {', '.join(_modalities(contents))}) under the labeling protocol "
        f"“{protocol.title}”, version {protocol.version}."
    )
    if protocol.design.reader_qualification:
        yield f"The protocol asks for these readers: {protocol.design.reader_qualification}"
    yield "[Qualification and experience of the readers who took part.]"
    yield "[How cases were selected, and the rationale of the sample size.]"
    if contents.agreement.unread:
        yield f"Left out: {count(len(contents.agreement.unread), 'case')} with fewer than two readings."
    if contents.agreement.study.failed:
        yield f"{count(len(contents.agreement.study.failed), 'case')} could not be compared for technical reasons."


def _modalities(contents: Contents) -> list[str]:
    return sorted({modality for role in contents.protocol.imaging.series for modality in role.modalities})


def _reading(contents: Contents) -> Iterator[str]:
    design, blinding = contents.protocol.design, contents.protocol.design.blinding
    hidden = [
        words
        for words, is_hidden in (
            ("the readings of the others", blinding.other_readings),
            ("the identity of patients", blinding.patient_identity),
            ("clinical information", blinding.clinical_information),
            ("prior studies", blinding.prior_studies),
            ("results of models", blinding.model_results),
        )
        if is_hidden
    ]
    yield f"The protocol asks for {count(design.readers_per_case, 'independent reader')} of each case"
    yield f"and hides from them {_listed(hidden)}." if hidden else "and hides nothing from them."
    compared = [one for one in contents.readings if one.compared]
    imported = sum(not one.by_reader for one in compared)
    if imported:
        yield (
            f"{imported} of {count(len(compared), 'reading')} came from outside of this software and were imported. "
            "[Confirm blinding, order and time of these readings.]"
        )
    elif design.order == "random":
        yield "Each reader got the cases in a random order of their own."
    if design.training:
        yield f"Training by the protocol: {design.training}"


def _statistics(contents: Contents) -> Iterator[str]:
    summary = contents.agreement.summary
    judged: dict[tuple[str, float], list[str]] = {}
    for item in summary.items:
        if item.judged_by:
            judged.setdefault((item.judged_by, item.threshold), []).append(item.title)
    for (name, threshold), titles in judged.items():
        facts = STATISTICS[name]  # type: ignore[index]  # the protocol's statistics are its keys
        sign = "at least" if facts.better == "larger" else "at most"
        yield f"Agreement on {_listed(titles)} was judged by: {facts.title}, {sign} {threshold:g}."
    used = definitions_of(item.judged_by for item in summary.items)
    if used:
        yield "Definitions: " + " ".join(f"{one.title}: {one.words.rstrip('.')} ({one.source})." for one in used)
    yield (
        f"Intervals are 95 % bootstrap intervals (bias-corrected and accelerated) from {summary.resamples} resamples "
        f"of patients (seed {summary.seed}), not corrected for multiple comparisons. "
        "Thresholds are those of the protocol."
    )
    if any(item.kind in _DRAWN for item in summary.items):
        yield (
            "Where both readers of a pair drew nothing, overlap is undefined and not in the mean; where only one drew, "
            "overlap is 0 and distances are infinite, counted and not in the mean."
        )


def _results(contents: Contents) -> Iterator[str]:
    for item in contents.agreement.summary.items:
        sentence = _result(item)
        if sentence:
            yield sentence
    yield "[What this agreement means for the use of the labels: GRRAS item 14.]"


def _result(item: ItemSummary) -> str:
    figure = item.figure(item.judged_by) if item.judged_by else next(iter(item.figures), None)
    if figure is None:
        return ""
    undefined = f", {figure.undefined} undefined" if figure.undefined else ""
    return (
        f"{item.title}: {figure.title} {number(figure.value)} (95 % CI {interval(figure.low, figure.high)}; "
        f"{figure.n} {figure.of} of {count(figure.n_patients, 'patient')}{undefined})."
    )


def _software(contents: Contents) -> Iterator[str]:
    yield f"Agreement was computed with {contents.software} on {contents.made:%Y-%m-%d}."
    yield f"Protocol hash (SHA-256) {contents.protocol.hash}; ledger of {count(contents.ledger.acts, 'signed act')},"
    heads = _listed([head.hash for head in contents.ledger.heads])
    yield f"{'head' if len(contents.ledger.heads) == 1 else 'heads'} (SHA-256) {heads}."
    yield "All figures of single cases and readers are in the files pairs.csv and answers.csv of this report."


def _listed(words: Iterable[str]) -> str:
    several = list(words)
    return several[0] if len(several) == 1 else f"{', '.join(several[:-1])} and {several[-1]}" if several else "none"
