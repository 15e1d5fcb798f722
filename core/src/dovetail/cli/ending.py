"""How a command line ends: one message on standard error, what to do about it, an exit code."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import click

from dovetail.cli.render import clean
from dovetail.errors import ConfigurationError, DovetailError, StoreError
from dovetail.redaction import active, mask
from dovetail.references import load

INTERNAL = 70
INTERRUPTED = 130
BROKEN_PIPE = 141


def end(error: BaseException, *, debug: bool) -> int:
    """Say what ended a command; return its exit code. `debug` adds the traceback."""
    if debug and not isinstance(error, BrokenPipeError):
        _show_traceback(error)
    say = next(say for kind, say in _ENDS if isinstance(error, kind))
    code = say(error, debug)
    silence_if_broken()
    return code


def to_person(label: str, text: str) -> None:
    """Print a labelled text; its further lines are indented, its control characters shown as escapes."""
    lines = [clean(line) for line in mask(text).splitlines() if line.strip()]
    with suppress(OSError):
        click.echo(f"{label}: " + "\n  ".join(lines), err=True)


def _nowhere() -> bool:
    try:
        os.getcwd()  # noqa: PTH109 - pathlib costs milliseconds
    except FileNotFoundError:
        return True
    return False


def _of_output(error: OSError) -> bool:
    """Say whether printing raised it, or else the flush at the end of everything."""
    trace, codes = error.__traceback__, []
    while trace is not None:
        codes.append(trace.tb_frame.f_code)
        trace = trace.tb_next
    return click.echo.__code__ in codes or len(codes) == 1


def _output_works() -> bool:
    try:
        sys.stdout.flush()
    except OSError:
        return False
    return True


def silence_if_broken() -> None:
    """Let nothing complain later about an output that takes no more."""
    if not _output_works():
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _ours(error: DovetailError, debug: bool) -> int:  # noqa: FBT001 - called by the table
    for note in () if debug else getattr(error, "__notes__", ()):  # tracebacks of the user's own code
        with suppress(OSError):
            click.echo("\n".join(map(clean, mask(note).splitlines())), err=True)
    place = f"{error.where}: " if error.where else ""
    to_person("error", f"{place}{error.message}")
    if error.hint:
        to_person("hint", error.hint)
    return error.exit_code


def _usage(error: click.ClickException, _: bool) -> int:  # noqa: FBT001 - called by the table
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        click.echo(error.format_message(), err=True)
        return error.exit_code
    message = error.format_message()
    to_person("error", message[:1].lower() + message[1:].removesuffix("."))
    context = getattr(error, "ctx", None)
    if context is not None:
        to_person("hint", f"see {context.command_path} --help")
    return error.exit_code


def _refused(error: OSError, debug: bool) -> int:  # noqa: FBT001 - called by the table
    """Say what the operating system refuses: a full disk, a missing permission, a lost connection."""
    if isinstance(error, FileNotFoundError) and not error.filename and _nowhere():
        gone = ConfigurationError("the current directory is gone", hint="change to another one")
        return _ours(gone, debug)
    unnamed = "standard output" if _of_output(error) else "something that was read or written"
    what = repr(error.filename) if error.filename else unnamed
    remedies = [remedy] if (remedy := _REMEDIES.get(error.errno or 0)) else []
    hint = "; ".join([*remedies, *([] if debug else ["run with --debug to see where"])]) or None
    return _ours(StoreError(f"{what}: {error.strerror or error}", hint=hint), debug)


def _no_text(error: UnicodeEncodeError, debug: bool) -> int:  # noqa: FBT001 - called by the table
    return _ours(
        ConfigurationError(
            f"{str(error.object)!r} cannot be written as {error.encoding}",
            hint="file names and values have to be UTF-8; in an ASCII locale set PYTHONUTF8=1",
        ),
        debug,
    )


def _unexpected(error: Exception, debug: bool) -> int:  # noqa: FBT001 - called by the table
    to_person("error", f"unexpected {type(error).__name__}: {error}")
    if not debug:
        to_person("hint", "run with --debug to see where; please report it")
    return INTERNAL


def _interrupted(_: BaseException, __: bool) -> int:  # noqa: FBT001 - called by the table
    to_person("error", "interrupted")
    return INTERRUPTED


def _show_traceback(error: BaseException) -> None:
    """Print it as the interpreter does, which needs no import; where it may hold a secret, masked."""
    if active():
        trace = load("traceback:format_exception")(error)
        with suppress(OSError):
            click.echo(mask("".join(trace)), err=True, nl=False)
        return
    sys.__excepthook__(type(error), error, error.__traceback__)


_REMEDIES = {
    errno.ENOSPC: "free space there, then try again",
    errno.EDQUOT: "free space there, then try again",
    errno.EROFS: "make the place writable, or choose another one",
    errno.EACCES: "give this user the right to do that, or choose another place",
    errno.EPERM: "give this user the right to do that, or choose another place",
    errno.EMFILE: "raise the limit of open files: ulimit -n",
    errno.ENAMETOOLONG: "choose a place with a shorter path",
}
_ENDS: tuple[tuple[type[BaseException], Callable[[Any, bool], int]], ...] = (
    (BrokenPipeError, lambda _, __: BROKEN_PIPE),
    (KeyboardInterrupt, _interrupted),
    (click.Abort, _interrupted),
    (click.ClickException, _usage),
    (DovetailError, _ours),
    (OSError, _refused),
    (UnicodeEncodeError, _no_text),
    (BaseException, _unexpected),
)
