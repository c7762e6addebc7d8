"""What a Python kernel is told when it is ready, before it runs anything. No name of it stays in the user's.

- ipykernel's iopub socket drops what is beyond 1,000 messages while our end is held up. Ours reads always.
- ipykernel collects what is printed without a flush, and under a flood sends it in single messages of 80 MB and
  more, of which we would hold several. Whoever prints so much waits until it is sent, in pieces.
- A completion asked for while a cell computes runs in a thread beside it, and each time that it looks something up
  it waits for the interpreter: 5 ms by default, 1 ms here. A cell alone in its process does not notice.
"""

from __future__ import annotations

PIECE = 250_000  # characters

_CODE = f"""
import sys

def bounded(stream):
    write, waiting = stream.write, 0

    def write_in_pieces(text, *more, **options):
        nonlocal waiting
        if type(text) is not str or len(text) + waiting < {PIECE}:
            done = write(text, *more, **options)
            waiting += len(text)
            return done
        for at in range(0, len(text), {PIECE}):
            write(text[at:at + {PIECE}], *more, **options)
            stream.flush()
        waiting = 0
        return len(text)

    write_in_pieces.bounded = True
    stream.write = write_in_pieces

def arm():
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "pub_thread") and not hasattr(stream.write, "bounded"):
            bounded(stream)

if sys.getswitchinterval() == 0.005:  # nobody chose it
    sys.setswitchinterval(0.001)
thread = shell.kernel.iopub_thread
thread.schedule(lambda: setattr(thread.socket, "sndhwm", 0))
shell.events.register("pre_execute", arm)  # IPython gives its streams another write for each cell
"""

INTRODUCTION = f"exec({_CODE!r}, {{'shell': get_ipython()}})"
