"""Labels out of reports: read, brought in as a reader, or compared with the labels of the images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import qt
from slicer.i18n import tr as _

from AnnotationQACore.interchange.report_texts import ReportTexts
from AnnotationQACore.project.state import State
from AnnotationQACore.textlabels.labelling import CheckedReports, ImportedReports
from AnnotationQACore.textlabels.report_reading import DEFAULT_READER
from AnnotationQALib.logic.reports_work import ReadReports, ReportsWork
from AnnotationQALib.widgets.lead_work import LeadWork

__all__ = ["ReportLabelsView"]

_SHOWN_PROBLEMS = 5


class ReportLabelsView:
    """The section for reports.

    Parameters
    ----------
    ui : children by name
        Of ``LabelingRelease.ui``.
    work : LeadWork
    steps : callable
        Gives the steps of the open project; None without one.
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
        self._ui = ui
        self._work = work
        self._steps = steps
        self._on_done = on_done
        self._on_error = on_error
        ui.reportsReaderEdit.text = DEFAULT_READER
        ui.reportsTable.verticalHeader().setVisible(False)
        ui.reportsTable.verticalHeader().setDefaultSectionSize(24)
        ui.readReportsButton.connect("clicked()", self._read)
        ui.importReportsButton.connect("clicked()", self._import)
        ui.checkReportsButton.connect("clicked()", self._check)
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

    def _begin(self, title: str, work: Callable[..., Any], on_done: Callable[[Any], None]) -> None:
        text = str(self._ui.reportsPathEdit.currentPath).strip()
        if not text:
            self._on_error(_("reports: none are chosen; choose a file, or a folder of them."))
            return
        steps = self._steps()
        if steps is not None:
            reports, language = Path(text), str(self._ui.languageEdit.text).strip() or "en"
            self._work.begin(title, lambda progress: work(steps, reports, language, progress), on_done)

    def _read(self) -> None:
        self._begin(
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
        self._begin(
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
        self._begin(
            _("Comparing reports with images"),
            lambda steps, reports, language, progress: steps.check(reports, language, against, progress),
            self._show_check,
        )

    def _show_check(self, checked: CheckedReports) -> None:
        headers = (_("Case"), _("Finding"), _("Report"), _("Images"), _("Outcome"))
        rows = [
            (one.case, one.finding, _(one.report), _(one.images), _(one.outcome))
            for one in checked.findings
            if one.is_worth_a_look
        ]
        self._fill(headers, rows)
        counts = Counter(one.outcome for one in checked.findings)
        lines = [", ".join(f"{count} {_(outcome)}" for outcome, count in sorted(counts.items()))]
        lines[0] = lines[0] or _("Nothing to compare.")
        if checked.without:
            lines.append(_("Not compared, for want of a reading: {cases}").format(cases=_some(checked.without)))
        self._ui.reportsLabel.text = "\n".join(lines)

    def _fill(self, headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        table = self._ui.reportsTable
        table.setColumnCount(len(headers))
        table.setHorizontalHeaderLabels(list(headers))
        table.setRowCount(len(rows))
        for row, texts in enumerate(rows):
            for column, text in enumerate(texts):
                cell = qt.QTableWidgetItem(text)
                cell.setToolTip(text)
                table.setItem(row, column, cell)
        header = table.horizontalHeader()
        for column in range(len(headers)):
            mode = qt.QHeaderView.Stretch if column == 0 else qt.QHeaderView.ResizeToContents
            header.setSectionResizeMode(column, mode)
        table.visible = bool(rows)


def _not_read(problems: Sequence[str]) -> list[str]:
    lines = [_("Not read: {line}").format(line=line) for line in problems[:_SHOWN_PROBLEMS]]
    if len(problems) > _SHOWN_PROBLEMS:
        lines.append(_("... and {number} more").format(number=len(problems) - _SHOWN_PROBLEMS))
    return lines


def _some(names: Sequence[str]) -> str:
    more = f" (+{len(names) - 10})" if len(names) > 10 else ""
    return ", ".join(names[:10]) + more
