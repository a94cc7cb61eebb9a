"""Fuzz the tokenizer and everything behind it: `python Testing/Benchmarks/deidentify_fuzz.py --seconds 3000 --seed 1`.

Headers of several kinds and encodings are mutated where it hurts (tags, VRs, lengths, delimiters, cut, spliced, bytes),
then opened, indexed, rewritten, written, read again and verified. The only things that may happen are a result and the
two errors that quarantine a file. Anything else is a crash, which is kept as a file; a mutant that takes longer than
`--limit` seconds is a hang. The same seed makes the same mutants. Exit code 1 when anything was found.
"""

import argparse
import base64
import random
import resource
import signal
import struct
import sys
import tempfile
import time
import traceback
import warnings
import zlib
from collections import Counter
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pydicom
import pydicom.data
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, generate_frames

from DeidentifyStudyCore.cleaning.engine import Engine
from DeidentifyStudyCore.cleaning.stream import write_object
from DeidentifyStudyCore.cleaning.verification import Verifier
from DeidentifyStudyCore.dicom import layouts
from DeidentifyStudyCore.dicom import source as sources
from DeidentifyStudyCore.dicom.source import opened
from DeidentifyStudyCore.dicom.walk import leaves
from DeidentifyStudyCore.errors import MalformedFile, Quarantined
from DeidentifyStudyCore.identity.echo import EchoBuilder
from DeidentifyStudyCore.identity.keyfile import Secret
from DeidentifyStudyCore.identity.pseudonyms import Pseudonyms
from DeidentifyStudyCore.indexing.index import index_files
from DeidentifyStudyCore.profile import load_profile
from DeidentifyStudyCore.rules.book import RuleBook
from DeidentifyStudyCore.rules.model import Subject
from DeidentifyStudyCore.rules.text import vocabulary

IMPLICIT, EXPLICIT, BIG, DEFLATED = (
    "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99",
)  # fmt: skip
LENGTHS = (0, 1, 2, 7, 8, 0xFF, 0xFFFE, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)
TAGS = (
    0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD, 0x7FE00010, 0x7FE00001, 0x00080005, 0x00080018, 0x0040A730, 0x00091001,
    0x00090010,
    0x00020010, 0x00000000, 0xFFFCFFFC, 0x60003000, 0x00420011,
)  # fmt: skip
VRS = [b"  ", *b"AE AS CS DA DS DT FD FL IS LO LT OB OW PN SH SL SQ SS ST TM UC UI UL UN UR US UT OV SV XX".split()]
WARM_UP = 2000
SEED_FILES = (
    "reportsi.dcm", "rtplan.dcm", "DICOMDIR-nopatient", "priv_SQ.dcm", "nested_priv_SQ.dcm", "UN_sequence.dcm",
    "JPEGLSNearLossless_08.dcm", "SC_rgb_small_odd_jpeg.dcm", "JPEG2000.dcm", "SC_rgb_rle_2frame.dcm",
    "SC_rgb_rle_16bit_2frame.dcm",
)  # fmt: skip
JPEG_XL = base64.b85decode("{|ZAuP}~Rz1OWhO081z()}a&>1fmUypQLFrfcI98zHAOI5lA@")
"""A gradient in grey, by libjxl."""


def seeds() -> list[tuple[bytes, bool]]:
    """Files to mutate, and whether what follows the file meta information is deflated."""
    found = []
    base = pydicom.dcmread(pydicom.data.get_testdata_file("CT_small.dcm"))
    base.Rows = base.Columns = 4
    base.PixelData = bytes(32)
    inner = Dataset()
    inner.ReferencedSOPInstanceUID, inner.TextValue, inner.PersonName = "1.2.3", "liver of Quillon", "Quillon^Zyx"
    middle = Dataset()
    middle.ReferencedImageSequence = [inner, inner]
    for undefined in (False, True):
        base.ReferencedImageSequence = [middle, inner]
        base["ReferencedImageSequence"].is_undefined_length = undefined
        for item in (middle, inner):
            item.is_undefined_length_sequence_item = undefined
        found += [(encoded(base, syntax), syntax == DEFLATED) for syntax in (IMPLICIT, EXPLICIT, BIG, DEFLATED)]
    compressed = Dataset()
    compressed.update(base)
    compressed.file_meta = base.file_meta
    compressed.SpecificCharacterSet = ["", "ISO 2022 IR 87"]
    frame = b"\xff\xd8\xff\xe1\x00\x08Exif\0\0\xff\xfe\0\x09Quillon\xff\xda\0\x02\x12\x34\xff\xd9"
    compressed.add_new(0x7FE00010, "OB", encapsulate([frame, frame]))
    compressed["PixelData"].is_undefined_length = True
    compressed.NumberOfFrames = 2
    found.append((encoded(compressed, "1.2.840.10008.1.2.4.50"), False))
    compressed.PixelData = encapsulate([JPEG_XL, JPEG_XL], fragments_per_frame=2)
    video = "1.2.840.10008.1.2.4.100"  # pydicom writes no syntax that it does not know
    found.append((encoded(compressed, video).replace(video.encode(), b"1.2.840.10008.1.2.4.110"), False))
    for name in SEED_FILES:
        content = Path(pydicom.data.get_testdata_file(name)).read_bytes()
        found.append((content[: 1 << 16], False))
        dataset = pydicom.dcmread(BytesIO(content))
        syntax = dataset.file_meta.get("TransferSyntaxUID")
        if syntax and syntax.is_encapsulated and "PixelData" in dataset:
            frames = [*generate_frames(dataset.PixelData, number_of_frames=int(dataset.get("NumberOfFrames", 1)))]
            dataset.PixelData = encapsulate(frames, fragments_per_frame=2)
            found.append((encoded(dataset, syntax), False))
    return found


