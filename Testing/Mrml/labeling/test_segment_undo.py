"""Undo as the Segment Editor does it, by `vtkSegmentationHistory`, down to a segment without a voxel."""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer
from labeling_study import GRID

from AnnotationQACore.protocol.model import Protocol
from AnnotationQACore.segmentation import Mask
from AnnotationQALib.logic.form import ItemKey, ItemState
from AnnotationQALib.logic.segment_painting import set_voxels


def test_undo_that_empties_a_segment_leaves_it_begun(studies: Any, sessions: Any, everything: Protocol) -> None:
    case = sessions(studies(everything)).open_next()
    organ = ItemKey("organ")
    case.editor.drawing.activate(organ)
    node = case.editor.segmentation_node
    history = slicer.vtkSegmentationHistory()
    history.SetSegmentation(node.GetSegmentation())
    history.SetMaximumNumberOfStates(10)
    history.SaveState()
    set_voxels(node, "organ", Mask(_block(), GRID))
    assert _voxels(case) == 8
    assert history.RestorePreviousState()
    assert _voxels(case) == 0
    assert case.editor.drawing.deleted_segments() == ()
    assert next(e.state for e in case.editor.entries() if e.key == organ) == ItemState.TO_DO
    assert history.RestoreNextState()
    assert _voxels(case) == 8
    history.SetSegmentation(None)


def _block() -> np.ndarray[Any, np.dtype[np.bool_]]:
    voxels = np.zeros(GRID.shape, dtype=bool)
    voxels[2:4, 2:4, 2:4] = True
    return voxels


def _voxels(case: Any) -> int:
    case.measured()
    return int(case.editor.snapshot().complete(case.sources).voxels.get("organ", 0))
