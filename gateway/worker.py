"""Under plain hypercorn: is this the one trio worker that Ganimede needs, and does its master still live?"""

from __future__ import annotations

import multiprocessing
import time
from typing import NoReturn

import trio
from hypercorn.config import Config

from gateway.terminal import end_process


def wrong_worker() -> str | None:
    """A sentence if this process must not serve the application; None if all is well."""
    process = multiprocessing.current_process()
    # hypercorn's master starts `worker(config=…)`; nothing public tells a worker how many siblings it has.
    config = getattr(process, "_kwargs", {}).get("config")
    if isinstance(config, Config) and config.worker_class != "trio":
        return _NOT_TRIO
    if isinstance(config, Config) and config.workers > 1:
        return (
            f"One notebook is served by one process: start hypercorn without -w {config.workers}, "
            "as in `hypercorn -k trio gateway.app`."
        )
    if isinstance(config, Config):
        return None
    try:
        trio.lowlevel.current_trio_token()
    except RuntimeError:
        return _NOT_TRIO
    return None


_NOT_TRIO = "Ganimede needs hypercorn's trio worker: start it with `hypercorn -k trio gateway.app`."


def refuse_wrong_worker() -> None:
    """To be called at the lifespan's start, before the framework: under asyncio it would not get as far as a hook.

    Several workers say it once. An exit code other than 0 keeps hypercorn's master from starting a new worker.
    """
    sentence = wrong_worker()
    if sentence is None:
        return
    if _is_first_worker():
        end_process(sentence)
    time.sleep(5.0)  # the first one speaks and ends, upon which the master ends this one
    end_process("")


def _is_first_worker() -> bool:
    identity = getattr(multiprocessing.current_process(), "_identity", ())
    return not identity or identity[-1] == 1


async def master_gone() -> None:
    """Returns when the process that started this worker is gone; waits for ever where there is none."""
    parent = multiprocessing.parent_process()
    if parent is None:
        await trio.sleep_forever()
    else:
        await trio.lowlevel.wait_readable(parent.sentinel)


async def watch_parent() -> NoReturn:
    """End an orphan: a master that was killed cannot tell its worker."""
    await master_gone()
    end_process("hypercorn's master process is gone: its worker ends too.")


# Seconds between looks at hypercorn's shutdown event, which cannot be awaited under trio.
_LOOK = 0.1


async def shutdown_requested() -> None:
    """Returns when hypercorn's master wants this worker to stop; waits for ever where there is no master."""
    event = getattr(multiprocessing.current_process(), "_kwargs", {}).get("shutdown_event")
    if event is None:
        await trio.sleep_forever()
    while not event.is_set():  # noqa: ASYNC110 - another process sets it
        await trio.sleep(_LOOK)