def encoded(dataset: Dataset, syntax: str) -> bytes:
    """Encode a data set as a file."""
    dataset.file_meta.TransferSyntaxUID = syntax
    stream = BytesIO()
    pydicom.dcmwrite(stream, dataset, implicit_vr=syntax == IMPLICIT, little_endian=syntax != BIG)
    return stream.getvalue()


def mutated(generator: random.Random, pool: list[tuple[bytes, bool]]) -> bytes:
    """Change one of the seeds in one to twelve places."""
    content, deflated = generator.choice(pool)
    head = b""
    if deflated:
        begin = 144 + struct.unpack_from("<I", content, 140)[0]
        head, content = content[:begin], zlib.decompressobj(-15).decompress(content[begin:])
    body = bytearray(content)
    for _ in range(generator.randint(1, 12)):
        generator.choice(MUTATIONS)(generator, body, pool)
        if len(body) < 16:
            break
    if not deflated:
        return bytes(body)
    deflater = zlib.compressobj(1, zlib.DEFLATED, -15)
    return head + deflater.compress(bytes(body)) + deflater.flush()


def _bytes(generator: random.Random, body: bytearray, _: list[tuple[bytes, bool]]) -> None:
    body[generator.randrange(len(body))] = generator.choice((0, 1, 0x7F, 0xFF, generator.randrange(256)))


def _length(generator: random.Random, body: bytearray, _: list[tuple[bytes, bool]]) -> None:
    at = generator.randrange(len(body) - 4) & ~1
    struct.pack_into(generator.choice("<>") + "I", body, at, generator.choice(LENGTHS))


def _short_length(generator: random.Random, body: bytearray, _: list[tuple[bytes, bool]]) -> None:
    at = generator.randrange(len(body) - 4) & ~1
    struct.pack_into(generator.choice("<>") + "H", body, at, generator.choice(LENGTHS) & 0xFFFF)


def _tag(generator: random.Random, body: bytearray, _: list[tuple[bytes, bool]]) -> None:
    at = generator.randrange(len(body) - 4) & ~1
    tag = generator.choice(TAGS)
    struct.pack_into(generator.choice("<<<>") + "HH", body, at, tag >> 16, tag & 0xFFFF)


def _vr(generator: random.Random, body: bytearray, _: list[tuple[bytes, bool]]) -> None:
    at = body.find(generator.choice(VRS), generator.randrange(len(body)))
    if at >= 0:
        body[at : at + 2] = generator.choice(VRS)


def _cut(generator: random.Random, body: bytearray, _: list[tuple[bytes, bool]]) -> None:
    start = generator.randrange(len(body))
    stop = generator.choice((len(body), start + generator.randint(1, 64)))
    if generator.random() < 0.5:
        del body[start:stop]


def _repeat(generator: random.Random, body: bytearray, _: list[tuple[bytes, bool]]) -> None:
    start = generator.randrange(len(body))
    piece = body[start : start + generator.randint(1, 200)]
    body[start:start] = piece * generator.randint(1, 4)


def _splice(generator: random.Random, body: bytearray, pool: list[tuple[bytes, bool]]) -> None:
    other = generator.choice(pool)[0]
    start, at = generator.randrange(len(other)), generator.randrange(len(body))
    body[at:at] = other[start : start + generator.randint(8, 400)]


def _nest(generator: random.Random, body: bytearray, _: list[tuple[bytes, bool]]) -> None:
    at = generator.randrange(len(body)) & ~1
    opening = b"\x40\x00\x30\xa7SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"
    body[at:at] = opening * generator.choice((1, 3, 70))


MUTATIONS: tuple[Callable[[random.Random, bytearray, list[tuple[bytes, bool]]], None], ...] = (
    _bytes, _bytes, _bytes, _length, _short_length, _tag, _vr, _cut, _repeat, _splice, _nest,
)  # fmt: skip


