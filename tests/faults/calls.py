"""Faults of the disk at the system call: what the shim that is loaded into a process is told, and what it met.

``shim.c`` is compiled once per content, by the compiler that the package ziglang brings. A process started with
:attr:`Faults.env` asks the shared memory before each call on a file below the folder, so that faults begin and end
while it runs.
"""

from __future__ import annotations

import ctypes
import errno
import hashlib
import mmap
import os
import subprocess
import sys
from pathlib import Path
from typing import Literal, get_args

import msgspec

HERE = Path(__file__).parent
CACHE = HERE.parents[1] / ".cache" / "faults"

# In the order of shim.c. OPEN is for writing, LOOK for reading only; MAP is of shared memory.
Call = Literal["write", "sync", "truncate", "rename", "open", "look", "make", "remove", "map", "allocate"]
Deed = Literal["nothing", "fail", "hang", "short", "tear", "die"]
CALLS: tuple[Call, ...] = get_args(Call)
DEEDS: tuple[Deed, ...] = get_args(Deed)
# What a medium that cannot be written to refuses.
CHANGES: tuple[Call, ...] = ("write", "truncate", "rename", "open", "make", "remove", "allocate")

PAGE, PAGES, FILES, LOGGED, PATH = 4096, 4096, 16, 256, 512


class Met(msgspec.Struct, frozen=True):
    """A call that was spoiled."""

    call: Call
    deed: Deed
    path: str


class _Met(ctypes.Structure):
    _fields_ = [
        ("call", ctypes.c_int32),
        ("deed", ctypes.c_int32),
        ("error", ctypes.c_int32),
        ("pid", ctypes.c_int32),
        ("path", ctypes.c_char * PATH),
    ]


class _File(ctypes.Structure):
    _fields_ = [("inode", ctypes.c_uint64), ("dirty", ctypes.c_uint8 * PAGES)]


class _Control(ctypes.Structure):
    _fields_ = [
        ("folder", ctypes.c_char * PATH),
        ("name", ctypes.c_char * PATH),
        ("platter", ctypes.c_char * PATH),
        ("deed", ctypes.c_int32),
        ("error", ctypes.c_int32),
        ("calls", ctypes.c_int32),
        ("first", ctypes.c_int32),
        ("count", ctypes.c_int32),
        ("seen", ctypes.c_int32),
        ("logged", ctypes.c_int32),
        ("lock", ctypes.c_int32),
        ("log", _Met * LOGGED),
        ("files", _File * FILES),
    ]


class CompilerFailed(Exception):
    """The shim could not be made: nothing here can be tested, and that is no reason to call it tested."""


def shim() -> Path:
    """The compiled shim."""
    source = (HERE / "shim.c").read_bytes()
    made = CACHE / f"{hashlib.sha256(source).hexdigest()[:16]}.so"
    if not made.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        making = made.with_suffix(f".{os.getpid()}")
        # Without the C library, whose stubs take seconds to make: it is there in each process that loads the shim.
        how = ["-shared", "-fPIC", "-O1", "-nostdlib", "-fno-stack-protector", "-Wall", "-Wextra", "-Werror"]
        caches = {name: str(CACHE / "zig") for name in ("ZIG_GLOBAL_CACHE_DIR", "ZIG_LOCAL_CACHE_DIR")}
        done = subprocess.run(
            [sys.executable, "-m", "ziglang", "cc", *how, "-o", str(making), str(HERE / "shim.c")],
            env=os.environ | caches,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise CompilerFailed(done.stderr)
        making.rename(made)
    return made


class Faults:
    """``folder``: whose files are meant. ``control``: where the shared memory lies, outside of it."""

    def __init__(self, folder: Path, control: Path) -> None:
        self.folder = folder
        self._path = control
        if not control.exists():
            control.write_bytes(bytes(ctypes.sizeof(_Control)))
        with control.open("r+b") as stream:
            self._memory = mmap.mmap(stream.fileno(), ctypes.sizeof(_Control))
        self._told = _Control.from_buffer(self._memory)
        self.look_at(folder)

    @property
    def env(self) -> dict[str, str]:
        """The environment of a process that is to meet them."""
        return {"LD_PRELOAD": str(shim()), "GANIMEDE_TEST_FAULTS": str(self._path)}

    def look_at(self, folder: Path) -> None:
        self.folder = folder
        self._told.folder = os.fsencode(folder.resolve())

    def begin(
        self, deed: Deed, *calls: Call, error: int = errno.EIO, first: int = 1, count: int = 0, name: str = ""
    ) -> None:
        """Spoil ``count`` of these calls (0: all that follow), beginning with the ``first``, on paths with ``name``
        in them."""
        told = self._told
        told.deed = 0
        told.name, told.error, told.first, told.count = name.encode(), error, first, count
        told.calls = sum(1 << CALLS.index(call) for call in calls)
        told.seen = told.logged = 0
        told.deed = DEEDS.index(deed)

    def end(self) -> None:
        """The disk is well again; what hangs goes on."""
        self._told.deed = 0

    @property
    def count(self) -> int:
        """How many calls were spoiled since :meth:`begin`."""
        return int(self._told.logged)

    def met(self) -> list[Met]:
        """The first of them."""
        log = self._told.log[: min(self.count, LOGGED)]
        return [Met(CALLS[each.call], DEEDS[each.deed], each.path.decode()) for each in log]

    # ----------------------------------------------------------------------------------------------- the platter

    def spin(self, platter: Path | None) -> None:
        """From now on copies of what was synced are kept there; all that is written already is synced."""
        ctypes.memset(ctypes.addressof(self._told.files), 0, ctypes.sizeof(self._told.files))
        self._told.platter = b"" if platter is None else os.fsencode(platter)
        if platter is not None:
            platter.mkdir(exist_ok=True)

    def cut_power(self) -> int:
        """Leave of the files what was synced; nobody may have them open. How many pages went."""
        platter = Path(os.fsdecode(self._told.platter))
        copies = {each.inode: (platter / str(each.inode)).read_bytes() for each in self._told.files if each.inode}
        self.spin(None)
        lost = 0
        for path in [each for each in self.folder.rglob("*") if each.is_file()]:
            safe = copies.get(path.stat().st_ino)
            if path.name.endswith("-shm"):
                path.unlink()
            elif safe is not None:
                held = path.read_bytes()
                pages = range(0, max(len(held), len(safe)), PAGE)
                lost += sum(held[at : at + PAGE] != safe[at : at + PAGE] for at in pages)
                path.write_bytes(safe)
        self.spin(platter)
        return lost
