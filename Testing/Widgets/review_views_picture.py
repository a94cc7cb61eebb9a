"""The linked views of a comparison as Slicer's own MRML libraries draw them, offscreen, in a process of its own."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

HERE = Path(__file__).resolve().parent
SIZE = (360, 300)

__all__ = ["STATES", "review_views_pictures"]

STATES = ("review-views", "review-heat-map", "review-planes", "review-3d")


def review_views_pictures(folder: Path) -> None:
    """Write a picture of each of `STATES`."""
    environment = os.environ | {"VTK_DEFAULT_OPENGL_WINDOW": "vtkEGLRenderWindow"}
    for state in STATES:
        command = [sys.executable, __file__, state, str(folder / f"{state}.png")]
        subprocess.run(command, check=True, env=environment, capture_output=True, timeout=300)


def _scene() -> tuple[Any, Any]:
    import slicer

    scene = slicer.vtkMRMLScene()
    application = slicer.vtkSlicerApplicationLogic()
    application.SetMRMLScene(scene)
    segmentations = slicer.vtkSlicerSegmentationsModuleLogic()
    segmentations.SetMRMLApplicationLogic(application)
    segmentations.SetMRMLScene(scene)
    application.SetModuleLogic("Segmentations", segmentations)
    slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(scene)
    scene.AddNode(slicer.vtkMRMLCrosshairNode())
    return scene, application


def _draw(state: str, target: Path) -> None:
    sys.path.insert(0, str(HERE.parents[1] / "AnnotationQA"))
    spec = importlib.util.spec_from_file_location("rendered_views", HERE.parent / "Mrml" / "rendered_views.py")
    assert spec is not None
    assert spec.loader is not None
    rendered = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(rendered)
    import slicer

    from AnnotationQACore.review.kinds import Kind
    from AnnotationQACore.review.walk import WalkFilter
    from AnnotationQALib.review.case_review import CaseReview
    from AnnotationQALib.review.example import add_example

    scene, application = _scene()
    volume, nodes = add_example(scene)
    grey = slicer.vtkMRMLColorTableNode()
    grey.SetTypeToGrey()
    volume.GetDisplayNode().SetAndObserveColorNodeID(scene.AddNode(grey).GetID())
    review = CaseReview.of_nodes(scene, volume, nodes)
    three_d = "each" if state == "review-3d" else "none"
    layout = review.open_views(3 if state == "review-planes" else 1, three_d)
    views = {}
    for pane in layout.panes:
        made = rendered.RenderedSlice if pane.is_slice else rendered.RenderedThreeD
        views[pane.tag] = made(application, review.views.node(pane), SIZE)
    review.set_style("outlines" if state == "review-heat-map" else "both")
    if state == "review-heat-map":
        review.walk.filter(WalkFilter(kinds=frozenset([Kind.BOUNDARY])))
    else:
        review.walk.filter(WalkFilter(items=frozenset(["lesion"])))
    review.show_consensus("majority")
    stop = review.next()
    review.views.set_crosshair(True)
    review.views.fit(stop.position, 460.0)
    if state == "review-heat-map":
        review.show_heat_map("distance", 0.75)
    rows = []
    for row in layout.rows:
        images = []
        for pane in row:
            view = views[pane.tag]
            if not pane.is_slice:
                view.renderer.SetBackground(0.75, 0.76, 0.91)
                camera = view.renderer.GetActiveCamera()
                camera.SetPosition(0, 900, 60)
                camera.SetFocalPoint(0, 0, 0)
                camera.SetViewUp(0, 0, 1)
                view.renderer.ResetCamera()
                view.renderer.ResetCameraClippingRange()
            images.append(_framed(view.image(), pane.label, pane.color))
        rows.append(images)
    most = max(len(row) for row in rows)
    blank = np.full_like(rows[0][0], 40)
    rows = [row + [blank] * (most - len(row)) for row in rows]
    whole = np.concatenate([np.concatenate(row, axis=1) for row in rows], axis=0)
    Image.fromarray(whole).save(target, optimize=True)
    os._exit(0)  # outside of an application these objects do not survive each other's end


def _framed(image: np.ndarray, label: str, color: str) -> np.ndarray:
    """The view below a bar with the reader's name, as Slicer has it."""
    bar = Image.new("RGB", (image.shape[1], 22), color)
    font = ImageFont.load_default(14)
    ImageDraw.Draw(bar).text((8, 2), label, fill="#101418", font=font)
    framed = np.concatenate([np.asarray(bar), image], axis=0)
    framed[:, -2:] = 40
    framed[-2:, :] = 40
    return framed


if __name__ == "__main__":
    _draw(sys.argv[1], Path(sys.argv[2]))
