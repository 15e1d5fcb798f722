"""Strict YAML: the readable subset that people write, with line and column in every complaint.

Plain scalars follow the core schema of YAML 1.2: `no`, `12:30` and `2024-01-01` are texts, and `1e-3` is a
number. Tags, anchors, aliases, duplicate keys and a second document are refused. What is written reads
back equal here, and texts that a YAML 1.1 reader would take for something else are quoted.
"""

from __future__ import annotations

import errno
import math
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

import yaml

from dovetail.errors import ConfigurationError, NotFoundError

DEEPEST = 100
_ENDLESS = 1 << 30
_SUBSET = "Dovetail reads plain YAML: mappings, lists, texts, numbers, true, false and null"
_WORDS: dict[str, Any] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_NUMBERS: tuple[tuple[re.Pattern[str], Callable[[str], object]], ...] = (
    (re.compile(r"[-+]?[0-9]+"), int),
    (re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+"), lambda text: int(text, 0)),
    (re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"), float),
    (re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"), lambda text: float(text.replace(".", ""))),
)
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_BREAKS = frozenset("\x85\u2028\u2029")
_OLDER: Mapping[str, list[tuple[str, re.Pattern[str]]]] = yaml.SafeLoader.yaml_implicit_resolvers


def read_yaml(text: str | bytes, where: str) -> Any:  # noqa: ANN401 - any document
    """Return the document in `text`, None if it is empty; `where` names the source in errors.

    Raises:
        ConfigurationError: it is no YAML or not in the subset; `where` has line and column.
    """
    try:
        decoded = text.decode("utf-8-sig") if isinstance(text, bytes) else text.removeprefix("\ufeff")
        return _Reader(where).read(decoded)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = ", ".join(filter(None, (error.problem, error.context)))
        raise ConfigurationError(
            f"this is no YAML: {said}",
            hint="look at the indentation, and put quotes around texts that hold ':' or '#'",
            where=_place(where, mark),
        ) from None
    except yaml.reader.ReaderError as error:
        line, column = _count(str(text), error.position)
        raise ConfigurationError(
            f"this is no YAML: the character {error.character!r} is not allowed",
            hint=_SUBSET,
            where=f"{where}:{line}:{column}",
        ) from None
    except UnicodeError as error:
        raise ConfigurationError(
            f"this is no UTF-8 text: {error}", hint="save it as UTF-8", where=where
        ) from None


def read_file(path: Path) -> bytes:
    """Return the content of a file that people write, which nothing can make wait for ever.

    Raises OSError; also for a pipe, unless it is one that this process was given (`/dev/stdin`).
    """
    if path.is_fifo() and not str(path).startswith(("/dev/", "/proc/")):
        raise OSError(errno.EINVAL, "it is a pipe, not a file", str(path))
    return path.read_bytes()


def read_yaml_file(path: Path) -> Any:  # noqa: ANN401 - any document
    """Return the document in the file `path`.

    Raises:
        NotFoundError: there is no such file.
        ConfigurationError: it cannot be read, or is not in the subset.
    """
    try:
        data = read_file(path)
    except FileNotFoundError:
        raise NotFoundError(f"there is no file {str(path)!r}", hint="check the path") from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigurationError(f"{str(path)!r} cannot be read: {reason}", hint="check the file") from error
    return read_yaml(data, str(path))


def write_yaml(document: object) -> str:
    """Return `document` (plain values and containers, no cycles) as block-style YAML, keys in their order.

    Raises TypeError for a value that the subset cannot say.
    """
    # No folding: a line that is broken by the emitter differs between its two implementations.
    return str(yaml.emit(_events(document), Dumper=_DUMPER, allow_unicode=True, width=_ENDLESS))


class _Reader:
    """Builds values from the parser's events; no recursion, so that depth is refused and not suffered."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.open: list[Any] = []
        self.keys: list[Any] = []
        self.root: Any = None
        self.documents = 0

    def read(self, text: str) -> Any:  # noqa: ANN401 - any document
        for event in yaml.parse(text, Loader=_LOADER):
            if isinstance(event, yaml.DocumentStartEvent):
                self._begin(event)
            elif isinstance(event, yaml.NodeEvent):
                self._check(event)
                self._node(event)
            elif isinstance(event, yaml.CollectionEndEvent):
                self.open.pop()
                self.keys.pop()
        return self.root

    def _begin(self, event: Any) -> None:  # noqa: ANN401 - yaml's events have no types
        self.documents += 1
        if self.documents > 1:
            self._refuse(event, "a second document begins here", "keep one document in the file")

    def _check(self, event: Any) -> None:  # noqa: ANN401 - yaml's events have no types
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            sign = "*" if isinstance(event, yaml.AliasEvent) else "&"
            self._refuse(
                event, f"the alias or anchor {sign + event.anchor!r} is refused", "write the value out"
            )
        if event.tag is not None:
            self._refuse(event, f"the tag {event.tag!r} is refused", _SUBSET)
        if len(self.open) >= DEEPEST:
            self._refuse(event, f"this is nested more than {DEEPEST} deep", "a plainer document")

    def _node(self, event: Any) -> None:  # noqa: ANN401 - yaml's events have no types
        if isinstance(event, yaml.ScalarEvent):
            self._put(event, self._scalar(event))
            return
        value: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
        self._put(event, value)
        self.open.append(value)
        self.keys.append(_NO_KEY)

    def _scalar(self, event: Any) -> object:  # noqa: ANN401 - yaml's events have no types
        if not event.implicit[0]:
            return event.value
        try:
            return resolve(event.value)
        except ValueError:
            self._refuse(event, "this number has too many digits", "put it in quotes")

    def _put(self, event: Any, value: object) -> None:  # noqa: ANN401 - yaml's events have no types
        if not self.open:
            self.root = value
        elif isinstance(parent := self.open[-1], list):
            parent.append(value)
        elif (key := self.keys[-1]) is not _NO_KEY:
            parent[key] = value
            self.keys[-1] = _NO_KEY
        elif isinstance(value, dict | list):
            self._refuse(event, "a key is a mapping or a list", "a key is a text or a number")
        elif value in parent:
            self._refuse(event, f"the key {value!r} is there twice", "keep one of them")
        else:
            self.keys[-1] = value

    def _refuse(self, event: Any, message: str, hint: str) -> NoReturn:  # noqa: ANN401 - yaml's events have no types
        raise ConfigurationError(message, hint=hint, where=_place(self.where, event.start_mark))


_NO_KEY = object()


def resolve(text: str) -> object:
    """Return what a plain scalar means: null, a boolean, a number or, for all else, the text itself.

    Raises ValueError for an integer that Python refuses to read for its length.
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "+-.0123456789":
        return text
    for pattern, convert in _NUMBERS:
        if pattern.fullmatch(text):
            return convert(text)
    return text


def _place(where: str, mark: Any) -> str:  # noqa: ANN401 - yaml's marks have no types
    return f"{where}:{mark.line + 1}:{mark.column + 1}" if mark else where


def _count(text: str, position: int) -> tuple[int, int]:
    before = text[:position]
    return before.count("\n") + 1, position - before.rfind("\n")


def _events(document: object) -> Iterator[yaml.Event]:
    """Yield the events of one document; iterators of open containers stand on a stack."""
    yield yaml.StreamStartEvent()
    yield yaml.DocumentStartEvent(explicit=False)
    stack: list[Iterator[object]] = [iter((document,))]
    ends: list[yaml.Event] = []
    while stack:
        for value in stack[-1]:
            if isinstance(value, Mapping):
                yield yaml.MappingStartEvent(None, None, implicit=True, flow_style=not value)
                ends.append(yaml.MappingEndEvent())
                stack.append(each for pair in value.items() for each in pair)
                break
            if isinstance(value, list | tuple):
                yield yaml.SequenceStartEvent(None, None, implicit=True, flow_style=not value)
                ends.append(yaml.SequenceEndEvent())
                stack.append(iter(value))
                break
            yield _scalar_event(value)
        else:
            stack.pop()
            if ends:
                yield ends.pop()
    yield yaml.DocumentEndEvent(explicit=False)
    yield yaml.StreamEndEvent()


def _scalar_event(value: object) -> yaml.Event:
    if isinstance(value, str):
        plain = _is_plain(value)
        style = "|" if "\n" in value and _fits_block(value) else None
        if not _BREAKS.isdisjoint(value):
            style = '"'  # only so do both implementations escape them
        return yaml.ScalarEvent(None, None, (plain, True), value, style=style)
    if value is None or isinstance(value, bool | int):
        text = "null" if value is None else str(value).lower()
    elif isinstance(value, float):
        text = _float_text(value)
    else:
        raise TypeError(f"{value!r} is {type(value).__name__}, which YAML cannot say")
    return yaml.ScalarEvent(None, None, (True, False), text)


def _is_plain(text: str) -> bool:
    """Say whether `text` without quotes is read as text, here and by readers of YAML 1.1."""
    if not text or resolve_kind(text) is not str:
        return False
    candidates = (*_OLDER.get(text[0], ()), *_OLDER.get(None, ()))  # type: ignore[call-overload] # None is a key there
    return not any(pattern.match(text) for _, pattern in candidates)


def resolve_kind(text: str) -> type:
    """Return the type of what a plain scalar means."""
    try:
        return type(resolve(text))
    except ValueError:
        return int


def _fits_block(text: str) -> bool:
    """Say whether a literal block keeps `text` as it is and is pleasant to read."""
    lines = text.split("\n")
    return text[0] not in " \n" and "\r" not in text and not any(line.endswith((" ", "\t")) for line in lines)


def _float_text(value: float) -> str:
    if math.isnan(value):
        return ".nan"
    if math.isinf(value):
        return ".inf" if value > 0 else "-.inf"
    return repr(value)
