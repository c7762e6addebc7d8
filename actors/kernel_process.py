"""A kernel's operating-system process: started, watched, ended, described in words.

Every process has its own connection file, key and sockets, in a private folder that is gone when it is gone.
:func:`launch` is the port: whatever gives a :class:`RunningKernel` (a provisioner, a keeper process) fits here.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import msgspec
import trio
from jupyter_client.connect import write_connection_file

from actors.disk import in_words
from actors.kernel_spec import KernelSpec, StartFailed

_LOG_BYTES = 8192
# Of private folders: behind it the server's process id in base 36, then eight characters of mkdtemp's own.
_PREFIX = "gnm"
_NAME = re.compile(rf"{_PREFIX}([0-9a-z]{{1,7}})[a-z0-9_]{{8}}")
_CONNECTION_FILE = "kernel.json"
# Sockets' names may have about 100 bytes, but xeus keeps an endpoint ("ipc://", a folder, "/k-1") in 32.
_SHORT = "/tmp"  # noqa: S108 — what is made there is 0700


class ConnectionInfo(msgspec.Struct, frozen=True):
    """Where a kernel listens: ``address`` plus ``-1`` to ``-5``, and the key that signs its messages."""

    address: str
    key: bytes

    def url(self, channel: str) -> str:
        ports = {"shell": 1, "iopub": 2, "stdin": 3, "control": 4, "hb": 5}
        return f"ipc://{self.address}-{ports[channel]}"


class Endpoints(Protocol):
    """Where a kernel listens, and the key that signs its messages."""

    @property
    def key(self) -> bytes: ...

    def url(self, channel: str) -> str: ...


class RunningKernel(Protocol):
    """What the actor needs of a kernel's process, wherever it runs."""

    @property
    def spec(self) -> KernelSpec: ...

    @property
    def info(self) -> Endpoints: ...

    async def wait(self) -> None:
        """Until the process is gone."""

    async def read_log(self) -> None:
        """Keep the last lines of what the process itself writes; returns when it closes its output."""

    def signal(self, number: int) -> None:
        """Signal the process and its children. Gone already: nothing."""

    def exit_reason(self) -> str:
        """How it ended, in words."""

    def last_words(self) -> str:
        """The last lines that it wrote outside of its messages."""

    def close(self) -> None:
        """Release what belonged to it. The process must be gone."""


def launch(spec: KernelSpec, cwd: Path) -> RunningKernel | StartFailed:
    """Start a process of ``spec``. Blocking, a few milliseconds: run it in a thread."""
    folder = _private_folder()
    info = ConnectionInfo(str(folder / "k"), secrets.token_hex(32).encode())
    file = folder / _CONNECTION_FILE
    ours, theirs = os.pipe()
    try:
        # Ports are given: with 0 each is looked for, and not one socket exists in a new folder anyway.
        write_connection_file(
            str(file),
            ip=info.address,
            key=info.key,
            transport="ipc",
            kernel_name=spec.name,
            shell_port=1,
            iopub_port=2,
            stdin_port=3,
            control_port=4,
            hb_port=5,
        )
        process = subprocess.Popen(  # noqa: S603 — argv of an installed kernelspec
            _command(spec, file),
            stdin=subprocess.DEVNULL,
            stdout=theirs,
            stderr=theirs,
            cwd=cwd,
            env=environment_of(spec),
            start_new_session=True,
        )
    except OSError as error:
        os.close(ours)
        shutil.rmtree(folder, ignore_errors=True)
        why = in_words(error) + (f" ({error.filename})" if error.filename else "")
        return StartFailed(f"The kernel “{spec.name}” could not be started: {why}.")
    finally:
        os.close(theirs)
    return LocalKernel(spec, info, process, ours, folder)


def _private_folder() -> Path:
    """A folder that only we can enter, with a path short enough for every kernel."""
    usable = os.access(_SHORT, os.W_OK | os.X_OK)
    return Path(tempfile.mkdtemp(prefix=folder_prefix(os.getpid()), dir=_SHORT if usable else None))


def folder_prefix(server: int) -> str:
    """What the names of a server's private folders begin with; ``server``: its process id."""
    return _PREFIX + _base36(server)


