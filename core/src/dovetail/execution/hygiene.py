"""What a step that runs in this process changes of the process, and the way back to how it was."""

from __future__ import annotations

import gc
import locale
import logging
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass
from itertools import count
from operator import itemgetter
from typing import Any, TypeVar

from dovetail.errors import RunError
from dovetail.execution.processes.reseeding import Generators
from dovetail.host.process_tree import children

_SIGNALS = tuple(
    number
    for name in ("INT", "TERM", "HUP", "QUIT", "ALRM", "CHLD", "PIPE", "USR1", "USR2", "WINCH")
    if (number := getattr(signal, f"SIG{name}", None)) is not None
)
T = TypeVar("T")
_CLOCKS = ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "sleep")
_NAMED = 5
_VARIABLES = os.environ  # a step may put something else in its place


@dataclass(frozen=True, slots=True)
class _Matter:
    """Something that all code of a process shares: how it is seen, and how it is put back."""

    name: str
    look: Callable[[], Any]
    put_back: Callable[[Any], object]


def _directory() -> str | None:
    try:
        return os.getcwd()  # noqa: PTH109 - this is on the way of every step
    except OSError:
        return None


def _go_back(directory: str | None) -> None:
    if directory is not None:
        os.chdir(directory)


def _environment() -> tuple[Any, dict[Any, Any]]:
    # The decoded mapping takes twenty times as long to copy, and bytes tell a change as well.
    return os.environ, dict(_VARIABLES._data)  # type: ignore[attr-defined] # noqa: SLF001


def _restore_environment(before: tuple[Any, dict[Any, Any]]) -> None:
    os.environ, content = before
    wanted = {_VARIABLES.decodekey(name): _VARIABLES.decodevalue(value) for name, value in content.items()}
    for name in [each for each in _VARIABLES if each not in wanted]:
        del _VARIABLES[name]
    _VARIABLES.update({name: value for name, value in wanted.items() if _VARIABLES.get(name) != value})


def _lists() -> tuple[tuple[list[Any], list[Any]], ...]:
    return tuple((each, [*each]) for each in (sys.path, sys.argv, sys.meta_path, sys.path_hooks))


def _restore_lists(before: tuple[tuple[list[Any], list[Any]], ...]) -> None:
    sys.path, sys.argv, sys.meta_path, sys.path_hooks = (each for each, _ in before)
    for each, content in before:
        each[:] = content


def _restore_modules(before: dict[str, Any]) -> None:
    """Put back what was taken away or replaced; what was imported meanwhile stays, as imports do."""
    sys.modules.update(before)


def _hooks() -> tuple[Any, ...]:
    hooks = (sys.excepthook, sys.displayhook, sys.unraisablehook, threading.excepthook, os.closerange)
    return hooks, [getattr(time, each) for each in _CLOCKS]


def _restore_hooks(before: tuple[Any, ...]) -> None:
    sys.excepthook, sys.displayhook, sys.unraisablehook, threading.excepthook, os.closerange = before[0]
    for name, function in zip(_CLOCKS, before[1], strict=True):
        setattr(time, name, function)


def _filters() -> tuple[list[Any], Any]:
    return [*warnings.filters], warnings.showwarning


def _restore_filters(before: tuple[list[Any], Any]) -> None:
    warnings.resetwarnings()  # also invalidates what modules remember of filters
    warnings.filters[:] = before[0]  # type: ignore[index] # typeshed knows a sequence
    warnings.showwarning = before[1]


def _limits() -> tuple[int, float, bool]:
    return sys.getrecursionlimit(), sys.getswitchinterval(), gc.isenabled()


def _restore_limits(before: tuple[int, float, bool]) -> None:
    sys.setrecursionlimit(before[0])
    sys.setswitchinterval(before[1])
    (gc.enable if before[2] else gc.disable)()


_Logger = tuple[logging.Logger, int, bool, bool, list[Any], list[Any]]


def _logging() -> tuple[int, list[_Logger]]:
    named = [each for each in logging.root.manager.loggerDict.values() if isinstance(each, logging.Logger)]
    return logging.root.manager.disable, [
        (each, each.level, each.propagate, each.disabled, [*each.handlers], [*each.filters])
        for each in (logging.root, *named)
    ]


def _restore_logging(before: tuple[int, list[_Logger]]) -> None:
    disable, loggers = before
    logging.disable(disable)
    for logger, level, propagate, disabled, handlers, filters in loggers:
        logger.setLevel(level)
        logger.propagate, logger.disabled = propagate, disabled
        logger.handlers[:], logger.filters[:] = handlers, filters


def _handlers() -> dict[int, Any]:
    if threading.current_thread() is not threading.main_thread():
        return {}  # only the main thread may set any, so no step of this one did
    return {number: signal.getsignal(number) for number in _SIGNALS}


def _restore_handlers(before: dict[int, Any]) -> None:
    for number, handler in before.items():
        if handler is not None:  # None is one that C code has set
            signal.signal(number, handler)


def _mask() -> set[Any]:
    return signal.pthread_sigmask(signal.SIG_BLOCK, ())


def _timer() -> bool:
    return signal.getitimer(signal.ITIMER_REAL) != (0.0, 0.0)


def _stop_timer(before: bool) -> None:  # noqa: FBT001 - called by the table
    if not before:
        signal.setitimer(signal.ITIMER_REAL, 0.0)


