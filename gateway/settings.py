"""What a server is told when it starts: one table drives the command's flags, the environment and the manual.

Everything a person can get wrong here ends as one sentence, a :class:`SettingError`.
"""

from __future__ import annotations

import argparse
import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import NoReturn, TypeVar

import msgspec
import platformdirs

from gateway import setting_values as values
from gateway.config_document import load_config
from gateway.setting_values import SettingError, StartError
from protocol.answers import ConfigDocument
from protocol.blobs import LIMIT

__all__ = [
    "SETTINGS",
    "ConfigDocument",
    "Limits",
    "Setting",
    "SettingError",
    "Settings",
    "StartError",
    "from_arguments",
    "from_environment",
    "load_config",
    "render_table",
]

T = TypeVar("T")


class Limits(msgspec.Struct, frozen=True):
    """What one client may cost. Sizes in bytes."""

    text_frame: int = 1024 * 1024
    binary_frame: int = 16 * 1024 * 1024
    awareness: int = 64 * 1024
    outbox_frames: int = 256
    outbox_bytes: int = 4 * 1024 * 1024
    connections: int = 512
    output_text: int = 1_000_000
    blob: int = LIMIT
    cell_values: int = 500_000_000
    notebook_values: int = 2_000_000_000


class Settings(msgspec.Struct, frozen=True):
    """Checked and complete. ``token`` None: no token is asked. ``sync_port`` None: no second socket.

    ``kernel`` None: the notebook's own. ``config`` None: the default place, if there is a file.
    """

    notebook: Path
    host: str
    port: int
    port_explicit: bool
    sync_port: int | None
    sync_port_explicit: bool
    token: str | None
    allow_hosts: tuple[str, ...]
    allow_origins: tuple[str, ...]
    open_browser: bool
    state_dir: Path
    kernel: str | None
    config: Path | None
    chaos: bool
    record_times: bool = True
    limits: Limits = Limits()
    kernel_folder: Path | None = None  # where kernels run; None: where the notebook lies
    headless: bool = False  # nobody answers input(), and inputs are nobody's history

    def check_exposure(self, host: str) -> None:
        """Refuse to listen on ``host`` without a token, unless only this machine can reach it."""
        if self.token is None and not values.is_loopback(host):
            raise SettingError(
                f"Without a token only this machine may connect: {host} is not a loopback address, "
                "so leave out --no-token (GANIMEDE_NO_TOKEN)."
            )


class Setting(msgspec.Struct, frozen=True):
    """One row of the table. ``flag`` empty: environment only. ``metavar`` empty: a switch."""

    name: str
    env: str
    flag: str
    metavar: str
    default: str
    sentence: str
    repeats: bool = False


_LIMIT_SENTENCES = {
    "text_frame": "Largest control message in bytes; a larger one is answered with an error.",
    "binary_frame": "Largest WebSocket message in bytes; a larger one closes the connection with 1009.",
    "awareness": "Largest presence state of one client in bytes.",
    "outbox_frames": "Frames that may wait for one slow client before it is disconnected.",
    "outbox_bytes": "Bytes that may wait for one slow client before it is disconnected.",
    "connections": "WebSocket connections at one time.",
    "output_text": "Characters of text that one cell may print; beyond it the middle is left out.",
    "blob": "Bytes of a value in an output (an image, a table) beyond which it is kept beside the document.",
    "cell_values": "Bytes of such values that one cell may show; beyond it a line says what was left out.",
    "notebook_values": "The same for all cells of a notebook.",
}

