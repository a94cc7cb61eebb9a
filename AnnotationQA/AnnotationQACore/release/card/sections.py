"""Sections of the dataset card.

They follow Gebru et al. 2021, Datasheets for Datasets, Communications of the ACM 64(12):86-92, and the items on data
of Tejani et al. 2024, Checklist for Artificial Intelligence in Medical Imaging (CLAIM): 2024 Update, Radiology:
Artificial Intelligence 6(4):e240300, whose numbers they give.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from AnnotationQACore.evaluation.summary import ItemSummary
from AnnotationQACore.project.state import Action
from AnnotationQACore.protocol.difference import protocol_diff
from AnnotationQACore.protocol.statistics import STATISTICS
from AnnotationQACore.release.card.blocks import Block, Bullets, DatasetCard, Facts, Paragraph, Section, Table
from AnnotationQACore.release.card.composition_section import composition_blocks, coverage_blocks, is_empty
from AnnotationQACore.release.card.sources import CardSources
from AnnotationQACore.release.coding import uncoded
from AnnotationQACore.release.composition import parts_in_order
from AnnotationQACore.release.duplicates import pair_hash
from AnnotationQACore.release.gate.texts import text_hash
from AnnotationQACore.release.manifest import MANIFEST
from AnnotationQACore.reporting.contents import software_version
from AnnotationQACore.reporting.numbers import count, interval, number

__all__ = ["dataset_card", "label_hashes"]

NOT_SAID = "Not said."


def dataset_card(sources: CardSources) -> DatasetCard:
    """Write the card."""
    sheet = sources.request.sheet
    sections = (
        Section("purpose", "Purpose", "Datasheets: motivation; CLAIM 3, 4, 6, 44", tuple(_purpose(sources))),
        Section("composition", "Composition", "Datasheets: composition; CLAIM 7, 13, 36", composition_blocks(sources)),
        Section(
            "coverage", "Coverage and imbalance", "Datasheets: composition; CLAIM 12, 36", coverage_blocks(sources)
        ),
        Section(
            "collection",
            "Collection and preprocessing",
            "Datasheets: collection; CLAIM 5, 7-10, 35",
            _collection(sources),
        ),
        Section("labels", "Reference standard", "Datasheets: labeling; CLAIM 14-17, 42", tuple(_labels(sources))),
        Section("agreement", "Agreement of the readers", "CLAIM 18", tuple(_agreement(sources))),
        Section("disagreement", "How disagreement was resolved", "CLAIM 18", tuple(_resolved(sources))),
        Section("split", "Split", "Datasheets: composition; CLAIM 19, 20", tuple(_split(sources))),
        Section("deidentification", "De-identification", "Datasheets: composition; CLAIM 11", tuple(_hidden(sources))),
        Section("limits", "Known limits", "Datasheets: uses; CLAIM 40", tuple(_limits(sources))),
        Section(
            "use",
            "Licence, ethics and use",
            "Datasheets: uses, distribution, maintenance; CLAIM 43",
            tuple(_use(sources)),
        ),
        Section("changes", "Changes since the last release", "Datasheets: maintenance", tuple(_changes(sources))),
        Section("proof", "How to check what you received", "Datasheets: maintenance", _proof(sources)),
    )
    written = tuple(section for section in sections if not all(is_empty(block) for block in section.blocks))
    footer = f"Made on {sources.made:%Y-%m-%d} by {software_version()}."
    return DatasetCard(f"{sheet.title} {sheet.version}", sheet.summary, written, footer)


def _purpose(sources: CardSources) -> Iterator[Block]:
    protocol, sheet = sources.gathered.dataset.protocol, sources.request.sheet
    cases = sources.gathered.dataset.cases
    patients = {case.patient for case in cases}
    yield Facts(
        _said(
            ("What the labels are for", protocol.purpose),
            ("Decision they support", protocol.clinical_decision),
            ("Size", f"{count(len(cases), 'case')} of {count(len(patients), 'patient')}"),
            ("Body region", protocol.imaging.body_region.meaning),
            ("Formats", ", ".join(sources.request.formats)),
            ("Made by", "; ".join(sheet.creators)),
            ("Funded by", sheet.funding),
        )
    )
    if sheet.intended_uses:
        yield Paragraph("It is made for:")
        yield Bullets(sheet.intended_uses)


def _collection(sources: CardSources) -> tuple[Block, ...]:
    sheet = sources.request.sheet
    left_out = Counter(one.reason for one in sources.gathered.selected.left_out)
    rows = tuple((reason, str(cases)) for reason, cases in left_out.most_common())
    blocks: list[Block] = [
        Facts(
            _said(
                ("Collection", sheet.collection or NOT_SAID),
                ("Included", "; ".join(sheet.inclusion)),
                ("Excluded", "; ".join(sheet.exclusion)),
                ("Preprocessing", sheet.preprocessing),
                ("Consent", sheet.consent),
            )
        )
    ]
    if rows:
        blocks.append(
            Table("Cases of the project that are not in the release", ("reason", "cases"), rows, frozenset({1}))
        )
    return tuple(blocks)


def _labels(sources: CardSources) -> Iterator[Block]:
    protocol, sheet = sources.gathered.dataset.protocol, sources.request.sheet
    design = protocol.design
    yield Facts(
        _said(
            ("Protocol", f"{protocol.title}, version {protocol.version} (protocol.json)"),
            ("Its hash (SHA-256)", protocol.hash),
            ("What it asks for", f"{count(len(protocol.items), 'item')}: {', '.join(i.title for i in protocol.items)}"),
            ("Readers of each case, by the protocol", str(design.readers_per_case)),
            ("Who may read", design.reader_qualification),
            ("Training by the protocol", design.training),
            ("Readers who took part", sheet.reader_training or NOT_SAID),
            ("Hidden from readers", ", ".join(_hidden_from_readers(sources))),
        )
    )
    rows = tuple(_readers(sources))
    if rows:
        columns = ("reader", "cases read", "first reading", "last reading", "signed by")
        yield Table("Readers", columns, rows, frozenset({1}))


def _readers(sources: CardSources) -> Iterator[tuple[str, ...]]:
    released = {case.id for case in sources.gathered.dataset.cases}
    state = sources.project.state
    readings = [one for case in released for one in state.latest_readings(case) if one.round == 1]
    for reader in sorted({one.reader for one in readings if not one.reader.startswith(("consensus:", "adjudicated:"))}):
        own = [one for one in readings if one.reader == reader]
        times = sorted(one.time[:10] for one in own)
        signed = all(one.actor == reader for one in own)
        yield (
            sources.names.get(reader, "reader"),
            str(len(own)),
            times[0] if signed else "–",
            times[-1] if signed else "–",
            "the reader" if signed else "a lead, on import",
        )


def _hidden_from_readers(sources: CardSources) -> list[str]:
    blinding = sources.gathered.dataset.protocol.design.blinding
    hidden = (
        ("the readings of others", blinding.other_readings),
        ("the identity of patients", blinding.patient_identity),
        ("clinical information", blinding.clinical_information),
        ("prior studies", blinding.prior_studies),
        ("results of models", blinding.model_results),
    )
    return [words for words, is_hidden in hidden if is_hidden] or ["nothing"]


def _asked(item: ItemSummary) -> str:
    if item.reached is None or item.judged_by not in STATISTICS:
        return "–"
    sign = "≥" if STATISTICS[item.judged_by].better == "larger" else "≤"
    return f"{sign} {item.threshold:g} {'reached' if item.reached else 'missed'}"


def _agreement(sources: CardSources) -> Iterator[Block]:
    agreement = sources.agreement
    if agreement is None or not agreement.summary.items:
        yield Paragraph("No case of this release was read by two readers, so nothing is known of their agreement.")
        return
    summary = agreement.summary
    rows = []
    for item in summary.items:
        figures = [figure for figure in item.figures if figure.name == item.judged_by] or list(item.figures[:1])
        for figure in figures:
            asked = _asked(item)
            rows.append(
                (
                    item.title,
                    figure.title,
                    number(figure.value),
                    interval(figure.low, figure.high),
                    f"{figure.n} {figure.of}",
                    str(figure.undefined),
                    asked,
                )
            )
    yield Paragraph(
        f"Of {count(summary.n_cases, 'case')} read by two readers or more. Intervals are 95 % bootstrap intervals by "
        f"patient ({summary.resamples} resamples, seed {summary.seed})."
    )
    columns = ("item", "statistic", "value", "95 % interval", "of", "undefined", "protocol asks for")
    yield Table(
        "Agreement between the readers, before disagreement was resolved", columns, tuple(rows), frozenset({2, 3})
    )
    failed = len(agreement.study.failed)
    if agreement.unread or failed:
        yield Paragraph(
            f"{count(len(agreement.unread), 'case')} had fewer than two readers; "
            f"{count(failed, 'case')} could not be compared."
        )


def _resolved(sources: CardSources) -> Iterator[Block]:
    state = sources.project.state
    ways: Counter[str] = Counter()
    minority = 0
    people: set[str] = set()
    for case in sources.gathered.dataset.cases:
        decided = [d for d in state.decisions.get(case.id, ()) if not d.item and d.action != Action.SEND_BACK]
        if not decided:
            ways["no decision on the whole case"] += 1
            continue
        decision = decided[-1]
        accepted = state.reading(decision.readings[-1])
        reader = accepted.reader if accepted is not None else ""
        if decision.action == Action.ADJUDICATE:
            ways["decided anew by an adjudicator"] += 1
        elif reader.startswith("consensus:"):
            ways[f"consensus ({reader.partition(':')[2]}) accepted by a reviewer"] += 1
        else:
            ways["one reading accepted by a reviewer"] += 1
        minority += sum(comment.get("opinion") == "minority" for comment in decision.comments)
        people.add(decision.actor)
    design = sources.gathered.dataset.protocol.design
    rule = {
        "expert": "an expert who is none of the readers settles what they disagree on",
        "meeting": "the readers settle in a meeting what they disagree on",
        "majority": "the majority of the readers holds",
        "none": "nothing",
    }[design.adjudication]
    yield Paragraph(f"By the protocol, {rule}.")
    rows = tuple((way, str(cases)) for way, cases in ways.most_common())
    yield Table("How the reference standard came about", ("way", "cases"), rows, frozenset({1}))
    yield Paragraph(
        f"{count(len(people), 'person', 'persons')} decided; {count(minority, 'minority opinion')} "
        "are kept with the decisions in the ledger."
    )


def _split(sources: CardSources) -> Iterator[Block]:
    dataset, name = sources.gathered.dataset, sources.request.split
    if not name:
        yield Paragraph("There is no split: all cases are in one part.")
        return
    split = sources.project.state.splits[name]
    parts: dict[str, list[str]] = {part: [] for part in parts_in_order(split.parts)}
    for case in dataset.cases:
        parts.setdefault(dataset.splits.get(case.id, ""), []).append(case.patient)
    rows = tuple(
        (part, f"{100 * split.parts.get(part, 0):.0f} %", str(len(patients)), str(len(set(patients))))
        for part, patients in parts.items()
    )
    yield Table(f"Parts of the split '{name}'", ("part", "asked for", "cases", "patients"), rows, frozenset({1, 2, 3}))
    balanced = f", balanced by {', '.join(split.stratified)} (iterative stratification)" if split.stratified else ""
    passed = sources.project.state.signed_off("pair")
    binding = [link for link in sources.gathered.links if link.binds]
    different = sum(pair_hash(link.a, link.b) in passed for link in binding)
    together = sum(dataset.splits.get(link.a, "") == dataset.splits.get(link.b, "") for link in binding)
    suspects = len(sources.gathered.links) - len(binding)
    yield Paragraph(
        f"Cases were placed at random (seed {split.seed}) by {' and '.join(split.by)}{balanced}. The images of "
        f"different patients were compared: {count(len(binding), 'pair')} of cases had evidence of one patient; of "
        f"these {together} are in one part and {different} were found to be different by a person; "
        f"{count(suspects, 'pair')} looked alike or had similar identifiers."
    )


def _hidden(sources: CardSources) -> Iterator[Block]:
    reports, sheet = sources.request.reports, sources.request.sheet
    if reports:
        rows = tuple(
            (
                f"{report.profile.get('name', '')} {report.profile.get('version', '')}".strip(),
                report.standard,
                ", ".join(report.profile.get("options", ())) or "–",
                str(report.counts.get("written", "–")),
                str(report.counts.get("quarantined", "–")),
                report.sha256[:16],
            )
            for report in reports
        )
        columns = ("profile", "standard", "options", "files written", "kept back", "report SHA-256")
        yield Table("De-identification reports (provenance/deidentification.json)", columns, rows, frozenset({3, 4}))
    state = sources.project.state
    texts, images = state.signed_off("text"), state.signed_off("image")
    retained = {text_hash(text) for report in reports for _, text in report.retained}
    pictures = [one.pixels for own in sources.gathered.prints.values() for one in own]
    yield Paragraph(
        f"A person looked at {sum(one in texts for one in retained)} of {count(len(retained), 'text')} that stayed in "
        f"headers, and at thumbnails of {sum(one in images for one in pictures)} of {count(len(pictures), 'image')}."
    )
    if sheet.images_without_report:
        yield Paragraph(f"Images without a report: {sheet.images_without_report}")


def _limits(sources: CardSources) -> Iterator[Block]:
    sheet = sources.request.sheet
    bare = [item.title for item in sources.gathered.dataset.protocol.items if uncoded(item)]
    if bare:
        why = f": {sheet.concepts_without_code}" if sheet.concepts_without_code else "."
        yield Paragraph(f"Not or not fully coded in a terminology are {', '.join(bare)}{why}")
    if sheet.limitations:
        yield Bullets(sheet.limitations)
    if sheet.uses_to_avoid:
        yield Paragraph("It must not be used for:")
        yield Bullets(sheet.uses_to_avoid)


def _use(sources: CardSources) -> Iterator[Block]:
    sheet = sources.request.sheet
    licence = f"{sheet.licence} ({sheet.licence_url})" if sheet.licence_url else sheet.licence
    yield Facts(
        _said(
            ("Licence", licence or NOT_SAID),
            ("Ethics", sheet.ethics or NOT_SAID),
            ("Citation", sheet.citation),
            ("Offered at", sheet.url),
            ("Contact", sheet.contact or NOT_SAID),
            ("Maintenance", sheet.maintenance),
            ("Published", sheet.published),
        )
    )


def _changes(sources: CardSources) -> Iterator[Block]:
    previous = sources.previous
    if previous is None:
        yield Paragraph("This is the first release of the project.")
        return
    former = dict(previous.details.get("cases", {}))
    now = label_hashes(sources)
    changed = sum(former[case] != sha256 for case, sha256 in now.items() if case in former)
    yield Facts(
        (
            ("Last release", f"{previous.name}, {previous.time[:10]}"),
            ("Cases added", str(len(set(now) - set(former)))),
            ("Cases removed", str(len(set(former) - set(now)))),
            ("Cases with another reference standard", str(changed)),
            ("Cases unchanged", str(len(set(now) & set(former)) - changed)),
        )
    )
    yield from _protocol_changes(sources, str(previous.details.get("protocol", "")))


def _protocol_changes(sources: CardSources, former_hash: str) -> Iterator[Block]:
    protocol = sources.gathered.dataset.protocol
    known = {record.hash for record in sources.project.state.protocols}
    if former_hash == protocol.hash or former_hash not in known:
        yield Paragraph(
            "The protocol is the same." if former_hash == protocol.hash else "The former protocol is not known."
        )
        return
    former = sources.project.protocol(former_hash)
    difference = protocol_diff(former, protocol)
    lines = tuple(f"{change.item}: {change.verdict}" for change in difference.items)
    yield Paragraph(f"Protocol {former.version} became {protocol.version}: {protocol.change_note}")
    if lines:
        yield Bullets(lines)


def label_hashes(sources: CardSources) -> dict[str, str]:
    """For each case the hash of what is released of its first reading, by which changes are told."""
    return {case.id: case.readings[0].sha256 if case.readings else "" for case in sources.gathered.dataset.cases}


def _proof(sources: CardSources) -> tuple[Block, ...]:
    heads = sources.project.state.front.heads
    return (
        Paragraph(
            f"{MANIFEST} lists every file with its SHA-256 and is signed (Ed25519). With the public key of the study, "
            "annotation-qa release verify FOLDER --key KEY tells whether anything was changed, and annotation-qa "
            "release check FOLDER shows again that no patient and no duplicate is in two parts."
        ),
        Facts(
            (
                ("Project", sources.project.id),
                ("Ledger", f"{sources.project.state.events} signed acts by {count(len(heads), 'key')}"),
                ("Provenance of every label", "provenance/readings.csv"),
            )
        ),
    )


def _said(*pairs: tuple[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple((term, text) for term, text in pairs if text)
