"""Who may import whom. The rooms and their rules are those of CONTRIBUTING.md."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SHARED_MODULES = {
    "AnnotationQACore",
    "AnnotationQACore.errors",
    "AnnotationQACore.processes",
    "AnnotationQACore.progress",
    "AnnotationQACore.atomic",
    "AnnotationQACore.canonical",
    "AnnotationQACore.geometry",
    "AnnotationQACore.segmentation",
    "AnnotationQACore.wording",
    "AnnotationQACore.protocol.terminology",
}
"""What every room of AnnotationQACore may import."""

ROOMS: dict[str, set[str]] = {
    "protocol": set(),
    "measure": {"agreement"},
    "agreement": set(),
    "consensus": {"agreement"},
    "project": {"protocol"},
    "checks": {"measure", "project", "protocol"},
    "interchange": {"protocol", "project", "measure"},
    "evaluation": {"agreement", "consensus", "interchange", "measure", "project", "protocol"},
    "review": {"agreement", "consensus", "evaluation", "interchange", "measure", "project", "protocol"},
    "release": {"agreement", "evaluation", "interchange", "project", "protocol", "reporting"},
    "textlabels": {"project", "protocol"},
    "reporting": {"agreement", "consensus", "evaluation", "measure", "project", "protocol"},
    "cli": {
        "agreement", "consensus", "evaluation", "interchange", "measure", "project", "protocol", "release", "reporting",
        "textlabels",
    },
}  # fmt: skip
"""For each room of AnnotationQACore the other rooms that it may import."""

DEIDENTIFY_SHARED_MODULES = {
    f"DeidentifyStudyCore.{name}"
    for name in (
        "atomic", "canonical", "counting", "errors", "executors", "profile", "progress", "quarantine",
        "report_pictures", "review",
    )
}  # fmt: skip
"""What every room of DeidentifyStudyCore may import."""

DEIDENTIFY_ROOMS: dict[str, set[str]] = {
    "dicom": set(),
    "identity": {"dicom"},
    "rules": {"dicom", "identity"},
    "pixels": {"dicom"},
    "faces": {"dicom", "pixels", "rules"},
    "indexing": {"dicom", "identity", "pixels", "rules"},
    "cleaning": {"dicom", "faces", "identity", "indexing", "pixels", "rules"},
    "runs": {"cleaning", "dicom", "faces", "identity", "indexing", "pixels", "rules"},
    "reporting": {"dicom", "identity", "pixels", "rules", "runs"},
    "cli": {"cleaning", "dicom", "faces", "identity", "indexing", "pixels", "reporting", "rules", "runs"},
}
"""For each room of DeidentifyStudyCore the other rooms that it may import: the way that a file takes, never back."""

CORES = {
    "AnnotationQACore": (ROOMS, SHARED_MODULES),
    "DeidentifyStudyCore": (DEIDENTIFY_ROOMS, DEIDENTIFY_SHARED_MODULES),
}

NUMERICAL = {"numpy", "scipy"}
THIRD_PARTY: dict[str, set[str]] = {
    "interchange": NUMERICAL | {"pydicom", "highdicom", "dicomweb_client", "PIL", "requests"},
    "release": NUMERICAL | {"PIL"},
    "project": {"cryptography"},
    "DeidentifyStudyCore": {"numpy", "scipy", "pydicom", "cryptography", "PIL", "SimpleITK"},
}
"""For each room the packages that it may import at module level; `NUMERICAL` where it is not named."""

OPTIONAL = {
    "SimpleITK",
    "distributed",
    "pylidc",
    "pynetdicom",
    "cv2",
    "imageio",
    "keyring",
    "rapidocr",
    "onnxruntime",
    "tfrecord",
    "pyarrow",
    "zarr",
}
"""Imported only inside the function that needs them: extras, and what some builds of Slicer lack."""

NEVER_IN_CORE = {"slicer", "vtk", "vtkmodules", "qt", "ctk", "PySide6"}


def imported(source: str) -> Iterator[tuple[str, bool]]:
    """Every absolute module name that the source imports, and whether it does so at module level."""
    tree = ast.parse(source)
    top = {id(node) for statement in tree.body for node in _module_level(statement)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, id(node) in top) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: relative import; name the module in full"
            yield node.module or "", id(node) in top
            yield from ((f"{node.module}.{alias.name}", id(node) in top) for alias in node.names)


def _module_level(statement: ast.stmt) -> Iterator[ast.AST]:
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return
    if isinstance(statement, ast.If) and "TYPE_CHECKING" in ast.unparse(statement.test):
        return
    yield statement
    for child in ast.iter_child_nodes(statement):
        if isinstance(child, ast.stmt):
            yield from _module_level(child)


def forbidden_in_core(package: str, room: str, source: str) -> list[str]:
    """Names of the imports that a file in this room of a Core must not have."""
    allowed = THIRD_PARTY.get(package if package == "DeidentifyStudyCore" else room, NUMERICAL)
    if room == "cli":
        allowed = NUMERICAL
    found = []
    for name, at_module_level in imported(source):
        top = name.split(".")[0]
        if top in sys.stdlib_module_names:
            continue
        if top == package:
            if room and not _may_import_room(package, room, name):
                found.append(name)
        elif top in NEVER_IN_CORE or (top not in allowed and not (top in OPTIONAL and not at_module_level)):
            found.append(name)
    return found


def _may_import_room(package: str, room: str, name: str) -> bool:
    inner = name.split(".")[1] if "." in name else ""
    rooms, shared_modules = CORES[package]
    if name == package or inner == room or inner in rooms[room]:
        return True
    return any(name == shared or name.startswith(shared + ".") for shared in shared_modules if "." in shared)


def core_files(package: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).parts
        yield (parts[0] if len(parts) > 1 else ""), path


@pytest.mark.parametrize("module", ["AnnotationQA", "DeidentifyStudy"])
def test_cores_import_only_what_their_room_may(repository: Path, module: str) -> None:
    package = repository / module / f"{module}Core"
    found = {
        str(path.relative_to(repository)): names
        for room, path in core_files(package)
        if (names := forbidden_in_core(package.name, room, path.read_text(encoding="utf-8")))
    }
    assert not found


@pytest.mark.parametrize("module", ["AnnotationQA", "DeidentifyStudy"])
def test_every_room_has_its_rule(repository: Path, module: str) -> None:
    core = repository / module / f"{module}Core"
    rooms = {path.parent.relative_to(core).parts[0] for path in core.rglob("__init__.py") if path.parent != core}
    assert rooms == set(CORES[core.name][0])


@pytest.mark.parametrize("package", CORES)
def test_rooms_form_no_circle(package: str) -> None:
    rooms = dict(CORES[package][0])
    while free := {room for room, may in rooms.items() if not may & set(rooms)}:
        for room in free:
            del rooms[room]
    assert not rooms


@pytest.mark.parametrize("module", ["AnnotationQA", "DeidentifyStudy"])
def test_slicer_side_keeps_logic_free_of_qt(repository: Path, module: str) -> None:
    library = repository / module / f"{module}Lib"
    for path in sorted(library.rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        if "widgets" in path.relative_to(library).parts:
            continue
        names = {name.split(".")[0] for name, _ in imported(source)}
        assert not names & {"qt", "ctk", "PySide6"}, f"{path}: logic must not know Qt"
        assert "slicer.mrmlScene" not in source, f"{path}: the scene is handed in"


def test_no_room_of_the_core_prints(repository: Path) -> None:
    """ruff's T20 looks for print; this looks for the other ways."""
    for module in ("AnnotationQA", "DeidentifyStudy"):
        package = repository / module / f"{module}Core"
        for room, path in core_files(package):
            if room != "cli":
                assert "sys.stdout" not in path.read_text(encoding="utf-8"), path


