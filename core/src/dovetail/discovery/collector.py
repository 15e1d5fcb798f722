"""The child process in which integrations announce: pluggy asks each one, and the answers leave as JSON.

It reads one request a line and answers one line, so that whoever asks knows at any time who is being
asked. What a plugin prints goes to a file of no name and never into the answers.
"""

from __future__ import annotations

import contextlib
import faulthandler
import importlib.util
import json
import os
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import pluggy
import stevedore

from dovetail import hookspecs
from dovetail.components.flavor import CORE_TYPES, ComponentType, Flavor, Materializes
from dovetail.components.secret_schema import SecretSchema
from dovetail.discovery.extensions import load
from dovetail.discovery.integration import fields
from dovetail.discovery.inventory import GROUP
from dovetail.errors import IntegrationError
from dovetail.names import check_name

PRINTED = 200
_LONGEST = 500
# What stands between us and the code of a plugin; its frames explain nothing.
_BETWEEN = tuple(
    f"{Path(str(each.__file__)).parent}{os.sep}" for each in (pluggy, stevedore, importlib, hookspecs)
)
_HOOKS = {each.hook: each.name for each in CORE_TYPES if each.hook}


def announce(name: str, value: str) -> dict[str, Any]:
    """Load the integration and return what it announces through hooks that need no argument.

    `unknown` names hooks that this program does not have, `generic` says whether `flavors` is to be
    called for types of third parties.
    """
    plugin = _plugin(name, value)
    manager = _manager(plugin, name)
    callers = manager.get_hookcallers(plugin) or []
    names = {each.name for each in callers if each.has_spec()}
    ask = manager.hook
    return {
        "flavors": {
            kind: [_checked(each, Flavor, hook) for each in _each(getattr(ask, hook)(), hook)]
            for hook, kind in _HOOKS.items()
            if hook in names
        },
        "types": _all(ask, "dovetail_component_types", ComponentType, names),
        "materializers": _all(ask, "dovetail_materializers", Materializes, names),
        "schemas": _all(ask, "dovetail_secret_schemas", SecretSchema, names),
        "unknown": sorted({each.name for each in callers} - names),
        "generic": "dovetail_flavors" in names,
    }


def flavors(name: str, value: str, component_type: str) -> list[dict[str, Any]]:
    """Return the flavors that the integration has of a third party's component type."""
    manager = _manager(_plugin(name, value), name)
    answers = manager.hook.dovetail_flavors(component_type=component_type)
    return [_checked(each, Flavor, "dovetail_flavors") for each in _each(answers, "dovetail_flavors")]


def sources(value: str) -> list[str]:
    """Return the files of the announcing module and, where it is loaded, of what lies beside it.

    An edit of one of them may change what is announced, or mend what failed.
    """
    module = value.partition(":")[0].strip()
    top, *rest = module.split(".")
    spec = importlib.util.find_spec(top)
    folders = list(spec.submodule_search_locations or ()) if spec else []
    files = {spec.origin} if spec else set()
    for folder in folders:
        stem = os.path.join(folder, *rest)  # noqa: PTH118 - texts are what leaves here
        files |= {f"{stem}.py", f"{stem}/__init__.py"}
        beside = f"{stem if os.path.isdir(stem) else folder}{os.sep}"  # noqa: PTH112 - the same
        loaded = (getattr(each, "__file__", None) or "" for each in list(sys.modules.values()))
        files |= {file for file in loaded if file.startswith(beside)}
    return sorted(file for file in files if file and os.path.isfile(file))  # noqa: PTH113 - the same


def failure(error: BaseException) -> dict[str, Any]:
    """Return what is known of an exception that an integration raised, as plain values."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_theirs(frame.filename)]
    missing = error.name if isinstance(error, ModuleNotFoundError) else None
    text = str(error) or (str(error.code) if isinstance(error, SystemExit) else "")
    files = {frame.filename for frame in frames}
    if isinstance(error, SyntaxError) and error.filename:
        files.add(error.filename)
    return {
        "type": type(error).__name__,
        "message": " ".join(text.split())[:_LONGEST],
        "missing": missing,
        "where": f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "",
        "files": sorted(file for file in files if os.path.isfile(file)),  # noqa: PTH113 - texts leave here
    }


def main() -> None:
    """Say that it is ready, then answer requests from standard input until that ends."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    printed = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the process
    for stream in (1, 2):
        os.dup2(printed.fileno(), stream)
    own, surroundings = os.getpid(), _Surroundings(printed.fileno())
    answer: dict[str, Any] = {}
    while True:
        answers.write(json.dumps(answer).encode() + b"\n")
        answers.flush()
        if not (line := requests.readline()):
            break
        answer = _answer(json.loads(line))
        answer["printed"] = _take(printed)
        surroundings.restore()
        if os.getpid() != own:  # a plugin forked, and the copy came back here
            break
    # Threads and exit handlers of plugins have no say in when this process ends.
    os._exit(0)