SETTINGS: tuple[Setting, ...] = (
    Setting("notebook", "NOTEBOOK_LOC", "FILE", "FILE", "a new untitled.ipynb in the current folder",
            "The notebook, an .ipynb file. One that does not exist is created at the first save."),
    Setting("host", "GANIMEDE_HOST", "--host", "ADDRESS", "127.0.0.1",
            "Address to listen on. Any but a loopback address opens the server to the network, without TLS."),
    Setting("port", "GANIMEDE_PORT", "--port", "PORT", "8000",
            "Port of the page and its WebSocket; 0: any free one. If 8000 is taken, the next free one is used."),
    Setting("sync_port", "GANIMEDE_SYNC_PORT", "--sync-port", "PORT|off", "1234",
            "Port of the second socket, for y-websocket clients; 0: any free one, off: none."),
    Setting("token", "GANIMEDE_TOKEN", "--token", "TOKEN", "a new random one",
            "What a client must know to connect. Others here can read a command line: prefer the variable."),
    Setting("no_token", "GANIMEDE_NO_TOKEN", "--no-token", "", "off",
            "Ask for no token. Whoever reaches this machine's loopback address can then run code as you."),
    Setting("allow_hosts", "GANIMEDE_ALLOW_HOST", "--allow-host", "NAME", "none",
            "A further name under which browsers may address the server, such as a proxy's.", repeats=True),
    Setting("allow_origins", "GANIMEDE_ALLOW_ORIGIN", "--allow-origin", "ORIGIN", "none",
            "A further origin whose pages may connect, such as https://notes.example.org.", repeats=True),
    Setting("open_browser", "", "--open", "", "on",
            "Open the notebook in a browser once the server is ready (--no-open: do not)."),
    Setting("state_dir", "GANIMEDE_STATE_DIR", "--state-dir", "FOLDER", "the user's state folder",
            "Where the journal of unsaved work lives; a folder on a local disk."),
    Setting("kernel", "GANIMEDE_KERNEL", "--kernel", "NAME", "the notebook's own",
            "The Jupyter kernel to run cells with, by the name that `jupyter kernelspec list` shows."),
    Setting("config", "GANIMEDE_CONFIG", "--config", "FILE", "config.toml in the user's configuration folder",
            "A TOML file with the editor's and the canvas's settings."),
    Setting("no_times", "GANIMEDE_NO_TIMES", "--no-times", "", "off",
            "Do not record in the file when each cell ran, as `metadata.execution` does."),
    Setting("chaos", "GANIMEDE_CHAOS", "--chaos", "", "off",
            "Let clients kill parts of the server, to watch it heal. For tests."),
    *(
        Setting(name, f"GANIMEDE_LIMIT_{name.upper()}", "", "NUMBER", str(getattr(Limits(), name)), sentence)
        for name, sentence in _LIMIT_SENTENCES.items()
    ),
)  # fmt: skip
_BY_NAME = {setting.name: setting for setting in SETTINGS}

_DEFAULT_SYNC_PORT: int | None = 1234

Raw = dict[str, str | list[str] | bool]


def from_arguments(argv: Sequence[str], environ: Mapping[str, str] | None = None) -> Settings:
    """The command's settings: flags win over GANIMEDE_* variables. NOTEBOOK_LOC is not looked at."""
    given = {name: value for name, value in vars(_parser().parse_args(argv)).items() if value is not None}
    raw = _read_environment(os.environ if environ is None else environ)
    raw.pop("notebook", None)
    if "token" in given:
        raw.pop("no_token", None)
    if "no_token" in given:
        raw.pop("token", None)
    return _Builder(raw | given, frozenset(given)).build(open_browser=True)


def from_environment(environ: Mapping[str, str]) -> Settings:
    """The settings of ``hypercorn -k trio gateway.app``, which itself decides host and port."""
    if not environ.get("NOTEBOOK_LOC"):
        raise SettingError(
            "No notebook is named: set NOTEBOOK_LOC, as in "
            "`NOTEBOOK_LOC=notes.ipynb hypercorn -k trio gateway.app`."
        )
    return _Builder(_read_environment(environ), frozenset()).build(open_browser=False)


def render_table() -> str:
    """The README's table of settings."""
    lines = ["| argument | variable | default | |", "|---|---|---|---|"]
    for setting in SETTINGS:
        flag = setting.flag if setting.metavar in ("", setting.flag) else f"{setting.flag} {setting.metavar}"
        cells = (f"`{flag}`" if setting.flag else "", f"`{setting.env}`" if setting.env else "")
        row = (*cells, setting.default, setting.sentence)
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |")
    return "\n".join(lines) + "\n"


