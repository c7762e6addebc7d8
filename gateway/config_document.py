"""What ``GET /config`` answers: defaults, overridden by a person's TOML file."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import msgspec
import platformdirs

from gateway.setting_values import SettingError
from protocol.answers import ConfigDocument

# What msgspec calls the kinds of TOML values, and what people do.
_KINDS = {
    "int | float": "a number",
    "object": "a table",
    "str": "a string",
    "bool": "true or false",
    "array": "a list",
}


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
    except UnicodeDecodeError:
        raise SettingError(f"The configuration file {place} is not UTF-8 text.") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingError(f"The configuration file {place} is not valid TOML: {error}.") from None
    unknown = list(_unknown_keys(found, msgspec.to_builtins(ConfigDocument()), ""))
    if unknown:
        raise SettingError(f"The configuration file {place} has unknown keys: {', '.join(unknown)}.")
    try:
        return msgspec.convert(found, ConfigDocument)
    except msgspec.ValidationError as error:
        message, _, where = str(error).partition(" - at ")
        key = where.strip("`").removeprefix("$.")
        words = message[0].lower() + message[1:]
        for theirs, ours in _KINDS.items():
            words = words.replace(f"`{theirs}`", ours)
        words = words.replace("`", "")
        raise SettingError(f"The configuration file {place} is wrong at {key}: {words}.") from None


def _unknown_keys(found: dict[str, Any], known: dict[str, Any], prefix: str) -> list[str]:
    unknown: list[str] = []
    for key, value in found.items():
        if key not in known:
            unknown.append(prefix + key)
        elif isinstance(value, dict) and isinstance(known[key], dict):
            unknown += _unknown_keys(value, known[key], f"{prefix}{key}.")
    return unknown