class _Surroundings:
    """What every plugin finds; one that changes it decides nothing for those that are asked after it."""

    def __init__(self, printed: int) -> None:
        self._printed = printed
        self._directory = os.getcwd()  # noqa: PTH109 - a text
        self._environment = dict(os.environ)
        lists: tuple[list[Any], ...] = (sys.path, sys.meta_path, sys.path_hooks)
        self._lists = [(each, list(each)) for each in lists]
        self._names = {name: getattr(sys, name) for name in (*_OF_SYS, "stdin", "stdout", "stderr")}
        self._depth = sys.getrecursionlimit()

    def restore(self) -> None:
        """Put everything back."""
        for stream in (1, 2):
            os.dup2(self._printed, stream)
        with contextlib.suppress(OSError):  # removed meanwhile
            os.chdir(self._directory)
        if os.environ != self._environment:
            os.environ.clear()
            os.environ.update(self._environment)
        for name, value in self._names.items():
            setattr(sys, name, value)
        for each, content in self._lists:
            each[:] = content
        sys.setrecursionlimit(self._depth)


_OF_SYS = ("path", "meta_path", "path_hooks", "excepthook", "dont_write_bytecode")
_OPERATIONS: dict[str, Callable[..., object]] = {"announce": announce, "flavors": flavors, "sources": sources}


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    operation = _OPERATIONS[request.pop("operation")]
    # Whoever asked sees to the limit; this one is for when he has died meanwhile.
    faulthandler.dump_traceback_later(request.pop("limit") + 5, exit=True, file=2)
    try:
        return {"result": operation(**request)}
    except BaseException as error:  # noqa: BLE001 - the border around a plugin: its exit is not ours
        return {"failure": failure(error)}
    finally:
        faulthandler.cancel_dump_traceback_later()


def _take(printed: BinaryIO) -> str:
    """Return the beginning of what was printed since the last call, and forget it."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):  # a plugin may have put something of its own there
            stream.flush()
    descriptor = printed.fileno()
    os.lseek(descriptor, 0, os.SEEK_SET)
    text = os.read(descriptor, PRINTED).decode(errors="replace")
    os.ftruncate(descriptor, 0)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return text.strip()


def _plugin(name: str, value: str) -> Any:  # noqa: ANN401 - a module or an object
    loaded = load(GROUP, name, value)
    if loaded.error is not None:
        raise loaded.error
    return loaded.plugin


def _manager(plugin: object, name: str) -> pluggy.PluginManager:
    """Return a manager that knows this one integration, so that nothing of another is ever called."""
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(plugin, name)
    return manager


def _each(answers: Iterable[Iterable[Any] | None], hook: str) -> Iterator[Any]:
    for answer in answers:
        if isinstance(answer, str | bytes | Mapping) or not isinstance(answer, Iterable):
            raise IntegrationError(f"{hook} returned {answer!r}", hint="return a list, or yield")
        yield from answer


def _all(ask: Any, hook: str, kind: type, names: set[str]) -> list[dict[str, Any]]:  # noqa: ANN401 - pluggy's relay
    return [_checked(each, kind, hook) for each in _each(getattr(ask, hook)(), hook)] if hook in names else []


_REFERENCES = ("config", "implementation", "base")


def _checked(announced: object, kind: type, hook: str) -> dict[str, Any]:
    """Return the fields of what a hook announced. Raises IntegrationError for anything malformed."""
    if not isinstance(announced, kind):
        raise IntegrationError(f"{hook} announced {announced!r}, which is no {kind.__name__}")
    found = fields(announced)  # type: ignore[arg-type] # it is one of the three
    check_name(kind.__name__, found["name"])
    for name, value in found.items():
        if not _fits(name, value, str(kind.__annotations__[name])):
            raise IntegrationError(f"{hook} announced {found['name']!r} with {name}={value!r}")
    return found


def _fits(name: str, value: object, kind: str) -> bool:
    """Say whether `value` may stand in the field `name`, which is declared as `kind`."""
    if name in _REFERENCES:
        module, _, path = value.partition(":") if isinstance(value, str) else ("", "", "")
        return all(part.isidentifier() for part in f"{module}.{path}".split("."))
    if kind.startswith("tuple["):
        each_kind = kind[len("tuple[") :].partition(",")[0]
        return isinstance(value, tuple) and all(type(each).__name__ == each_kind for each in value)
    return type(value).__name__ in kind.replace("None", "NoneType").split(" | ")


def _is_theirs(file: str) -> bool:
    """Say whether a frame's file is of a plugin or what it imports."""
    return not file.startswith(("<", *_BETWEEN))
