"""What is released and in which form: formats, readings, options and filters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import qt
from slicer.i18n import tr as _

from AnnotationQACore.protocol.model import Protocol
from AnnotationQACore.release.exporters.registry import EXPORTERS
from AnnotationQALib.logic.release_form import FilterForm, OptionsForm, Sources

__all__ = ["ReleaseDataView"]


class ReleaseDataView:
    """The page with formats, readings, options and filters.

    Parameters
    ----------
    ui : children by name
        Of ``LabelingRelease.ui``.
    """

    def __init__(self, ui: Any) -> None:
        self._ui = ui
        table = ui.formatsTable
        table.verticalHeader().setVisible(False)
        table.horizontalHeader().setSectionResizeMode(0, qt.QHeaderView.ResizeToContents)
        table.horizontalHeader().setSectionResizeMode(1, qt.QHeaderView.Stretch)
        table.setRowCount(len(EXPORTERS))
        for row, (name, exporter) in enumerate(EXPORTERS.items()):
            box = qt.QTableWidgetItem(name)
            box.setCheckState(qt.Qt.Unchecked)
            table.setItem(row, 0, box)
            what = qt.QTableWidgetItem(_(exporter.describe()))
            what.setToolTip(_(exporter.describe()))
            table.setItem(row, 1, what)
        _fill(
            ui.orientationCombo,
            [("", _("as acquired"))] + [(name, name) for name in ("RAS", "LPS", "LAS", "RPS", "LPI", "RAI")],
        )
        between = [("nearest", _("nearest")), ("linear", _("linear"))]
        _fill(ui.imageInterpolationCombo, [*between, ("bspline", _("cubic"))], "linear")
        _fill(ui.labelInterpolationCombo, between, "nearest")
        crops = [("", _("whole image")), ("labels", _("around the labels")), ("foreground", _("around the body"))]
        _fill(ui.cropCombo, crops)
        kept = [("none", _("as they are")), ("unit", _("from 0 to 1")), ("zscore", _("mean 0, deviation 1"))]
        _fill(ui.normalizationCombo, kept)
        _fill(ui.overlapsCombo, [("refuse", _("are refused")), ("layers", _("become layers, one for each label"))])
        _fill(ui.bitsCombo, [("8", _("8 bits")), ("16", _("16 bits"))])
        ui.optionsBox.collapsed = True
        ui.filtersBox.collapsed = True

    def show(self, protocol: Protocol) -> None:
        """Offer what a protocol has."""
        windows = [(one.id, one.title) for one in protocol.windows]
        _fill(self._ui.windowCombo, [("", _("the window of the protocol")), *windows])

    @property
    def formats(self) -> tuple[str, ...]:
        """Names of the chosen formats."""
        table = self._ui.formatsTable
        rows = range(table.rowCount)
        return tuple(table.item(row, 0).text() for row in rows if table.item(row, 0).checkState() == qt.Qt.Checked)

    @property
    def readings(self) -> tuple[str, ...]:
        """Which readings are released."""
        checks = {
            "reference": self._ui.referenceCheck,
            "readers": self._ui.readersCheck,
            "models": self._ui.modelsCheck,
            "probability": self._ui.probabilityCheck,
        }
        return tuple(name for name, check in checks.items() if check.checked)

    @property
    def options(self) -> OptionsForm:
        """What is done to images and labels."""
        ui = self._ui
        return OptionsForm(
            orientation=str(ui.orientationCombo.currentData),
            spacing=str(ui.spacingEdit.text),
            image_interpolation=str(ui.imageInterpolationCombo.currentData),
            label_interpolation=str(ui.labelInterpolationCombo.currentData),
            crop=str(ui.cropCombo.currentData),
            crop_margin_mm=float(ui.cropMarginSpin.value),
            clip=str(ui.clipEdit.text),
            normalization=str(ui.normalizationCombo.currentData),
            merge=str(ui.mergeEdit.text),
            overlaps=str(ui.overlapsCombo.currentData),
            bits=int(ui.bitsCombo.currentData),
            window=str(ui.windowCombo.currentData or ""),
            only_labeled=bool(ui.onlyLabeledCheck.checked),
            consecutive=bool(ui.consecutiveCheck.checked),
            parquet=bool(ui.parquetCheck.checked),
            nnunet_dataset=int(ui.nnunetSpin.value),
        )

    @property
    def filters(self) -> FilterForm:
        """Which cases belong to the release."""
        ui = self._ui
        sexes = {"F": ui.femaleCheck, "M": ui.maleCheck, "O": ui.otherSexCheck}
        return FilterForm(
            modalities=str(ui.modalitiesEdit.text),
            phases=str(ui.phasesEdit.text),
            sexes=tuple(sex for sex, check in sexes.items() if check.checked),
            age=str(ui.ageEdit.text),
            thickness=str(ui.thicknessEdit.text),
            findings=str(ui.findingsEdit.text),
            agreement=str(ui.agreementEdit.text),
            flags=str(ui.flagsEdit.text),
        )

    @property
    def sources(self) -> Sources:
        """Where reports, images and facts are."""
        ui = self._ui
        paths = (ui.reportPathEdit, ui.imagesPathEdit, ui.factsPathEdit)
        return Sources(*(str(edit.currentPath).strip() for edit in paths))


def _fill(combo: Any, entries: Sequence[tuple[str, str]], chosen: str = "") -> None:
    combo.clear()
    for data, text in entries:
        combo.addItem(text, data)
    combo.currentIndex = max(combo.findData(chosen), 0)