class Target:
    """One file through the whole program, without the batch around it that would hide a crash."""

    def __init__(self, work: Path) -> None:
        self._profile = load_profile("research-shifted-dates")
        pseudonyms = Pseudonyms.of(Secret(bytes(32)), self._profile.shift_days, retain_uids=False)
        builder = EchoBuilder(vocabulary())
        builder.add_name("Quillon^Zyx")
        self._subject = Subject("ANON-1", -400, builder.built(vocabulary()))
        self._uid = pseudonyms.uid
        self._make = lambda: Engine(RuleBook(self._profile), pseudonyms, self._subject)
        self._engine = self._make()
        self._work = work

    def renew(self) -> None:
        """Forget what was remembered, as after a chunk."""
        self._engine = self._make()

    def __call__(self, content: bytes) -> str:
        path, out = self._work / "mutant", self._work / "out"
        path.write_bytes(content)
        scanned = _found_by_scan(path)
        assert _found(path) == scanned, "recognized as what it is not"
        assert _found(path, by_ends=True) == scanned, "recognized by its ends as what it is not"
        facts = index_files(self._work, [("mutant", "")], self._profile)[0][0]
        if facts.reason == "internal-error":
            raise AssertionError("the index failed")
        try:
            with opened(path) as source:
                sum(1 for _ in leaves(source.buffer, source.spans, source.encoding, ("ascii",)))
                for number in source.layout.sequences:
                    _check_leaves(source, number)
                if facts.reason or facts.is_dicomdir:
                    return facts.reason or "directory"
                rewritten = self._engine.rewrite(source)
                write_object(source, rewritten, out)
                with opened(out) as output:
                    identity = tuple(map(self._uid, (facts.study, facts.series, facts.instance)))
                    references = {self._uid(reference) for reference in facts.references}
                    verifier = Verifier(self._subject, uids_retained=False)
                    verifier.check(output, identity, references)
                    verifier.compare(source, rewritten, output)
                return "written"
        except (MalformedFile, Quarantined) as error:
            return error.reason


def _check_leaves(source: sources.Source, number: int) -> None:
    """Hold the leaves of a sequence that is like one before equal to those that parsing finds."""
    buffer, span = source.part(number)
    found = [*source.leaves(number, ("ascii",))[1]]
    assert found == [*leaves(buffer, [span], source.encoding, ("ascii",))], "another sequence than the one before"


def _found(path: Path, *, by_ends: bool = False) -> object:
    """What is found; `by_ends` tries the beginning and the end first, as for large files."""
    threshold, sources._READ_WHOLE = sources._READ_WHOLE, 0 if by_ends else sources._READ_WHOLE
    try:
        with opened(path, whole=not by_ends) as source:
            return source.spans, [*source.elements], source.encoding, source.transfer_syntax, source.slack
    except (MalformedFile, Quarantined) as error:
        return error.reason
    finally:
        sources._READ_WHOLE = threshold


def _found_by_scan(path: Path) -> object:
    """What is found without the layouts of the files before."""
    latest, layouts._latest = layouts._latest, ()
    try:
        return _found(path)
    finally:
        layouts._latest = latest


class Hang(BaseException):
    """A mutant took too long; no `except Exception` may swallow it."""


def _hang(*_: object) -> None:
    raise Hang


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--limit", type=float, default=10.0, help="seconds of CPU after which a mutant hangs")
    parser.add_argument("--keep", type=Path, default=Path("fuzz-crashes"), help="folder for mutants that crash")
    arguments = parser.parse_args()
    warnings.simplefilter("error")
    generator, pool = random.Random(arguments.seed), seeds()
    signal.signal(signal.SIGVTALRM, _hang)
    outcomes: Counter[str] = Counter()
    found = count = 0
    slowest, base = 0.0, 0
    end = time.monotonic() + arguments.seconds
    with tempfile.TemporaryDirectory() as name:
        target = Target(Path(name))
        while time.monotonic() < end:
            content = mutated(generator, pool)
            begin = time.process_time()
            signal.setitimer(signal.ITIMER_VIRTUAL, arguments.limit)
            try:
                outcomes[target(content)] += 1
            except (Exception, Hang):
                found += 1
                arguments.keep.mkdir(parents=True, exist_ok=True)
                (arguments.keep / f"seed{arguments.seed}-{count}.dcm").write_bytes(content)
                print(f"mutant {count}:\n{traceback.format_exc()}", flush=True)
            finally:
                signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            slowest = max(slowest, time.process_time() - begin)
            count += 1
            if count % 500 == 0:
                target.renew()
            if count == WARM_UP:
                base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            if count % 20000 == 0:
                print(f"{count} mutants, {found} found", flush=True)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - base) / 1024 if base else 0.0
    print(f"seed {arguments.seed}: {count} mutants in {arguments.seconds:.0f} s; crashes and hangs: {found}")
    print(f"slowest {1000 * slowest:.0f} ms CPU; peak memory grew {grown:.1f} MiB after the first {WARM_UP}")
    for reason, times in outcomes.most_common():
        print(f"  {reason:28} {times}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
