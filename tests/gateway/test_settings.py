"""What a person asks for is what the server gets, or one sentence says why not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

from gateway.settings import (
    SETTINGS,
    Limits,
    SettingError,
    Settings,
    from_arguments,
    from_environment,
    load_config,
)
from gateway.settings import render_table as render_settings_table

pytestmark = pytest.mark.pure


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    (tmp_path / "folder.ipynb").mkdir()
    (tmp_path / "real.ipynb").write_text("{}")
    (tmp_path / "link.ipynb").symlink_to("real.ipynb")
    (tmp_path / "loop.ipynb").symlink_to("loop.ipynb")


def read(*argv: str, environ: Mapping[str, str] | None = None) -> Settings:
    return from_arguments(argv, environ or {})


def refusal(*argv: str, environ: Mapping[str, str] | None = None) -> str:
    with pytest.raises(SettingError) as caught:
        read(*argv, environ=environ)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert sentence.endswith(".")
    return sentence


def test_a_file_alone_gives_the_documented_defaults(tmp_path: Path) -> None:
    settings = read("notes.ipynb")
    assert settings.notebook == tmp_path / "notes.ipynb"
    assert (settings.host, settings.port, settings.sync_port) == ("127.0.0.1", 8000, 1234)
    assert not settings.port_explicit
    assert not settings.sync_port_explicit
    assert settings.open_browser
    assert not settings.chaos
    assert settings.kernel is None
    assert settings.limits == Limits(text_frame=2**20, binary_frame=2**24, connections=512)
    assert not settings.notebook.exists()


def test_each_server_gets_its_own_long_token() -> None:
    tokens = {read("notes.ipynb").token for _ in range(20)}
    assert len(tokens) == 20
    assert all(token is not None and len(token) >= 32 for token in tokens)


def test_every_argument_is_taken() -> None:
    settings = read(
        "real.ipynb", "--host", "0.0.0.0", "--port", "0", "--sync-port", "off", "--token", "abcdefgh",
        "--allow-host", "Notes.Example.org", "--allow-host", "[2001:DB8::0:1]",
        "--allow-origin", "https://Notes.example.org/", "--no-open", "--state-dir", "state",
        "--kernel", "python3", "--chaos",
    )  # fmt: skip
    assert (settings.host, settings.port, settings.port_explicit) == ("0.0.0.0", 0, True)
    assert (settings.sync_port, settings.sync_port_explicit) == (None, True)
    assert settings.token == "abcdefgh"
    assert settings.allow_hosts == ("notes.example.org", "2001:db8::1")
    assert settings.allow_origins == ("https://notes.example.org",)
    assert not settings.open_browser
    assert settings.state_dir == Path.cwd() / "state"
    assert not settings.state_dir.exists()
    assert settings.kernel == "python3"
    assert settings.chaos


def test_every_variable_is_taken(tmp_path: Path) -> None:
    (tmp_path / "my.toml").write_text("")
    environ = {
        "NOTEBOOK_LOC": str(tmp_path / "real.ipynb"), "GANIMEDE_HOST": "localhost", "GANIMEDE_PORT": "9000",
        "GANIMEDE_SYNC_PORT": "9001", "GANIMEDE_TOKEN": "abcdefgh", "GANIMEDE_ALLOW_HOST": "a.org, b.org",
        "GANIMEDE_ALLOW_ORIGIN": "https://a.org,http://b.org:81", "GANIMEDE_STATE_DIR": "/var/tmp",
        "GANIMEDE_KERNEL": "ir", "GANIMEDE_CONFIG": str(tmp_path / "my.toml"), "GANIMEDE_CHAOS": "on",
        "GANIMEDE_LIMIT_CONNECTIONS": "7",
    }  # fmt: skip
    settings = from_environment(environ)
    assert settings.notebook == tmp_path / "real.ipynb"
    assert (settings.host, settings.port, settings.sync_port) == ("127.0.0.1", 9000, 9001)
    assert settings.allow_hosts == ("a.org", "b.org")
    assert settings.allow_origins == ("https://a.org", "http://b.org:81")
    assert (settings.kernel, settings.chaos, settings.open_browser) == ("ir", True, False)
    assert settings.config == tmp_path / "my.toml"
    assert settings.limits.connections == 7
    assert settings.limits.text_frame == Limits().text_frame


def test_the_environment_must_name_a_notebook() -> None:
    with pytest.raises(SettingError, match="set NOTEBOOK_LOC"):
        from_environment({"NOTEBOOK_LOC": ""})


def test_an_argument_wins_over_a_variable() -> None:
    environ = {"GANIMEDE_PORT": "9000", "GANIMEDE_NO_TOKEN": "1", "NOTEBOOK_LOC": "/elsewhere/other.ipynb"}
    settings = read("--port", "9100", "--token", "abcdefgh", environ=environ)
    assert (settings.port, settings.token) == (9100, "abcdefgh")
    assert settings.notebook.name == "untitled.ipynb"
    assert read("--no-token", environ={"GANIMEDE_TOKEN": "abcdefgh"}).token is None
    assert read(environ=environ).token is None


def test_without_a_file_the_first_free_name_is_taken_and_nothing_created(tmp_path: Path) -> None:
    assert read().notebook == tmp_path / "untitled.ipynb"
    (tmp_path / "untitled.ipynb").write_text("")
    (tmp_path / "untitled-2.ipynb").symlink_to("nowhere")
    assert read().notebook == tmp_path / "untitled-3.ipynb"
    assert not (tmp_path / "untitled-3.ipynb").exists()


def test_a_notebook_has_one_name_however_it_is_reached(tmp_path: Path) -> None:
    assert read("link.ipynb").notebook == tmp_path / "real.ipynb"
    assert read("x.ganimede.ipynb").notebook == tmp_path / "x.ganimede.ipynb"


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["folder.ipynb"], "folder.ipynb is a folder"),
        (["missing/x.ipynb"], "missing does not exist"),
        (["notes.txt"], "must end in .ipynb"),
        (["notes"], "must end in .ipynb"),
        (["loop.ipynb"], "loop.ipynb cannot be opened"),
        (["bad\0name.ipynb"], "cannot be opened"),
        (["/dev/null"], "must end in .ipynb"),
        (["--port", "70000"], "--port is a number from 0 to 65535, not '70000'"),
        (["--port", "-1"], "--port"),
        (["--port", "٣"], "--port is a number"),
        (["--sync-port", "on"], "--sync-port is off or a number"),
        (["--host", "example.org"], "--host is an IP address"),
        (["--host", "0.0.0.0", "--no-token"], "0.0.0.0 is not a loopback address"),
        (["--token", "short"], "--token takes 8 to 256"),
        (["--token", "has a blank in it"], "--token takes 8 to 256"),
        (["--token", "abcdefgh", "--no-token"], "leave out one"),
        (["--allow-host", "http://a.org"], "--allow-host takes a host's name"),
        (["--allow-host", "a.org:80"], "--allow-host takes a host's name"),
        (["--allow-host", "a:b"], "--allow-host takes a host's name"),
        (["--allow-origin", "a.org"], "--allow-origin takes an origin"),
        (["--allow-origin", "null"], "--allow-origin takes an origin"),
        (["--allow-origin", "https://a.org/page"], "--allow-origin takes an origin"),
        (["--state-dir", "real.ipynb"], "real.ipynb is not a folder"),
        (["--kernel", "../evil"], "--kernel takes the name of an installed kernel"),
        (["--config", "missing.toml"], "there is no file missing.toml"),
        (["--porto", "1"], "Unrecognized arguments: --porto"),
        (["--port"], "--port: expected one argument"),
        (["a.ipynb", "b.ipynb"], "Unrecognized arguments: b.ipynb"),
    ],
)
def test_a_bad_argument_is_one_sentence_that_names_it(argv: list[str], words: str) -> None:
    assert words in refusal(*argv)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GANIMEDE_PORT", "many"),
        ("GANIMEDE_CHAOS", "perhaps"),
        ("GANIMEDE_LIMIT_CONNECTIONS", "0"),
        ("GANIMEDE_LIMIT_BINARY_FRAME", "16M"),
        ("GANIMEDE_ALLOW_ORIGIN", "https://a.org,b"),
        ("GANIMEDE_TOKEN", "%%%%%%%%%"),
    ],
)
def test_a_bad_variable_is_one_sentence_that_names_it(name: str, value: str) -> None:
    assert name in refusal("real.ipynb", environ={name: value})


def test_no_token_is_for_addresses_that_only_this_machine_reaches() -> None:
    for host in ("127.0.0.1", "localhost", "::1", "[::1]", "127.8.8.8"):
        assert read("--no-token", "--host", host).token is None
    settings = read("--no-token")
    with pytest.raises(SettingError, match=r"10\.0\.0\.1 is not a loopback address"):
        settings.check_exposure("10.0.0.1")


def test_the_help_and_the_manual_name_every_setting(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        read("--help")
    assert ended.value.code == 0
    shown = re.sub(r"\s+", " ", capsys.readouterr().out)
    table = render_settings_table()
    for setting in SETTINGS:
        assert setting.flag in shown
        assert setting.env in table
        assert setting.flag in table
        assert setting.sentence.replace("|", "\\|") in table
    widths = {re.sub(r"\\\|", "", line).count("|") for line in table.splitlines()}
    assert widths == {5}


# ------------------------------------------------------------------------------------------------ the /config file


def configured(tmp_path: Path, text: str) -> dict[str, object]:
    path = tmp_path / "config.toml"
    path.write_text(text)
    return dict(msgspec.to_builtins(load_config(path)))


def test_without_a_file_the_configuration_is_the_contracts(tmp_path: Path) -> None:
    assert msgspec.json.decode(msgspec.json.encode(load_config(None))) == {
        "monaco": {"fontSize": 13, "lineNumbers": "on"},
        "outputs": {"fontSize": 14},
        "grid": {"snap": {"x": 20, "y": 20}},
    }


def test_a_persons_file_overrides_key_by_key(tmp_path: Path) -> None:
    (tmp_path / "xdg" / "ganimede").mkdir(parents=True)
    (tmp_path / "xdg" / "ganimede" / "config.toml").write_text("[monaco]\nfontSize = 15.5\n[grid.snap]\ny = 5\n")
    assert msgspec.to_builtins(load_config(None)) == {
        "monaco": {"fontSize": 15.5, "lineNumbers": "on"},
        "outputs": {"fontSize": 14},
        "grid": {"snap": {"x": 20, "y": 5}},
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("themes = 1\n[monaco]\nfontsize = 1\n[grid]\nsnapp = 2", "keys: themes, monaco.fontsize, grid.snapp."),
        ("[monaco]\nfontSize = 'big'", "wrong at monaco.fontSize: expected a number, got a string"),
        ("[monaco]\nfontSize = 0", "wrong at monaco.fontSize"),
        ("[monaco]\nlineNumbers = 'maybe'", "wrong at monaco.lineNumbers"),
        ("grid = 3", "wrong at grid: expected a table, got int"),
        ("[grid.snap]\nx = nan", "wrong at grid.snap.x"),
        ("[monaco", "not valid TOML"),
    ],
)  # fmt: skip
def test_a_wrong_configuration_is_one_sentence_that_names_the_key(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(SettingError) as caught:
        configured(tmp_path, text)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_configuration_that_is_named_must_exist(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"There is no configuration file .*nowhere\.toml"):
        load_config(tmp_path / "nowhere.toml")
