"""Fixtures shared by all tests."""

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def repository() -> Path:
    """Root of the checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Public reference data that is not part of the project; a test that needs it is skipped where it is absent."""
    folder = Path(os.environ.get("ANNOTATIONQA_TEST_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        if os.environ.get("CI"):
            pytest.fail(f"CI must have the reference data at {folder}")
        pytest.skip(f"needs the reference data at {folder} (set ANNOTATIONQA_TEST_DATA)")
    return folder
