"""One check per kind of setting: text and the name it was given under in, a value or one sentence out."""

from __future__ import annotations

import ipaddress
import os
import re
from contextlib import suppress
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

_NAME = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?", re.IGNORECASE)


class StartError(Exception):
    """The server cannot start; the text is one sentence for the person who started it."""


class SettingError(StartError):
    """A setting is wrong."""


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a socket that listens on ``host``."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def normal_host(name: str) -> str:
    """Lower case; an address in its shortest form, without brackets."""
    name = name.lower()
    try:
        return str(ipaddress.ip_address(name.removeprefix("[").removesuffix("]")))
    except ValueError:
        return name


def split_origin(text: str) -> tuple[str, str, int] | None:
    """Scheme, normal host and port of an origin; None if it is not one (``null``, a path, a user name)."""
    try:
        parts: SplitResult = urlsplit(text.lower())
        port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    except (ValueError, KeyError):
        return None
    bare = not (parts.path or parts.query or parts.fragment or "@" in parts.netloc or text.endswith(("?", "#")))
    return (parts.scheme, normal_host(parts.hostname), port) if bare and parts.hostname else None


def switch(text: str, label: str) -> bool:
    known = {
        "1": True,
        "true": True,
        "on": True,
        "yes": True,
        "0": False,
        "false": False,
        "off": False,
        "no": False,
    }
    if text.lower() not in known:
        raise SettingError(f"{label} is on or off, not {text!r}.")
    return known[text.lower()]


def notebook(text: str, label: str) -> Path:
    """The file itself, absolute, symbolic links followed, so that one notebook has one name. May be missing."""
    given = Path(text).expanduser()
    if given.suffix != ".ipynb":
        raise SettingError(f"{text.strip() or repr(text)} is not the name of a notebook: it must end in .ipynb.")
    try:
        path = given.resolve()
        with suppress(FileNotFoundError):
            given.stat()  # a loop of symbolic links: Python 3.13 resolves it without a word
        if path.is_dir():
            raise SettingError(f"{text} is a folder, not a notebook.")
        if path.exists() and not path.is_file():
            raise SettingError(f"{text} is not a file.")
        if not path.parent.is_dir():
            raise SettingError(f"{text} cannot be created: the folder {path.parent} does not exist.")
    except (OSError, RuntimeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SettingError(f"{text} cannot be opened: {reason}.") from None
    return path


def untitled(folder: Path) -> Path:
    """A name for a new notebook: the first in the series that nothing has. Nothing is created."""
    number = 1
    while True:
        path = folder / ("untitled.ipynb" if number == 1 else f"untitled-{number}.ipynb")
        if not os.path.lexists(path):
            return path.resolve()
        number += 1


def host(text: str, label: str) -> str:
    if text.lower() == "localhost":
        return "127.0.0.1"
    try:
        return str(ipaddress.ip_address(text.removeprefix("[").removesuffix("]")))
    except ValueError:
        raise SettingError(
            f"{label} is an IP address to listen on, such as 127.0.0.1 or 0.0.0.0, not {text!r}."
        ) from None


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


def port(text: str, label: str) -> int:
    number = _whole(text)
    if number is None or number > 65535:
        raise SettingError(f"{label} is a number from 0 to 65535, not {text!r}.")
    return number


def port_or_off(text: str, label: str) -> int | None:
    if text.lower() == "off":
        return None
    try:
        return port(text, label)
    except SettingError:
        raise SettingError(f"{label} is off or a number from 0 to 65535, not {text!r}.") from None


def limit(text: str, label: str) -> int:
    number = _whole(text)
    if not number:
        raise SettingError(f"{label} is a whole number above 0, not {text!r}.")
    return number


def token(text: str, label: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._~-]{8,256}", text):  # it stands in addresses and cookies as it is
        raise SettingError(f"{label} takes 8 to 256 letters, digits or any of - . _ ~ as a token.")
    return text


def host_name(text: str, label: str) -> str:
    normal = normal_host(text)
    if not (_NAME.fullmatch(normal) or _is_address(normal)):
        raise SettingError(f"{label} takes a host's name or address alone, without scheme and port, not {text!r}.")
    return normal


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def origin(text: str, label: str) -> str:
    if split_origin(text.rstrip("/")) is None:
        raise SettingError(f"{label} takes an origin such as https://notes.example.org, not {text!r}.")
    return text.rstrip("/").lower()


def folder(text: str, label: str) -> Path:
    path = Path(text).expanduser().absolute()
    if path.exists() and not path.is_dir():
        raise SettingError(f"{label}: {text} is not a folder.")
    return path


def readable_file(text: str, label: str) -> Path:
    path = Path(text).expanduser().absolute()
    if not path.is_file():
        raise SettingError(f"{label}: there is no file {text}.")
    return path


def kernel_name(text: str, label: str) -> str:
    if not _NAME.fullmatch(text):  # a name from the list of installed kernels, never a path
        raise SettingError(f"{label} takes the name of an installed kernel, such as python3, not {text!r}.")
    return text
