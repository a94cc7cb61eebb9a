"""Output into a pipe that nobody reads any more, as with `| head`."""

import os
import subprocess
import sys


def test_a_closed_pipe_is_no_traceback() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    program = "import sys; from AnnotationQACore.cli.main import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", program, "protocol", "show", "lung_nodule_ct"],
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")
