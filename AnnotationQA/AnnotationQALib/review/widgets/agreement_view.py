"""Agreement over the cases of a project: tables and plots of the scene, and the report."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import Any

from slicer.i18n import tr as _

from AnnotationQACore.errors import InputError
from AnnotationQACore.evaluation.records import CaseAgreement
from AnnotationQACore.protocol.model import Protocol
from AnnotationQACore.review.study_tables import (
    bland_altman_data,
    confusion_tables,
    drift,
    pair_rows,
    reader_biases,
)
from AnnotationQACore.review.watching import WatchedRow
from AnnotationQALib.review.agreement_plots import (
    add_bland_altman,
    add_confusion,
    add_distribution,
    add_drift,
    add_pair_table,
    add_reader_bias,
    add_table,
)
from AnnotationQALib.review.widgets.cells import figure_text, figure_title, share_text, short_title
from AnnotationQALib.widgets.guard import connect
from AnnotationQALib.widgets.tables import cell, chosen, fill, fill_combo, prepare
from AnnotationQALib.widgets.ui_files import load_ui
from AnnotationQALib.widgets.wordings import error_text

__all__ = ["AgreementView"]

SHOWN_ROWS = 500


class AgreementView:
    """Choose an item and a figure, and see it in a table or a plot.

    Parameters
    ----------
    scene : vtkMRMLScene
    on_table, on_chart : callable
        Called with a table or chart node that is to be shown in a view.
    on_watched : callable
        Called when gold-standard cases and repeats are to be compared.
    on_report : callable
        Called with the folder of the report.
    on_error : callable
        Called with one line.

    Attributes
    ----------
    widget : QWidget
    ui : children by name
    """

    def __init__(
        self,
        scene: Any,
        on_table: Callable[[Any], None],
        on_chart: Callable[[Any], None],
        on_watched: Callable[[], None],
        on_report: Callable[[str], None],
        on_error: Callable[[str], None],
    ) -> None:
        self.widget, self.ui = load_ui("ReviewAgreement.ui")
        self._scene = scene
        self._on_table, self._on_chart, self._on_error = on_table, on_chart, on_error
        self._cases: tuple[CaseAgreement, ...] = ()
        self._names: Mapping[str, str] = {}
        self._times: Mapping[tuple[str, str], str] = {}
        self._units: Mapping[str, str] = {}
        self._titles: Mapping[str, str] = {}
        ui = self.ui
        connect(ui.itemCombo, "currentIndexChanged(int)", lambda _index: self._item_chosen())
        for button, act in (
            (ui.pairTableButton, self._pair_table),
            (ui.distributionButton, self._distribution),
            (ui.blandAltmanButton, self._bland_altman),
            (ui.confusionButton, self._confusion),
            (ui.biasButton, self._bias),
            (ui.driftButton, self._drift),
        ):
            connect(button, "clicked()", lambda act=act: self._attempt(act))
        connect(ui.watchedButton, "clicked()", on_watched)
        connect(ui.reportButton, "clicked()", lambda: on_report(str(ui.reportEdit.currentPath).strip()))
        connect(ui.reportEdit, "currentPathChanged(QString)", lambda _path: self._enable())
        ui.reportEdit.retrieveHistory()
        ui.resultTable.visible = False
        self._enable()

    def show(
        self,
        cases: Sequence[CaseAgreement],
        protocol: Protocol,
        names: Mapping[str, str],
        times: Mapping[tuple[str, str], str],
    ) -> None:
        """Show the cases that are compared so far.

        Parameters
        ----------
        cases : sequence of CaseAgreement
        protocol : Protocol
        names : mapping of reader to str
        times : mapping of (case, reader) to str
            When each reading was submitted.
        """
        self._cases, self._names, self._times = tuple(cases), names, times
        self._titles = {item.id: item.title for item in protocol.items}
        self._units = {
            item.id: "mm³" if item.kind == "segmentation" else str(getattr(item, "unit", "")) for item in protocol.items
        }
        found = dict.fromkeys(one.item for case in cases for one in case.items)
        fill_combo(self.ui.itemCombo, "", [(self._titles.get(item, item), item) for item in found])
        self._item_chosen()

    def show_watched(self, rows: Sequence[WatchedRow], problems: Sequence[str]) -> None:
        """Show how readers did on cases with a known answer and on repeats."""
        columns: dict[str, Sequence[float] | Sequence[str]] = {
            "Reader": [self._names.get(row.reader, row.reader) for row in rows],
            "Against": [_("known answer") if row.watch == "gold" else _("own first reading") for row in rows],
            "Case": [row.case for row in rows],
            "Item": [self._titles.get(row.item, row.item) for row in rows],
            "Figure": [short_title(row.figure) for row in rows],
            "Value": [row.value for row in rows],
            "Agreed": [{True: _("yes"), False: _("no"), None: ""}[row.agreed] for row in rows],
        }
        node = add_table(self._scene, _("Gold-standard and repeated cases"), columns)
        self._show_table(node, " ".join(problems))

    def _attempt(self, act: Callable[[], None]) -> None:
        try:
            act()
        except InputError as error:
            self._on_error(error_text(error))

    def _item_chosen(self) -> None:
        item = chosen(self.ui.itemCombo)
        figures = dict.fromkeys(
            name for case in self._cases if (one := case.item(item)) for pair in one.pairs for name in pair.figures
        )
        fill_combo(self.ui.figureCombo, "", [(figure_title(name), name) for name in figures])
        readers = sorted({reader for case in self._cases if (one := case.item(item)) for reader in one.readers})
        pairs = [(a, b) for a, b in combinations(readers, 2)]
        texts = [(f"{self._names.get(a, a)} – {self._names.get(b, b)}", f"{a}\n{b}") for a, b in pairs]
        fill_combo(self.ui.pairCombo, "", texts)
        self._enable()

    @property
    def _figure(self) -> str:
        """Name of the chosen figure, for columns and axes."""
        return short_title(chosen(self.ui.figureCombo))

    def _pair_rows(self) -> Any:
        rows = pair_rows(self._cases, chosen(self.ui.itemCombo), chosen(self.ui.figureCombo))
        if not rows:
            raise InputError(_("agreement: this item has no figure of pairs; choose a drawn one."))
        return rows

    def _pair_table(self) -> None:
        self._show_table(add_pair_table(self._scene, self._pair_rows(), self._figure, self._names, self._titles))

    def _distribution(self) -> None:
        self._on_chart(add_distribution(self._scene, self._pair_rows(), self._figure))

    def _bland_altman(self) -> None:
        item = chosen(self.ui.itemCombo)
        wanted = set(chosen(self.ui.pairCombo).split("\n"))
        data = next((one for one in bland_altman_data(self._cases, item) if {one.a, one.b} == wanted), None)
        if data is None:
            raise InputError(_("Bland-Altman: these two readers share fewer than two numbers on this item."))
        self._on_chart(add_bland_altman(self._scene, data, self._names, self._units.get(item, "")))

    def _confusion(self) -> None:
        wanted = set(chosen(self.ui.pairCombo).split("\n"))
        tables = confusion_tables(self._cases, chosen(self.ui.itemCombo))
        table = next((one for one in tables if {one.a, one.b} == wanted), None)
        if table is None:
            raise InputError(_("confusion matrix: these two readers share no answers to this item."))
        self._show_table(add_confusion(self._scene, table, self._names))

    def _bias(self) -> None:
        biases = reader_biases(self._cases, chosen(self.ui.itemCombo))
        if not any(one.volume_percent == one.volume_percent for one in biases):
            raise InputError(_("reader bias: nothing was measured or drawn in common; choose a drawn item."))
        chart = add_reader_bias(self._scene, biases, self._names)
        self._show_table(chart.GetNthPlotSeriesNode(0).GetTableNode(), in_view=False)
        self._on_chart(chart)

    def _drift(self) -> None:
        item, figure = chosen(self.ui.itemCombo), chosen(self.ui.figureCombo)
        rows = drift(self._cases, item, figure, self._times)
        if not rows:
            raise InputError(_("drift: no two readers share a figure on this item; choose a drawn one."))
        self._on_chart(add_drift(self._scene, rows, self._figure, self._names))

    def _show_table(self, node: Any, note: str = "", in_view: bool = True) -> None:
        """Show a table node here, and in a table view."""
        table = node.GetTable()
        count, columns = table.GetNumberOfRows(), table.GetNumberOfColumns()
        prepare(self.ui.resultTable, -1, [str(table.GetColumnName(column)) for column in range(columns)])
        shown = range(min(count, SHOWN_ROWS))
        cells = [_column([table.GetValue(row, column) for row in shown]) for column in range(columns)]
        rows = list(zip(*cells, strict=True))
        fill(self.ui.resultTable, rows)
        self.ui.resultTable.visible = True
        more = _(" The first {shown} are listed here.").format(shown=SHOWN_ROWS) if count > SHOWN_ROWS else ""
        text = _("{name}: {count} rows.").format(name=node.GetName(), count=count)
        self.ui.resultLabel.text = f"{text}{more} {note}".strip()
        if in_view:
            self._on_table(node)

    def _enable(self) -> None:
        has_cases = bool(self._cases)
        has_figures = has_cases and self.ui.figureCombo.count > 0
        has_pairs = has_cases and self.ui.pairCombo.count > 0
        compared = _("No case with two readings is compared yet.")
        drawn = _("This item is not drawn, so that there is no figure of pairs.")
        for button, enabled, reason in (
            (self.ui.pairTableButton, has_figures, drawn),
            (self.ui.distributionButton, has_figures, drawn),
            (self.ui.biasButton, has_figures, drawn),
            (self.ui.driftButton, has_figures, drawn),
            (self.ui.blandAltmanButton, has_pairs, compared),
            (self.ui.confusionButton, has_pairs, compared),
        ):
            button.enabled = enabled
            button.toolTip = _("Show it in Slicer's views") if enabled else (drawn if has_cases else compared) or reason
        has_folder = bool(str(self.ui.reportEdit.currentPath).strip())
        self.ui.reportButton.enabled = has_folder
        self.ui.reportButton.toolTip = (
            _("Compare all cases and write the report") if has_folder else _("Choose a folder for the report first.")
        )


def _column(values: Sequence[Any]) -> list[Any]:
    """Cells of a column of a table node: numbers stand below each other, shares with equally many digits."""
    if not all(value.IsNumeric() for value in values):
        return [cell(value.ToString()) for value in values]
    numbers = [value.ToDouble() for value in values]
    are_shares = all(0 <= number <= 1 for number in numbers if math.isfinite(number))
    is_counted = all(number == round(number) for number in numbers if math.isfinite(number))
    text = share_text if are_shares and not is_counted else figure_text
    return [cell(text(number), f"{number:.6g}", right=True) for number in numbers]