# ----------------------------------------------------------------------------------------- reading what was given


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        message = message.removeprefix("argument ")  # the flag itself is the better first word
        raise SettingError(
            f"{message[0].upper()}{message[1:].rstrip('.')}. `{self.prog} --help` lists the arguments."
        )


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="ganimede",
        description="Open a notebook on a canvas, in a browser, for several people at once.",
        epilog="Each setting also has an environment variable, in brackets; an argument wins over it. "
        "To run under your own hypercorn: NOTEBOOK_LOC=FILE hypercorn -k trio gateway.app. "
        "`ganimede run --help`: run a notebook from the terminal. "
        "`ganimede export --help`: write it as a script or as HTML. "
        "`ganimede state --help`: the journals of unsaved work.",
        allow_abbrev=False,
    )
    for setting in SETTINGS:
        text = f"{setting.sentence} Default: {setting.default}." + (f" [{setting.env}]" if setting.env else "")
        text = text.replace("%", "%%")
        if setting.flag == "FILE":
            parser.add_argument("notebook", nargs="?", metavar="FILE", help=setting.sentence)
        elif setting.name == "open_browser":
            parser.add_argument(
                "--open", dest=setting.name, action=argparse.BooleanOptionalAction, default=None, help=text
            )
        elif setting.flag and not setting.metavar:
            parser.add_argument(setting.flag, dest=setting.name, action="store_true", default=None, help=text)
        elif setting.flag:
            action = "append" if setting.repeats else "store"
            parser.add_argument(setting.flag, dest=setting.name, action=action, metavar=setting.metavar, help=text)
    parser.add_argument("--version", action="version", version=f"ganimede {version('ganimede')}")
    return parser


def _read_environment(environ: Mapping[str, str]) -> Raw:
    """A repeating setting is a comma-separated list there, a switch is on or off. Empty means: not set."""
    raw: Raw = {}
    for setting in SETTINGS:
        text = environ.get(setting.env, "").strip() if setting.env else ""
        if not text:
            continue
        if setting.repeats:
            raw[setting.name] = [part.strip() for part in text.split(",") if part.strip()]
        elif not setting.metavar:
            raw[setting.name] = values.switch(text, setting.env)
        else:
            raw[setting.name] = text
    return raw


class _Builder:
    """Turns raw values into settings. ``flags``: the names that were given as arguments, for the sentences."""

    def __init__(self, raw: Raw, flags: frozenset[str]) -> None:
        self._raw = raw
        self._flags = flags

    def _read(self, name: str, check: Callable[[str, str], T], default: T) -> T:
        text = self._raw.get(name)
        setting = _BY_NAME[name]
        label = setting.flag if name in self._flags else setting.env
        return check(text, label) if isinstance(text, str) else default

    def _each(self, name: str, check: Callable[[str, str], str]) -> tuple[str, ...]:
        texts = self._raw.get(name, [])
        setting = _BY_NAME[name]
        label = setting.flag if name in self._flags else setting.env
        return tuple(check(text, label) for text in texts) if isinstance(texts, list) else ()

    def build(self, *, open_browser: bool) -> Settings:
        state_dir = Path(platformdirs.user_state_dir("ganimede", appauthor=False))
        limits = {name: self._read(name, values.limit, getattr(Limits(), name)) for name in _LIMIT_SENTENCES}
        settings = Settings(
            notebook=self._read("notebook", values.notebook, None) or values.untitled(Path.cwd()),
            host=self._read("host", values.host, "127.0.0.1"),
            port=self._read("port", values.port, 8000),
            port_explicit="port" in self._raw,
            sync_port=self._read("sync_port", values.port_or_off, _DEFAULT_SYNC_PORT),
            sync_port_explicit="sync_port" in self._raw,
            token=self._token(),
            allow_hosts=self._each("allow_hosts", values.host_name),
            allow_origins=self._each("allow_origins", values.origin),
            open_browser=bool(self._raw.get("open_browser", open_browser)),
            state_dir=self._read("state_dir", values.folder, state_dir),
            kernel=self._read("kernel", values.kernel_name, None),
            config=self._read("config", values.readable_file, None),
            chaos=bool(self._raw.get("chaos", False)),
            record_times=not self._raw.get("no_times", False),
            limits=Limits(**limits),
        )
        settings.check_exposure(settings.host)
        return settings

    def _token(self) -> str | None:
        if not self._raw.get("no_token", False):
            return self._read("token", values.token, None) or secrets.token_urlsafe()
        if "token" in self._raw:
            raise SettingError("A token and no token are both asked for: leave out one of the two.")
        return None
