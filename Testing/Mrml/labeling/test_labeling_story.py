"""A reader works down a worklist, on a real scene."""

from typing import Any

import numpy as np

from AnnotationQACore.segmentation import Mask
from AnnotationQALib.logic import segment_painting
from AnnotationQALib.logic.form import ItemKey, ItemState


def paint(case: Any, key: ItemKey, region: tuple[slice, slice, slice]) -> None:
    target = case.editor.activate(key)
    grid = case.images.grid(case.images.roles[0])
    voxels = np.zeros(grid.shape, bool)
    voxels[region] = True
    segment_painting.set_voxels(case.editor.segmentation_node, target.segment_id, Mask(voxels, grid))


def test_a_reader_reads_a_case(studies: Any, sessions: Any) -> None:
    study = studies("lung_nodule_ct")
    session = sessions(study)
    assert str(session.header.progress) == "0 of 3 read"
    case = session.open_next()
    assert case.item.case == "case-1"
    nodule = ItemKey("nodule")
    states = {entry.key: entry.state for entry in case.editor.entries()}
    assert states[nodule] == ItemState.TO_DO
    instance = case.editor.add_instance(nodule)
    paint(case, instance, np.s_[3:6, 10:20, 10:20])
    study.clock.go(3)
    case.tick()
    case.tick()
    assert case.autosave.state == "saved", case.autosave.message
    for problem in case.check():
        print(problem)
    print([(e.key, e.state, e.depth) for e in case.editor.entries()])
