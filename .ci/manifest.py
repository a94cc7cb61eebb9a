"""Keeps the list of installed files in each module's CMakeLists.txt equal to what is on disk.

python .ci/manifest.py --write    brings the lists up to date
python .ci/manifest.py            says what differs; exit code 1 when something does
"""

import re
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
MODULE_FOLDERS = ("AnnotationQA", "DeidentifyStudy")
NOT_INSTALLED = {"CMakeLists.txt", "py.typed"}


def installed_files(folder: Path) -> tuple[list[str], list[str]]:
    """Scripts and resources below a module folder, as the paths that its CMakeLists.txt must list."""
    files = sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file()
        and "__pycache__" not in path.parts
        and path.name not in NOT_INSTALLED
        and not path.name.startswith(".")
    )
    return [f for f in files if f.endswith(".py")], [f for f in files if not f.endswith(".py")]


def with_lists(text: str, scripts: list[str], resources: list[str]) -> str:
    """The CMakeLists.txt text with its two lists replaced."""
    for variable, files in (("MODULE_PYTHON_SCRIPTS", scripts), ("MODULE_PYTHON_RESOURCES", resources)):
        rows = "".join(f"  {file}\n" for file in files)
        text, count = re.subn(rf"set\({variable}\n[^)]*\)", lambda _, v=variable, r=rows: f"set({v}\n{r}  )", text)
        if count != 1:
            raise ValueError(f"expected one set({variable} ...) in CMakeLists.txt, found {count}")
    return text


def main() -> int:
    """Write or compare, and return the exit code."""
    differing = []
    for name in MODULE_FOLDERS:
        path = REPOSITORY / name / "CMakeLists.txt"
        text = path.read_text(encoding="utf-8")
        expected = with_lists(text, *installed_files(path.parent))
        if "--write" in sys.argv[1:]:
            path.write_text(expected, encoding="utf-8")
        elif text != expected:
            listed = set(re.findall(r"^  (\S+/?\S*\.\w+)$", text, re.M))
            wanted = set(re.findall(r"^  (\S+/?\S*\.\w+)$", expected, re.M))
            changes = [f"+{f}" for f in sorted(wanted - listed)] + [f"-{f}" for f in sorted(listed - wanted)]
            differing.append(f"{path.relative_to(REPOSITORY)}: {' '.join(changes) or 'order'}")
    for line in differing:
        print(f"{line}; run: python .ci/manifest.py --write")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
