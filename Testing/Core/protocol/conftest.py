"""Protocols that tests change and load."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from AnnotationQACore.errors import InvalidProtocol
from AnnotationQACore.protocol.loading import load_shipped, protocol_from_document, protocol_text, shipped_protocols

SMALL: dict[str, Any] = {
    "id": "small",
    "title": "Small",
    "version": "1.0.0",
    "change_note": "First version.",
    "purpose": "Tests.",
    "clinical_decision": "None.",
    "imaging": {
        "body_region": {"scheme": "SCT", "value": "39607008", "meaning": "Lung"},
        "series": [{"id": "ct", "title": "CT", "modalities": ["CT"]}],
        "reference_series": "ct",
    },
    "design": {"readers_per_case": 2},
    "windows": [{"id": "lung", "title": "Lung", "center": -600, "width": 1500}],
    "items": [
        {"kind": "segmentation", "id": "lung", "title": "Lung", "definition": "Both lungs.", "label_value": 1},
        {
            "kind": "segmentation",
            "id": "nodule",
            "title": "Nodule",
            "definition": "A rounded opacity.",
            "label_value": 2,
            "instances": True,
            "limits": {"inside": {"item": "lung"}},
            "agreement": {"statistic": "dice", "threshold": 0.7},
        },
        {
            "kind": "rating",
            "id": "margin",
            "title": "Margin",
            "definition": "How sharp.",
            "scope": {"level": "instance", "of": "nodule"},
            "levels": [
                {"value": 1, "title": "Blurred"},
                {"value": 2, "title": "Medium"},
                {"value": 3, "title": "Sharp"},
            ],
            "agreement": {"statistic": "weighted_kappa_quadratic", "threshold": 0.6, "case_tolerance": 1},
        },
        {
            "kind": "classification",
            "id": "effusion",
            "title": "Effusion",
            "definition": "Pleural fluid.",
            "selection": "presence",
        },
        {
            "kind": "classification",
            "id": "side",
            "title": "Side",
            "definition": "Which side.",
            "selection": "single",
            "choices": [{"id": "left", "title": "Left"}, {"id": "right", "title": "Right"}],
            "when": {"item": "effusion", "operator": "equals", "value": "present"},
        },
        {
            "kind": "measurement",
            "id": "volume",
            "title": "Volume",
            "definition": "Of each nodule.",
            "quantity": "volume",
            "derived_from": ["nodule"],
            "scope": {"level": "instance", "of": "nodule"},
        },
    ],
}


@pytest.fixture
def small() -> dict[str, Any]:
    """A valid protocol document that a test may change."""
    return copy.deepcopy(SMALL)


@pytest.fixture
def problems_of() -> Callable[[Any], tuple[str, ...]]:
    """What is wrong with a document; nothing when it loads."""

    def problems(document: Any) -> tuple[str, ...]:
        try:
            protocol_from_document(document)
        except InvalidProtocol as invalid:
            return invalid.problems
        return ()

    return problems


@pytest.fixture(scope="session")
def shipped_documents() -> dict[str, Any]:
    """Every shipped protocol as its JSON document, by name."""
    return {name: json.loads(protocol_text(load_shipped(name))) for name in shipped_protocols()}
