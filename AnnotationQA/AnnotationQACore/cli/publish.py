"""Send DICOM objects to a PACS: images, or the objects that `export` wrote; what it has already is not sent again."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from AnnotationQACore.cli.console import ConsoleProgress
from AnnotationQACore.cli.servers import add_server, connection_options, patience
from AnnotationQACore.errors import InputError, NetworkError
from AnnotationQACore.interchange.network.connecting import connected
from AnnotationQACore.interchange.network.publishing import BatchSize, Failure, gather, publish
from AnnotationQACore.progress import Progress, silent
from AnnotationQACore.wording import count_of

__all__ = ["add_arguments", "run"]

PARTIAL = 1
_SHOWN = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    add_server(parser)
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="DICOM files, or folders of them")
    parser.add_argument(
        "--batch-mb", type=int, default=64, metavar="MB", help="largest request, DICOMweb (default: %(default)s)"
    )
    parser.add_argument("--check", action="store_true", help="check the files, and send nothing")


def run(arguments: argparse.Namespace) -> int:
    """Check, ask, and send."""
    if arguments.batch_mb < 1:
        raise InputError(f"--batch-mb {arguments.batch_mb}: at least 1 is needed.")
    tries = patience(arguments)
    options = connection_options(arguments)
    gathered = gather(arguments.paths, _progress(arguments, "checking files"))
    if not gathered.objects:
        first = f" ({gathered.failures[0].path}: {gathered.failures[0].reason})" if gathered.failures else ""
        raise InputError(f"publish: there is no DICOM object that can be sent{first}; check the paths.")
    if arguments.check:
        print(f"{count_of(len(gathered.objects), 'object')} can be sent")
        return _report_rest(gathered.failures, gathered.skipped)
    with connected(arguments.server, options, tries) as server:
        done = publish(
            server,
            gathered.objects,
            tries,
            BatchSize(bytes=arguments.batch_mb << 20),
            _progress(arguments, "publishing"),
        )
    if not done.sent and not done.present:
        more = f" ({len(done.failures) - 1} more files were not taken either)" if len(done.failures) > 1 else ""
        raise NetworkError(f"{done.failures[0].path.name}: was not taken: {done.failures[0].reason}{more}")
    print(f"{count_of(len(done.sent), 'object')} sent, {len(done.present)} were there before")
    return _report_rest((*gathered.failures, *done.failures), gathered.skipped)


def _progress(arguments: argparse.Namespace, title: str) -> Progress:
    return silent if arguments.quiet else ConsoleProgress(title)


def _report_rest(failures: Sequence[Failure], skipped: Sequence[Path]) -> int:
    for failure in failures:
        print(f"not sent: {failure.path}: {failure.reason}")
    if skipped:
        print(f"{len(skipped)} files are no DICOM objects and were left out:")
        for path in skipped[:_SHOWN]:
            print(f"  {path}")
        if len(skipped) > _SHOWN:
            print(f"  and {len(skipped) - _SHOWN} more")
    return PARTIAL if failures else 0
