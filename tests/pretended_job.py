"""A command whose arguments say what it does, which ``facet.jobs`` starts like the project's commands."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path


def main() -> None:
    """Do what the arguments say, in order.

    ``says=TEXT`` prints, ``kills=`` kills this process, ``stops=`` stops its parent, ``exits=CODE`` exits,
    ``notes=FILE`` writes the number of threads and the visible GPU, ``waits=FILE`` waits until a file exists.
    """
    for argument in sys.argv[1:]:
        what, _, value = argument.partition("=")
        if what == "says":
            print(value, file=sys.stderr)
        elif what == "kills":
            os.kill(os.getpid(), signal.SIGKILL)
        elif what == "stops":
            os.kill(os.getppid(), signal.SIGTERM)
        elif what == "exits":
            sys.exit(int(value))
        elif what == "notes":
            given = [os.environ.get(name, "") for name in ("OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES")]
            Path(value).write_text(" ".join(given))
        elif what == "waits":
            until = time.monotonic() + 60
            while not Path(value).exists() and time.monotonic() < until:
                time.sleep(0.02)


if __name__ == "__main__":
    main()
