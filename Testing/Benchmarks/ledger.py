"""How long a project of many acts takes to fold, to open, to open again, and to verify.

    python Testing/Benchmarks/ledger.py --events 10000 100000

Each row is measured in a process of its own on a project made of whole cases: added, three readings assigned, started
and submitted, two decisions. "read + fold" is everything from the files to the state but the signatures; "open again"
is `Project.open` with nothing new; "one more act" includes reading what is new and flushing to disk.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

from AnnotationQACore.project import layout
from AnnotationQACore.project.appending import append_bytes
from AnnotationQACore.project.chains import read_chain
from AnnotationQACore.project.events import START, Event, Head, Kind, encode, sign
from AnnotationQACore.project.fields import format_time
from AnnotationQACore.project.folder import Project, read_project_file
from AnnotationQACore.project.folding import fold
from AnnotationQACore.project.identities import USER_FOLDER_VARIABLE, Identity, create_identity, load_identity
from AnnotationQACore.project.ledger import ledger_files
from AnnotationQACore.project.readings import reading_id
from AnnotationQACore.project.snapshots import without_collection
from AnnotationQACore.project.state import Role, State
from AnnotationQACore.project.verification import verify
from AnnotationQACore.protocol.loading import load_shipped

READERS = ("anna", "ben", "carl")
ACTS_PER_CASE = 2 + 3 * len(READERS) + 1
SHA = "5f" * 32


class Writers:
    """Signs events of several people in one order, each having seen all before."""

    def __init__(self, folder: Path, project: Project) -> None:
        self._folder = folder
        self._state = project.state
        self._heads = dict(project.state.front.heads)
        self._seen: dict[str, dict[str, Head]] = {}
        self._time = datetime.now(UTC)
        self._lines: dict[Path, list[bytes]] = {}

    def act(self, identity: Identity, kind: Kind, payload: dict[str, object]) -> Event:
        key = identity.fingerprint
        known = self._seen.setdefault(key, {})
        seen = {k: h for k, h in self._heads.items() if k != key and known.get(k) != h}
        known.update(seen)
        self._time += timedelta(seconds=7)
        last = self._heads.get(key, Head(-1, START))
        event = sign(
            identity,
            sequence=last.sequence + 1,
            previous=last.hash,
            seen=seen,
            time=format_time(self._time),
            project=self._state.project,
            protocol=self._state.protocol,
            kind=kind,
            payload=payload,
        )
        self._heads[key] = Head(event.sequence, event.hash)
        path = self._folder / layout.LEDGER / layout.ledger_file_name(identity.member, key)
        self._lines.setdefault(path, []).append(encode(event))
        return event

    def write(self) -> None:
        for path, lines in self._lines.items():
            append_bytes(path, b"".join(lines), path.stat().st_size if path.exists() else 0)


def make_project(folder: Path, events: int) -> None:
    """A project of about `events` acts."""
    people = {name: create_identity(name) for name in ("lead", "rita", *READERS)}
    project = Project.create(folder, people["lead"], load_shipped("lung_nodule_ct"))
    for name in READERS:
        project.add_member(name, name, [Role.READER], people[name].public_key)
    project.add_member("rita", "Rita", [Role.REVIEWER], people["rita"].public_key)
    writers = Writers(folder, project)
    for number in range((events - project.state.events) // ACTS_PER_CASE):
        case = f"case-{number:06}"
        series = {"role": "CT", "location": f"images/{case}", "files": 300, "sha256": SHA}
        details = {"id": case, "patient": f"patient-{number:06}", "series": [series]}
        writers.act(people["lead"], Kind.CASES_ADDED, {"cases": [details]})
        assignments = [{"case": case, "reader": r, "round": 1, "order": number} for r in READERS]
        writers.act(people["lead"], Kind.ASSIGNED, {"assignments": assignments})
        for reader in READERS:
            place = {"case": case, "reader": reader, "round": 1}
            files = {"revision": 1, "protocol": project.state.protocol, "sha256": SHA, "segmentation sha256": SHA}
            writers.act(people[reader], Kind.READING_STARTED, place)
            writers.act(people[reader], Kind.DRAFT_SAVED, place)
            writers.act(people[reader], Kind.READING_SUBMITTED, place | files)
        decision = {"case": case, "action": "accept", "readings": [reading_id(case, READERS[0], 1, 1)]}
        writers.act(people["rita"], Kind.REVIEW_DECIDED, decision)
    writers.write()


def measure(task: str, folder: Path) -> str:
    """Events, seconds (of CPU; for verify, which takes several processes, by the clock), and peak memory in MB."""
    start = time.process_time()
    wall = time.perf_counter()
    if task == "read + fold":
        identifier = read_project_file(folder).id
        with without_collection():
            chains = [read_chain(path) for path in ledger_files(folder).values()]
            state = fold([event for chain in chains for event in chain.events], State(identifier))
    elif task == "one more act":
        project = Project.open(folder, load_identity("lead"))
        start = time.process_time()
        project.exclude_case("case-000000", "motion artefacts")
        state = project.state
    elif task == "verify":
        with ProcessPoolExecutor(os.cpu_count()) as executor:
            state = verify(folder, executor=executor).state
    else:
        state = Project.open(folder).state
    seconds = time.perf_counter() - wall if task == "verify" else time.process_time() - start
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    assert not state.rejected
    return f"{state.events}\t{seconds:.3f}\t{megabytes:.0f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--skip-verify", action="store_true")
    arguments = parser.parse_args()
    print(f"{'task':16} {'events':>8} {'seconds':>8} {'peak MB':>8}")
    for events in arguments.events:
        with tempfile.TemporaryDirectory() as temporary:
            os.environ[USER_FOLDER_VARIABLE] = str(Path(temporary) / "user")
            folder = Path(temporary) / "project"
            make_project(folder, events)
            tasks = ["read + fold", "open first", "open again", "one more act"] + (
                [] if arguments.skip_verify else ["verify"]
            )
            for task in tasks:
                command = [sys.executable, __file__, "--measure", task, str(folder)]
                row = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip().split("\t")
                print(f"{task:16} {row[0]:>8} {row[1]:>8} {row[2]:>8}", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        print(measure(sys.argv[2], Path(sys.argv[3])))
    else:
        main()
