"""The studies of the DICOM database, to be checked by the lead; patients go by pseudonyms."""

from __future__ import annotations

from typing import Any

import qt
from slicer.i18n import tr as _

from AnnotationQACore.errors import InputError
from AnnotationQALib.logic.database_cases import Database, DatabaseStudy, list_studies, roles_of_series
from AnnotationQALib.widgets.guard import connect
from AnnotationQALib.widgets.wordings import error_text

__all__ = ["StudiesTree"]


class StudiesTree:
    """Rows of studies; those that lack a series of the protocol say so and cannot be checked.

    Parameters
    ----------
    tree : QTreeWidget
        With columns for patient, date and series.
    search : QLineEdit
    """

    def __init__(self, tree: Any, search: Any) -> None:
        self._tree = tree
        self._search = search
        self._studies: list[DatabaseStudy] = []
        header = tree.header()
        header.setSectionResizeMode(0, qt.QHeaderView.ResizeToContents)
        header.setSectionResizeMode(1, qt.QHeaderView.ResizeToContents)
        connect(search, "textChanged(QString)", lambda: self._filter())

    @property
    def checked(self) -> tuple[DatabaseStudy, ...]:
        """Studies that are checked and shown."""
        rows = [(self._tree.topLevelItem(number), study) for number, study in enumerate(self._studies)]
        return tuple(study for row, study in rows if row.checkState(0) == qt.Qt.Checked and not row.isHidden())

    def show(self, database: Database | None, project: Any) -> None:
        """Show the studies of a database that are no cases of the project yet."""
        known = set(project.state.cases)
        studies = list_studies(database, project.id) if database is not None else ()
        protocol = project.protocol()
        self._studies = [study for study in studies if study.case not in known]
        self._tree.clear()
        for study in self._studies:
            row = qt.QTreeWidgetItem()
            row.setText(0, study.patient)
            row.setText(1, study.date)
            row.setText(2, _series_text(study))
            try:
                roles = roles_of_series(study, protocol)
            except InputError as error:
                row.setDisabled(True)
                row.setToolTip(2, error_text(error))
                row.setText(2, "⚠ " + _series_text(study))
            else:
                row.setCheckState(0, qt.Qt.Unchecked)
                row.setToolTip(2, "\n".join(f"{role}: {series.description}" for role, series in roles.items()))
            self._tree.addTopLevelItem(row)
        self._filter()

    def _filter(self) -> None:
        wanted = str(self._search.text).casefold()
        for number in range(len(self._studies)):
            row = self._tree.topLevelItem(number)
            row.setHidden(not any(wanted in row.text(column).casefold() for column in range(3)))


def _series_text(study: DatabaseStudy) -> str:
    modalities = "/".join(sorted({series.modality for series in study.series}))
    count = _("{number} series").format(number=len(study.series))
    return ", ".join(filter(None, [modalities, count, study.description]))
