"""The ``ganimede`` command's entry. What it does is in :mod:`gateway.command`, whose imports take a second."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command and end the process."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        # Until the server itself obeys it, Ctrl+C ends the process at once: there is nothing to unwind, and an
        # exception from the middle of an import would be a traceback.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from gateway.command import run

    run(sys.argv[1:] if argv is None else argv)


if __name__ == "__main__":
    main()
