"""Virtual environments for the packages that benchmarks compare with, each of its own and made once."""

import subprocess
import sys
from pathlib import Path

CACHE = Path.home() / ".cache" / "annotation-qa-benchmarks"


def peer_python(name: str, packages: list[str], folder: Path = CACHE) -> Path:
    """Interpreter of the environment `name` with `packages`, which is made when it is not there."""
    environment = folder / name
    python = environment / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    installed = environment / "packages.txt"
    wanted = "\n".join(packages)
    if not installed.is_file() or installed.read_text() != wanted:
        print(f"installing {', '.join(packages)} in {environment}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", environment], check=True)
        subprocess.run(
            [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages], check=True
        )
        installed.write_text(wanted)
    return python
