"""The report of a project as one page."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence

from AnnotationQACore.protocol.handbook import sections
from AnnotationQACore.reporting.analysis_records import ReaderFigures
from AnnotationQACore.reporting.contents import Contents
from AnnotationQACore.reporting.definitions import POLICIES, definitions_of
from AnnotationQACore.reporting.glance_section import glance_section
from AnnotationQACore.reporting.html import Node, fragment, tag
from AnnotationQACore.reporting.item_section import case_link, item_section, shown_value
from AnnotationQACore.reporting.numbers import count, interval, number, percent, signed
from AnnotationQACore.reporting.page import Column, figure, heading, joined, page, table
from AnnotationQACore.reporting.plots_estimates import is_signed
from AnnotationQACore.reporting.plots_over_time import control_charts
from AnnotationQACore.reporting.text_for_paper import text_for_paper

__all__ = ["project_page", "used_statistics"]

SHOWN_CASES = 15
"""Cases that are listed openly; the others are folded away."""


def project_page(contents: Contents, notes: Mapping[str, int], problems: Mapping[str, str]) -> str:
    """Write ``index.html``.

    Parameters
    ----------
    contents : Contents
    notes : mapping of str to int
        Comments that several readings carry, such as the credit of the data, and how many carry it.
    problems : mapping of case to str
        Compared cases whose readings could not be read again for this report, and why.
    """
    main = [
        *_front(contents, notes),
        *glance_section(contents),
        *_attention(contents, problems),
        *_items(contents),
        *_readers(contents),
        *_over_time(contents),
        *_paper(contents),
        *_definitions(contents),
        *_ledger(contents),
    ]
    return page(f"Agreement of readers: {contents.project}", _navigation(contents), main)


def used_statistics(contents: Contents) -> tuple[str, ...]:
    """Names of all statistics that the report shows."""
    names = [figure.name for item in contents.agreement.summary.items for figure in item.figures]
    for analysis in contents.analyses.values():
        names += ["bias"] if analysis.readers else []
        names += ["bland_altman"] if analysis.limits else []
        names += ["specific_agreement", "prevalence_bias_index", "cohen_kappa"] if analysis.categories else []
        names += ["boundary_shift_mm"] if any(one.name == "boundary" for one in analysis.readers) else []
    names += ["ewma"] if contents.histories else []
    return tuple(dict.fromkeys(names))


def _navigation(contents: Contents) -> Iterator[Node]:
    yield tag("b", "Report")
    for anchor, title in (("summary", "At a glance"), ("attention", "What needs attention")):
        yield tag("a", title, href=f"#{anchor}")
    for section in sections(contents.protocol):
        yield tag("b", section.title)
        for entry in section.entries:
            yield tag("a", entry.item.title, href=f"#item-{entry.item.id}")
    yield tag("b", "Readers and methods")
    others = (("readers", "Readers"), ("time", "Readers over time"), ("paper", "Text for a paper"),
              ("definitions", "Definitions"), ("ledger", "Readings in the ledger"))  # fmt: skip
    for anchor, title in others:
        yield tag("a", title, href=f"#{anchor}")


def _front(contents: Contents, notes: Mapping[str, int]) -> Iterator[Node]:
    protocol, summary = contents.protocol, contents.agreement.summary
    compared = sum(len(case.readers) for case in contents.agreement.study.cases)
    facts = [
        ("Protocol", f"{protocol.title}, version {protocol.version}"),
        ("Made on", f"{contents.made:%Y-%m-%d %H:%M} {contents.made.tzname() or ''} by {contents.software}".strip()),
        ("Compared", f"{count(summary.n_cases, 'case')} of {count(summary.n_patients, 'patient')}, "
                     f"{count(len(contents.readers), 'reader')}, {count(compared, 'reading')}"),
        ("Ledger", f"{count(contents.ledger.acts, 'signed act')}"
                   + (f", {contents.ledger.not_counting} do not count" if contents.ledger.not_counting else "")
                   + (f"; {count(contents.ledger.problems, 'broken file')}: run annotation-qa verify"
                      if contents.ledger.problems else "")),
        ("Readers' names", "hidden, as the protocol asks: readers go by letters" if contents.names_hidden else "shown"),
    ]  # fmt: skip
    facts += [("Notes with the data", f"{note} ({count(n, 'reading')})") for note, n in notes.items()]
    heads = [fragment("ledger head ", tag("code", f"{head.hash} ({count(head.acts, 'act')} by key {head.key})"))
             for head in contents.ledger.heads]  # fmt: skip
    ids = [
        fragment("protocol ", tag("code", protocol.hash)),
        fragment("project ", tag("code", contents.project_id)),
        *heads,
    ]
    yield tag(
        "header",
        heading(1, contents.project),
        tag("div", "Agreement of readers", class_="soft"),
        tag("dl", *(part for name, words in facts for part in (tag("dt", name), tag("dd", words)))),
        tag("div", *(tag("div", one) for one in ids), class_="ids"),
    )


def _attention(contents: Contents, problems: Mapping[str, str]) -> Iterator[Node]:
    yield heading(2, "What needs attention", "attention")
    titles = {item.id: item.title for item in contents.protocol.items}
    states = {one.case: one for one in contents.cases}
    judged = sum(bool(item.judged_by) for item in contents.agreement.summary.items)
    rows: list[Sequence[Node]] = []
    for one in contents.attention:
        state = states[one.case]
        decided = f"{state.status} ({'; '.join(state.decisions)})" if state.decisions else state.status
        items = f"all {judged}" if len(one.items) == judged > 1 else ", ".join(titles[item] for item in one.items)
        rows.append((case_link(one.case), str(len(one.items)), items, decided))
    columns: Sequence[Column | str] = ("Case", Column("Items", True), "On which the readers do not agree", "Status")
    if rows:
        yield table(columns, rows[:SHOWN_CASES], caption="Cases that the protocol does not let pass without a reviewer")
        if len(rows) > SHOWN_CASES:
            yield tag("details", tag("summary", f"{len(rows) - SHOWN_CASES} more cases"),
                      table(columns, rows[SHOWN_CASES:]))  # fmt: skip
    else:
        yield tag("p", "No case needs a reviewer by the protocol.")
    yield from _worst(contents)
    failed = [(one.case, one.problem) for one in contents.agreement.study.failed]
    if failed:
        yield table(("Case", "Problem"), failed, caption="Cases that could not be compared")
    if problems:
        rows = [(case_link(case), words) for case, words in problems.items()]
        caption = "Compared earlier, but the files of the readings cannot be read any more"
        yield table(("Case", "Problem"), rows, caption=caption)
    if contents.agreement.unread:
        yield tag("p", tag("b", "Not read by two readers: "), ", ".join(contents.agreement.unread), ".")


def _worst(contents: Contents) -> Iterator[Node]:
    rows: list[Sequence[Node]] = []
    for item in contents.protocol.items:
        worst, splits = contents.worst[item.id], contents.splits[item.id]
        if not worst and not splits:
            continue
        cases = [fragment(case_link(one.case), f" ({shown_value(one)})") for one in worst[:3]]
        split = list(dict.fromkeys(one.case for one in splits))
        shown = [case_link(case) for case in split[:3]]
        more = f" and {len(split) - 3} more" if len(split) > 3 else ""
        rows.append((
            tag("a", item.title, href=f"#item-{item.id}"),
            worst[0].statistic if worst else "–",
            joined(cases) if cases else "–",
            fragment(joined(shown), more) if shown else "–",
        ))  # fmt: skip
    if rows:
        yield table(("Item", "Ranked by", "Worst cases", "Readers split evenly"), rows, caption="Item by item")


def _items(contents: Contents) -> Iterator[Node]:
    for section in sections(contents.protocol):
        yield heading(2, section.title, f"group-{section.id}")
        for entry in section.entries:
            yield item_section(contents, entry.item)


def _readers(contents: Contents) -> Iterator[Node]:
    yield heading(2, "Readers", "readers")
    yield table(("Reader", Column("Cases compared", True)),
                [(reader, str(contents.readings_of(reader))) for reader in contents.readers])  # fmt: skip
    for with_sign, caption in (
        (False, "Agreement of each reader with the others, item by item"),
        (True, "Signed difference of each reader from the others; bold where the 95 % interval excludes 0"),
    ):
        columns: Sequence[Column | str] = ("Item", "Figure", *(Column(reader, True) for reader in contents.readers))
        rows = list(_reader_rows(contents, with_sign=with_sign))
        if rows:
            yield table(columns, rows, caption=caption)


def _reader_rows(contents: Contents, *, with_sign: bool) -> Iterator[Sequence[Node]]:
    for item in contents.protocol.items:
        analysis = contents.analyses.get(item.id)
        for figures in analysis.readers if analysis else ():
            if is_signed(figures) != with_sign:
                continue
            cells: list[Node] = []
            by_reader = {one.reader: one.estimate for one in figures.readers}
            for reader in contents.readers:
                one = by_reader.get(reader)
                if one is None or math.isnan(one.value):
                    cells.append("–")
                    continue
                words = signed(one.value) if with_sign else number(one.value, 2)
                outside = with_sign and (one.low > 0 or one.high < 0)
                shown = fragment(words, tag("span", f" ({interval(one.low, one.high, 2)})", class_="soft"))
                cells.append(tag("b", shown) if outside else shown)
            yield (tag("a", item.title, href=f"#item-{item.id}"), _short_title(figures), *cells)


def _short_title(figures: ReaderFigures) -> str:
    """Title for a narrow column, with the unit."""
    if figures.name == "agreement with the others":
        return figures.title.removesuffix(", mean with the others")
    what = {"boundary": "outline", "levels": ""}.get(figures.name, figures.name)
    unit = figures.title.rpartition(", ")[2] if ", " in figures.title else ""
    return ", ".join(part for part in (what, unit) if part)


def _over_time(contents: Contents) -> Iterator[Node]:
    yield heading(2, "Readers over time", "time")
    if not contents.histories:
        yield tag("p", "The readings were imported, or are too few: their times in the ledger say nothing of how the "
                       "readers changed.", class_="soft")  # fmt: skip
        return
    yield tag("p", "Signed difference from the others on the cases in the order of reading, with a control chart.")
    for one in contents.histories:
        title = contents.item(one.item).title
        rows = [(h.reader, str(h.n), f"{signed(h.bias)} ({interval(h.bias_low, h.bias_high, 2)})",
                 f"{signed(h.slope, 3)} ({interval(h.slope_low, h.slope_high)})",
                 "never" if h.first_signal is None else f"day {h.first_signal:.1f}") for h in one.readers]  # fmt: skip
        names = ("n", "Bias (95 % CI)", "Drift per day (95 % CI)", "First signal")
        yield heading(3, title)
        yield table(("Reader", *(Column(name, True) for name in names)), rows, caption=one.title)
        yield figure(control_charts(one), f"{title}: control charts",
                     "Dots: cases. Line: moving average. Dashed: its limits. Red: outside.")  # fmt: skip


def _paper(contents: Contents) -> Iterator[Node]:
    yield heading(2, "Text for a paper", "paper")
    yield tag("p", "After the GRRAS guidelines (Kottner et al. 2011, J Clin Epidemiol 64:96). Gaps in brackets are for "
                   "the authors: this project does not know them.", class_="soft")  # fmt: skip
    for paragraph in text_for_paper(contents):
        parts = re.split(r"(\[[^\]]*\])", paragraph.text)
        words = [tag("span", part, class_="gap") if part.startswith("[") else part for part in parts]
        title = fragment(paragraph.section, " ", tag("span", f"GRRAS {paragraph.grras}", class_="soft"))
        yield tag("div", heading(4, title), tag("p", *words), class_="paper")


def _definitions(contents: Contents) -> Iterator[Node]:
    yield heading(2, "Definitions", "definitions")
    rows = [(one.title, one.words, one.source) for one in definitions_of(used_statistics(contents))]
    yield table(("Statistic", "Definition", "Source"), rows)
    tolerances = [f"{item.title} {item.agreement.tolerance_mm:g} mm" for item in contents.protocol.items
                  if item.agreement and item.agreement.tolerance_mm]  # fmt: skip
    if tolerances:
        yield tag("p", f"Tolerance of surface Dice: {', '.join(tolerances)}; 1 mm where none is named.")
    yield table(("Edge case", "Rule"), POLICIES, caption="How edge cases are treated")


def _ledger(contents: Contents) -> Iterator[Node]:
    yield heading(2, "Readings in the ledger", "ledger")
    rows = [
        (one.case, one.reader, str(one.round), str(one.revision), one.time[:19].replace("T", " "),
         "compared" if one.compared else "", "reader" if one.by_reader else "other",
         tag("code", one.sha256[:16]), tag("code", one.segmentation_sha256[:16] or "–"))
        for one in contents.readings
    ]  # fmt: skip
    compared = sum(one.compared for one in contents.readings)
    yield tag("p", f"{count(len(rows), 'reading')} of the cases of this report, {compared} of them compared "
                   f"({percent(compared / len(rows)) if rows else '–'}). "
                   "“Signed by other”: imported by the lead, or computed.", class_="soft")  # fmt: skip
    columns: Sequence[Column | str] = (
        "Case", "Reader", Column("Round", True), Column("Revision", True), "Time (UTC)", "", "Signed by",
        "SHA-256 of answers", "of voxels",
    )  # fmt: skip
    yield tag("details", tag("summary", "All readings"), table(columns, rows))