def test_top_level_modules_of_slicer_folders_are_slicer_modules(repository: Path) -> None:
    """Slicer takes every .py beside a module for a module."""
    for module in ("AnnotationQA", "DeidentifyStudy"):
        for path in (repository / module).glob("*.py"):
            assert "ScriptedLoadableModule" in path.read_text(encoding="utf-8"), path


@pytest.mark.parametrize(
    ("room", "source", "expected"),
    [
        ("agreement", "import vtk", ["vtk"]),
        ("agreement", "import pydicom", ["pydicom"]),
        ("agreement", "import AnnotationQACore.interchange.nifti", ["AnnotationQACore.interchange.nifti"]),
        ("agreement", "def f():\n    import slicer", ["slicer"]),
        ("agreement", "from AnnotationQACore.geometry import Grid", []),
        ("project", "import DeidentifyStudyCore", ["DeidentifyStudyCore"]),
        ("protocol", "import AnnotationQACore.project.ledger", ["AnnotationQACore.project.ledger"]),
        ("evaluation", "import distributed", ["distributed"]),
        ("evaluation", "def f():\n    import distributed", []),
        ("interchange", "import pydicom", []),
    ],
)
def test_the_check_itself_can_fail(room: str, source: str, expected: list[str]) -> None:
    assert forbidden_in_core("AnnotationQACore", room, source) == expected


def test_the_check_knows_the_rooms_of_deidentification() -> None:
    source = "from DeidentifyStudyCore.runs.batch import run\nfrom DeidentifyStudyCore.errors import InputError"
    assert set(forbidden_in_core("DeidentifyStudyCore", "rules", source)) == {
        "DeidentifyStudyCore.runs.batch",
        "DeidentifyStudyCore.runs.batch.run",
    }
    assert not forbidden_in_core("DeidentifyStudyCore", "cli", source)
