"""What ``GET /config`` answers: defaults, overridden by a person's TOML file."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import platformdirs

from gateway.setting_values import SettingError

Size = Annotated[int, msgspec.Meta(gt=0, le=1000)] | Annotated[float, msgspec.Meta(gt=0, le=1000)]


class Monaco(msgspec.Struct, frozen=True, rename="camel"):
    """The text editor. The key keeps the name that clients know."""

    font_size: Size = 13
    line_numbers: Literal["on", "off", "relative"] = "on"


class Outputs(msgspec.Struct, frozen=True, rename="camel"):
    font_size: Size = 14


class Snap(msgspec.Struct, frozen=True):
    x: Size = 20
    y: Size = 20


class Grid(msgspec.Struct, frozen=True):
    snap: Snap = Snap()


class ConfigDocument(msgspec.Struct, frozen=True):
    """Encoded by msgspec it is the document of the contract, key by key."""

    monaco: Monaco = Monaco()
    outputs: Outputs = Outputs()
    grid: Grid = Grid()


def default_path() -> Path:
    return Path(platformdirs.user_config_dir("ganimede", appauthor=False)) / "config.toml"


def load_config(path: Path | None) -> ConfigDocument:
    """``path`` None: the default place, where a missing file means the defaults."""
    place = path or default_path()
    try:
        text = place.read_text(encoding="utf-8")
        found = tomllib.loads(text)
    except FileNotFoundError:
        if path is None:
            return ConfigDocument()
        raise SettingError(f"There is no configuration file {place}.") from None
    except OSError as error:
        raise SettingError(f"The configuration file {place} cannot be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingError(f"The configuration file {place} is not valid TOML: {error}.") from None
    unknown = list(_unknown_keys(found, msgspec.to_builtins(ConfigDocument()), ""))
    if unknown:
        raise SettingError(f"The configuration file {place} has unknown keys: {', '.join(unknown)}.")
    try:
        return msgspec.convert(found, ConfigDocument)
    except msgspec.ValidationError as error:
        message, _, where = str(error).partition(" - at ")
        key = where.strip("`").removeprefix("$.")
        words = message[0].lower() + message[1:].replace("`", "")
        raise SettingError(f"The configuration file {place} is wrong at {key}: {words}.") from None


def _unknown_keys(found: dict[str, Any], known: dict[str, Any], prefix: str) -> list[str]:
    unknown: list[str] = []
    for key, value in found.items():
        if key not in known:
            unknown.append(prefix + key)
        elif isinstance(value, dict) and isinstance(known[key], dict):
            unknown += _unknown_keys(value, known[key], f"{prefix}{key}.")
    return unknown
