"""The kernelspecs that are installed here: looked up by name, never by a path, and judged before one is started.

A kernel.json is somebody's file: jupyter_client takes whatever JSON it holds, so what could not start is refused
here, in words.
"""

from __future__ import annotations

from typing import Any

import msgspec
from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel
from jupyter_client.provisioning.factory import KernelProvisionerFactory
from traitlets import TraitError

from protocol.messages.notebook import InstalledKernel


class KernelSpec(msgspec.Struct, frozen=True):
    """An installed kernelspec. ``interrupt_mode``: "signal" or "message". ``provisioner``: of
    jupyter_client's, by which it is started; empty: by ourselves."""

    name: str
    argv: tuple[str, ...]
    env: dict[str, str]
    resource_dir: str
    interrupt_mode: str = "signal"
    provisioner: str = ""


class UnknownKernel(msgspec.Struct, frozen=True):
    name: str
    available: tuple[str, ...]

    def __str__(self) -> str:
        names = ", ".join(self.available) or "none"
        return f"There is no kernel named “{self.name}” here. Installed: {names}."


class StartFailed(msgspec.Struct, frozen=True):
    reason: str


def installed_kernels() -> tuple[str, ...]:
    """The names that may be started. Blocking."""
    return tuple(sorted(KernelSpecManager().find_kernel_specs()))


def described_kernels() -> tuple[InstalledKernel, ...]:
    """What may be started, by name, with what people call it. Blocking."""
    return tuple(map(_described, installed_kernels()))


def _described(name: str) -> InstalledKernel:
    try:
        spec = KernelSpecManager().get_kernel_spec(name)
    except (NoSuchKernel, TypeError, OSError, ValueError, TraitError):  # starting it says what is wrong
        return InstalledKernel(name, name, "")
    title, language = spec.display_name, spec.language
    return InstalledKernel(
        name, title if isinstance(title, str) and title else name, language if isinstance(language, str) else ""
    )


def find_spec(name: str) -> KernelSpec | UnknownKernel | StartFailed:
    """Look a kernelspec up by its name among the installed ones, never by a path. Blocking."""
    manager = KernelSpecManager()
    installed = tuple(sorted(manager.find_kernel_specs()))
    if name.lower() not in installed:
        return UnknownKernel(name, installed)
    try:
        spec = manager.get_kernel_spec(name)
    except NoSuchKernel:
        return UnknownKernel(name, installed)
    except TypeError:
        return _bad_spec(name, "its kernel.json is no JSON object")
    except (OSError, ValueError, TraitError) as error:
        return _bad_spec(name, str(error))
    return _checked(name, spec)


def find_without_history(name: str) -> KernelSpec | UnknownKernel | StartFailed:
    """The same for runs that nobody typed: IPython keeps their inputs in memory. Many at once would else wait for
    one another at its history file, and people would find them among their own. As nbclient starts kernels."""
    spec = find_spec(name)
    if isinstance(spec, KernelSpec) and any("ipykernel" in part for part in spec.argv):
        return msgspec.structs.replace(spec, argv=(*spec.argv, "--HistoryManager.hist_file=:memory:"))
    return spec


def _checked(name: str, spec: Any) -> KernelSpec | StartFailed:
    """What jupyter_client takes from a kernel.json without looking: whatever is there must be able to start."""
    try:
        argv, environment = msgspec.convert(spec.argv, tuple[str, ...]), msgspec.convert(spec.env, dict[str, str])
    except msgspec.ValidationError:
        return _bad_spec(name, "its argv or env holds something that is not text")
    if not (argv and argv[0]):
        return _bad_spec(name, "its argv names no program")
    if "\0" in "".join((*argv, *environment, *environment.values())) or "=" in "".join(environment):
        return _bad_spec(name, "its argv or env holds a character that cannot stand there")
    return KernelSpec(name, argv, environment, spec.resource_dir, spec.interrupt_mode, _provisioner(spec))


def _provisioner(spec: Any) -> str:
    """As jupyter_client reads it; JUPYTER_DEFAULT_PROVISIONER_NAME is heeded too."""
    metadata = spec.metadata if isinstance(spec.metadata, dict) else {}
    given = metadata.get("kernel_provisioner")
    name = given.get("provisioner_name") if isinstance(given, dict) else None
    return (
        name
        if isinstance(name, str) and name
        else str(KernelProvisionerFactory.instance().default_provisioner_name)
    )


def _bad_spec(name: str, why: str) -> StartFailed:
    return StartFailed(f"The kernelspec “{name}” cannot be used: {why.strip().rstrip('.')}.")