_MATTERS = [
    _Matter("working directory", _directory, _go_back),
    _Matter("environment", _environment, _restore_environment),
    _Matter("search path", _lists, _restore_lists),
    _Matter("modules", sys.modules.copy, _restore_modules),
    _Matter("hooks", _hooks, _restore_hooks),
    _Matter("warnings filters", _filters, _restore_filters),
    _Matter("interpreter's limits", _limits, _restore_limits),
    _Matter("logging", _logging, _restore_logging),
    _Matter("signal handlers", _handlers, _restore_handlers),
    _Matter(
        "locale", lambda: locale.setlocale(locale.LC_ALL), lambda old: locale.setlocale(locale.LC_ALL, old)
    ),
]
if hasattr(signal, "pthread_sigmask"):
    _MATTERS += [
        _Matter("signal mask", _mask, lambda before: signal.pthread_sigmask(signal.SIG_SETMASK, before)),
        _Matter("timer", _timer, _stop_timer),
    ]

_lock = threading.Lock()
_inside: list[int] = []
"""The threads in which steps run now; one stands here twice when its step runs a pipeline."""
_owed: list[tuple[int, list[Any]]] = []
"""What was found before steps that run in threads at once; the last restores what the first found."""
_tickets = count()


class Hygiene:
    """Lets each step of a run find this process as the run found it.

    What the process shares is put back after each step: working directory, environment, search path,
    modules, hooks, warnings filters, umask, locale, signal handlers and timer, logging, limits of
    the interpreter, context variables. Random generators are seeded anew for each step, as in processes, and
    have their states again when the run ends. What cannot be undone is told to `note`: threads and
    processes that are left. `spared` gives descriptors that `os.closerange` leaves open besides those
    that were open when the step began.
    """

    def __init__(
        self, note: Callable[[str], object], spared: Callable[[], Iterable[int]] = lambda: ()
    ) -> None:
        self._note = note
        self._spared = spared
        self._generators = Generators()
        self._umask = _umask()
        self._threads = {*threading.enumerate()}
        self._children = {*children(os.getpid())} if _has_children() else set()
        self._descriptor = os.open(os.devnull, os.O_RDONLY)

    def call(self, step: str, function: Callable[[], T]) -> T:
        """Call the function, which runs a step, with all of this around it.

        Raises:
            RunError: the step closed descriptors of this process, which can then not go on.
        """
        with self._put_back(step):
            _spare_descriptors(self._spared)
            self._generators.renew()
            result = copy_context().run(_with_own_decimals, function)
        self._tell_what_is_left(step)
        if not _is_open(self._descriptor):
            raise RunError(
                f"step {step!r} closed file descriptors of the process that runs it, among them the run's",
                hint="run it without in_process (--in-process): each step has a process of its own then",
            )
        return result

    def close(self) -> None:
        """Give the random generators back the states they had."""
        self._generators.restore()
        try:
            os.close(self._descriptor)
        except OSError:  # a step closed it
            return

    @contextmanager
    def _put_back(self, step: str) -> Iterator[None]:
        me = threading.get_ident()
        with _lock:
            alone = all(each == me for each in _inside)
            found = (next(_tickets), [each.look() for each in _MATTERS]) if alone else None
            _inside.append(me)
        try:
            yield
        finally:
            with _lock:
                _inside.remove(me)
                if found is not None:
                    _owed.append(found)
                if all(each == me for each in _inside) and _owed:
                    _, earliest = min(_owed, key=itemgetter(0))
                    _owed.clear()
                    self._restore(step, earliest)

    def _restore(self, step: str, before: list[Any]) -> None:
        os.umask(self._umask)
        for matter, value in zip(_MATTERS, before, strict=True):
            try:
                if matter.look() != value:
                    matter.put_back(value)
            except Exception as error:  # noqa: BLE001 - it meets whatever the step left
                self._note(f"step {step!r} changed the {matter.name}, which cannot be undone: {error}")

    def _tell_what_is_left(self, step: str) -> None:
        threads = [
            each for each in threading.enumerate()
            if each not in self._threads and not each.name.startswith("dovetail-")
        ]  # fmt: skip
        if threads:
            self._threads.update(threads)
            names = ", ".join(each.name for each in threads[:_NAMED])
            self._note(f"step {step!r} left {_count(threads, 'thread')} running in this process: {names}")
        if not _has_children():
            return
        processes = [each for each in children(os.getpid()) if each not in self._children]
        if processes:
            self._children.update(processes)
            names = ", ".join(map(str, processes[:_NAMED]))
            self._note(f"step {step!r} left {_count(processes, 'child process')} running: {names}")


def _count(what: list[Any], name: str) -> str:
    return f"{len(what)} {name}" + ("es" if name.endswith("s") else "s") * (len(what) != 1)


def _umask() -> int:
    before = os.umask(0o077)
    os.umask(before)
    return before


def _has_children() -> bool:
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except (ChildProcessError, AttributeError):  # the second where there is no such call
        return False
    return True


def _with_own_decimals(function: Callable[[], T]) -> T:
    """Call in a context whose decimal arithmetic is a copy: code changes it in place."""
    if (decimal := sys.modules.get("decimal")) is not None:
        decimal.setcontext(decimal.getcontext().copy())
    return function()


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def _spare_descriptors(spared: Callable[[], Iterable[int]]) -> None:
    """Let `os.closerange` close what the step opened: database, lease and log of the run are open too."""
    try:
        listed = map(int, os.listdir("/proc/self/fd"))  # noqa: PTH208 - on the way of every step
    except OSError:
        return
    found = {each for each in listed if _is_open(each)}  # the list has its own, which is closed by now
    really, here = os.closerange, os.getpid()

    def closerange(low: int, high: int, /) -> None:
        if os.getpid() != here:
            really(low, high)
            return
        kept = {*found, *spared()}
        for each in map(int, os.listdir("/proc/self/fd")):  # noqa: PTH208 - the same
            if low <= each < high and each not in kept:
                really(each, each + 1)

    os.closerange = closerange
