"""``python -m bench [names…] [--quick]``: the exit code says only whether everything could be measured."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import time
import traceback

from bench.report import Row, compare

NAMES = (
    "run",
    "lines",
    "fanout",
    "sync5mb",
    "start",
    "death",
    "guard",
    "recovery",
    "durable",
    "blobs",
    "storm",
    "assist",
    "messages",
    "trees",
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench", description="The measurements, each beside its baseline.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; all without one")
    parser.add_argument("--quick", action="store_true", help="few rounds: does it work at all?")
    asked = parser.parse_args()
    if unknown := set(asked.names) - set(NAMES):
        parser.error(f"there is no measurement {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    rows: list[Row] = []
    failed: list[str] = []
    for name in asked.names or NAMES:
        print(f"== {name}: {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}", flush=True)
        begun = time.monotonic()
        try:
            rows += importlib.import_module(f"bench.{name}").measure(asked.quick)
        except Exception:  # noqa: BLE001
            traceback.print_exc()
            failed.append(name)
        print(f"({time.monotonic() - begun:.0f} s)\n", flush=True)
    if rows:
        print(f"== summary\n{compare(rows)}")
    if failed:
        print(f"Could not be measured: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


sys.exit(main())