def _base36(number: int) -> str:
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"
    return (_base36(number // 36) if number >= 36 else "") + digits[number % 36]


def sweep_folders() -> None:
    """Remove the private folders of servers that were killed. Blocks; called before any kernel is started."""
    for parent in {_SHORT, tempfile.gettempdir()}:
        for folder in Path(parent).glob(f"{_PREFIX}*"):
            named = _NAME.fullmatch(folder.name)
            with suppress(OSError):
                if (
                    named is None
                    or not (folder / _CONNECTION_FILE).exists()
                    or folder.stat().st_uid != os.getuid()
                ):
                    continue  # somebody else's
                if not _is_alive(int(named[1], 36)):
                    shutil.rmtree(folder)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _command(spec: KernelSpec, file: Path) -> list[str]:
    """The spec's argv, filled in as jupyter_client does; a bare "python" is the interpreter that runs us."""
    version = sys.version_info
    values = {"connection_file": str(file), "prefix": sys.prefix, "resource_dir": spec.resource_dir}
    command = [re.sub(r"\{(\w+)\}", lambda m: values.get(m[1], m[0]), part) for part in spec.argv]
    if command[0] in {"python", f"python{version[0]}", f"python{version[0]}.{version[1]}"}:
        command[0] = sys.executable
    return command


def environment_of(spec: KernelSpec) -> dict[str, str]:
    """Of a kernel's process."""
    # The server's own settings, its token among them, are none of the kernel's business.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GANIMEDE_")}
    for name, value in spec.env.items():
        environment[name] = re.sub(r"\$\{(\w+)\}|\$(\w+)", lambda m: os.environ.get(m[1] or m[2], m[0]), value)
    environment.pop("PYTHONEXECUTABLE", None)
    environment.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")  # else its warning is the first cell's output
    environment["JPY_PARENT_PID"] = str(os.getpid())  # the kernel ends with its server
    return environment


class LocalKernel:
    """A kernel process on this machine, leader of its own session and process group."""

    def __init__(
        self, spec: KernelSpec, info: ConnectionInfo, process: subprocess.Popen[bytes], log: int, folder: Path
    ) -> None:
        self.spec = spec
        self.info = info
        self.pid = process.pid
        self._process = process
        self._folder = folder
        self._log = log
        os.set_blocking(log, False)
        self._words = bytearray()
        self._pidfd = os.pidfd_open(process.pid) if sys.platform == "linux" else -1
        self._oom_kills = oom_kills(os.getpid())  # the process begins in our cgroup
        self._oom_after = self._oom_kills
        self._closed = False

    async def wait(self) -> None:
        if self._process.returncode is not None:
            return
        await _wait_for_exit(self._process, self._pidfd)
        self._kill_group(signal.SIGKILL)  # its children; the pid is ours until it is reaped
        self._oom_after = oom_kills(os.getpid())
        self._process.poll()

    async def read_log(self) -> None:
        while self._read_words():
            await trio.lowlevel.wait_readable(self._log)

    def _read_words(self) -> bool:
        """Take what waits in the pipe; False at its end."""
        while not self._closed:
            try:
                words = os.read(self._log, 65536)
            except BlockingIOError:
                return True
            if not words:
                return False
            self._words += words
            del self._words[:-_LOG_BYTES]
        return False

    def last_words(self) -> str:
        self._read_words()
        lines = self._words.decode("utf-8", "replace").strip().splitlines()
        return "\n".join(lines[-5:])

    def signal(self, number: int) -> None:
        if self._process.returncode is None:
            self._kill_group(number)

    def _kill_group(self, number: int) -> None:
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            pass
        except PermissionError:  # macOS, when the leader is a zombie
            pass

    def exit_reason(self) -> str:
        code = self._process.returncode
        if code is None:
            return "still running"
        if code >= 0:
            return f"exited with code {code}"
        name = signal.Signals(-code).name if -code in signal.valid_signals() else f"signal {-code}"
        if -code != signal.SIGKILL:
            return f"killed ({name})"
        if self._oom_kills is not None and self._oom_after is not None and self._oom_after > self._oom_kills:
            return f"killed ({name}): out of memory"
        return f"killed ({name}), perhaps out of memory"

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            if self._pidfd >= 0:
                os.close(self._pidfd)
            os.close(self._log)
            shutil.rmtree(self._folder, ignore_errors=True)


async def _wait_for_exit(process: subprocess.Popen[bytes], pidfd: int) -> None:
    """Until the process is a zombie, not yet reaped where there are pidfds."""
    if pidfd >= 0:
        await trio.lowlevel.wait_readable(pidfd)
        return
    while process.poll() is None:  # noqa: ASYNC110 — nothing tells of it without a pidfd
        await trio.sleep(0.02)


def oom_kills(pid: int, proc: Path = Path("/proc"), cgroups: Path = Path("/sys/fs/cgroup")) -> int | None:
    """How many processes in ``pid``'s cgroup were killed for want of memory; None: unknown."""
    try:
        lines = (proc / str(pid) / "cgroup").read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "memory":
            file = cgroups / "memory" / path.lstrip("/") / "memory.oom_control"
        elif controllers == "":
            file = cgroups / path.lstrip("/") / "memory.events"
        else:
            continue
        try:
            found = re.search(r"^oom_kill (\d+)$", file.read_text(), re.MULTILINE)
        except OSError:
            continue
        if found:
            return int(found[1])
    return None
