"""Labels out of reports: read, brought in as a reader, or compared with the labels of the images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from AnnotationQACore.interchange.report_texts import ReportTexts
from AnnotationQACore.progress import Progress
from AnnotationQACore.project.state import State
from AnnotationQACore.textlabels.labelling import CheckedReports, ImportedReports
from AnnotationQACore.textlabels.report_reading import DEFAULT_READER
from AnnotationQALib.logic.reports_work import ReadReports, ReportsWork
from AnnotationQALib.widgets.guard import connect
from AnnotationQALib.widgets.lead_page import LeadPage
from AnnotationQALib.widgets.lead_work import LeadWork
from AnnotationQALib.widgets.tables import fill, prepare

__all__ = ["ReportLabelsView"]

_SHOWN_PROBLEMS = 5


class ReportLabelsView(LeadPage[ReportsWork]):
    """The section for reports.

    Parameters
    ----------
    ui, work, steps
        See `LeadPage`; the fields are those of ``LabelingRelease.ui``.
    on_done, on_error : callable
        Called with one line.
    """

    def __init__(
        self,
        ui: Any,
        work: LeadWork,
        steps: Callable[[], ReportsWork | None],
        on_done: Callable[[str], None],
        on_error: Callable[[str], None],
    ) -> None:
        super().__init__(ui, work, steps)
        self._on_done = on_done
        self._on_error = on_error
        ui.reportsReaderEdit.text = DEFAULT_READER
        connect(ui.readReportsButton, "clicked()", self._read)
        connect(ui.importReportsButton, "clicked()", self._import)
        connect(ui.checkReportsButton, "clicked()", self._check)
        self.forget()

    def forget(self) -> None:
        """Show nothing of another project."""
        self._ui.reportsTable.visible = False
        self._ui.reportsLabel.text = ""
        self._ui.againstCombo.clear()

    def show(self, state: State) -> None:
        """Offer the readers of the project."""
        combo = self._ui.againstCombo
        former = str(combo.currentData or "")
        combo.clear()
        combo.addItem(_("the reference standard of each case"), "")
        for reader in sorted({one.reader for one in state.all_readings()}):
            combo.addItem(reader, reader)
        combo.currentIndex = max(combo.findData(former), 0)

    def enable(self, enabled: bool) -> None:
        """Let the buttons be used, or not."""
        for button in (self._ui.readReportsButton, self._ui.importReportsButton, self._ui.checkReportsButton):
            button.enabled = enabled

    def _begin_with_reports(
        self, title: str, step: Callable[[ReportsWork, Path, str, Progress], Any], on_done: Callable[[Any], None]
    ) -> None:
        text = str(self._ui.reportsPathEdit.currentPath).strip()
        if not text:
            self._on_error(_("reports: none are chosen; choose a file, or a folder of them."))
            return
        reports, language = Path(text), str(self._ui.languageEdit.text).strip() or "en"
        self._begin(title, lambda steps, progress: step(steps, reports, language, progress), on_done)

    def _read(self) -> None:
        self._begin_with_reports(
            _("Reading reports"),
            lambda steps, reports, language, progress: steps.read(reports, language, progress),
            self._show_read,
        )

    def _show_read(self, found: ReadReports) -> None:
        headers = (_("Finding"), _("Present"), _("Uncertain"), _("Absent"), _("Not said"))
        rows = [
            (one.finding, *map(str, (one.present, one.uncertain, one.absent, one.not_said))) for one in found.findings
        ]
        self._fill(headers, rows)
        line = _("{reports} reports, {mentions} mentions.").format(reports=found.reports, mentions=found.mentions)
        self._ui.reportsLabel.text = "\n".join([line, *_not_read(found.problems)])

    def _import(self) -> None:
        reader = str(self._ui.reportsReaderEdit.text).strip() or DEFAULT_READER
        self._begin_with_reports(
            _("Importing reports"),
            lambda steps, reports, language, progress: steps.bring_in(reports, language, reader, progress),
            self._imported,
        )

    def _imported(self, result: tuple[ImportedReports, ReportTexts]) -> None:
        done, texts = result
        line = _("{readings} readings with {answers} answers were imported, {there} were there.")
        text = line.format(readings=done.readings, answers=done.answers, there=done.were_there)
        self._ui.reportsLabel.text = "\n".join([text, *_not_read(texts.problems)])
        self._on_done(text)

    def _check(self) -> None:
        against = str(self._ui.againstCombo.currentData or "")
        self._begin_with_reports(
            _("Comparing reports with images"),
            lambda steps, reports, language, progress: steps.check(reports, language, against, progress),
            self._show_check,
        )

    def _show_check(self, checked: CheckedReports) -> None:
        words = _words()
        headers = (_("Case"), _("Finding"), _("Report"), _("Images"), _("Outcome"))
        rows = [
            (
                one.case,
                one.finding,
                words.get(one.report, one.report),
                words.get(one.images, one.images),
                words[one.outcome],
            )
            for one in checked.findings
            if one.is_worth_a_look
        ]
        self._fill(headers, rows)
        counts = Counter(one.outcome for one in checked.findings)
        lines = [", ".join(f"{count} {words[outcome]}" for outcome, count in sorted(counts.items()))]
        lines[0] = lines[0] or _("Nothing to compare.")
        if checked.without:
            lines.append(_("Not compared, for want of a reading: {cases}").format(cases=_some(checked.without)))
        self._ui.reportsLabel.text = "\n".join(lines)

    def _fill(self, headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        table = self._ui.reportsTable
        prepare(table, 0, headers)
        fill(table, rows)
        table.visible = bool(rows)


def _not_read(problems: Sequence[str]) -> list[str]:
    lines = [_("Not read: {line}").format(line=line) for line in problems[:_SHOWN_PROBLEMS]]
    if len(problems) > _SHOWN_PROBLEMS:
        lines.append(_("... and {number} more").format(number=len(problems) - _SHOWN_PROBLEMS))
    return lines


def _some(names: Sequence[str]) -> str:
    more = f" (+{len(names) - 10})" if len(names) > 10 else ""
    return ", ".join(names[:10]) + more


def _words() -> dict[str, str]:
    """What reports and images say of a finding, and how the two compare."""
    return {
        "present": _("present"),
        "absent": _("absent"),
        "uncertain": _("uncertain"),
        "historical": _("historical"),
        "of someone else": _("of someone else"),
        "agrees": _("agrees"),
        "differs": _("differs"),
        "only in the images": _("only in the images"),
        "said by one only": _("said by one only"),
    }
