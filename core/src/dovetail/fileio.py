"""File operations that take local paths and URLs (`s3://...`, `sftp://...`) alike.

They behave as their namesakes in `os`, `shutil` and `glob` do, and raise what those raise: OSError and
its subclasses. fsspec is imported when the first URL comes; a URL whose file system is not installed
raises IntegrationError.
"""

# Places are texts here, as fsspec has them.
# ruff: noqa: PTH102, PTH103, PTH105, PTH107, PTH110, PTH112, PTH113, PTH202, PTH207, PTH208

from __future__ import annotations

import builtins
import glob as local_glob
import os
import posixpath
import shutil
from collections.abc import Iterator
from typing import IO, Any, cast

from dovetail.errors import IntegrationError, UsageError
from dovetail.names import new_id
from dovetail.references import load

Place = str | os.PathLike[str]

_CHUNK = 1 << 20


def open(place: Place, mode: str = "r", **options: Any) -> IO[Any]:  # noqa: A001 - the name users know
    """Open a file. Text is UTF-8 unless `encoding` says otherwise; a remote file is complete when closed."""
    if "b" not in mode:
        options.setdefault("encoding", "utf-8")
    system, path = _resolve(place)
    if system is None:
        return builtins.open(path, mode, **options)  # noqa: PTH123 - as above
    return cast("IO[Any]", system.open(path, mode, **options))


def exists(place: Place) -> bool:
    """Say whether a file or directory is there."""
    system, path = _resolve(place)
    return os.path.exists(path) if system is None else bool(system.exists(path))


def isfile(place: Place) -> bool:
    """Say whether a file is there."""
    system, path = _resolve(place)
    return os.path.isfile(path) if system is None else bool(system.isfile(path))


def isdir(place: Place) -> bool:
    """Say whether a directory is there; in an object store one is where something lies below it."""
    system, path = _resolve(place)
    return os.path.isdir(path) if system is None else bool(system.isdir(path))


def size(place: Place) -> int:
    """Return the size of a file in bytes."""
    system, path = _resolve(place)
    return os.path.getsize(path) if system is None else int(system.size(path))


def listdir(place: Place) -> list[str]:
    """Return the names in a directory, sorted."""
    system, path = _resolve(place)
    if system is None:
        return sorted(os.listdir(path))
    if not system.isdir(path):
        raise (NotADirectoryError if system.exists(path) else FileNotFoundError)(str(place))
    return sorted({posixpath.basename(each.rstrip("/")) for each in system.ls(path, detail=False)})


def glob(pattern: Place) -> list[str]:
    """Return what matches `*`, `?`, `[...]` and `**`, sorted; of a URL, URLs."""
    system, path = _resolve(pattern)
    if system is None:
        return sorted(local_glob.glob(path, recursive=True))
    return sorted(str(system.unstrip_protocol(each)) for each in system.glob(path))


def walk(place: Place) -> Iterator[tuple[str, list[str], list[str]]]:
    """Yield each directory at and below a place, with the names of its directories and of its files."""
    system, path = _resolve(place)
    if system is None:
        for folder, folders, files in os.walk(path):
            folders.sort()
            yield folder, folders, sorted(files)
        return
    for directory, directories, files in system.walk(path):
        yield str(system.unstrip_protocol(directory)), sorted(directories), sorted(files)


def mkdir(place: Place) -> None:
    """Make one directory; its parent has to be there."""
    system, path = _resolve(place)
    if system is None:
        os.mkdir(path)
    else:
        system.mkdir(path, create_parents=False)


def makedirs(place: Place, *, exist_ok: bool = True) -> None:
    """Make a directory and what is missing above it."""
    system, path = _resolve(place)
    if system is None:
        os.makedirs(path, exist_ok=exist_ok)
    else:
        system.makedirs(path, exist_ok=exist_ok)


def remove(place: Place) -> None:
    """Remove a file."""
    system, path = _resolve(place)
    if system is None:
        os.remove(path)
        return
    if not system.isfile(path):
        raise (IsADirectoryError if system.isdir(path) else FileNotFoundError)(str(place))
    system.rm_file(path)


def rmtree(place: Place) -> None:
    """Remove a directory with all below it."""
    system, path = _resolve(place)
    if system is None:
        shutil.rmtree(path)
        return
    if not system.isdir(path):
        raise (NotADirectoryError if system.exists(path) else FileNotFoundError)(str(place))
    system.rm(path, recursive=True)


def copy(source: Place, target: Place, *, overwrite: bool = False) -> None:
    """Copy a file, also between two systems. Raises FileExistsError unless `overwrite`.

    A local target appears when it is whole.
    """
    _check_target(target, overwrite=overwrite)
    system, path = _resolve(target)
    partial = f"{path}.{new_id()}.partial" if system is None else target
    try:
        with open(source, "rb") as reader, open(partial, "wb") as writer:
            shutil.copyfileobj(reader, writer, _CHUNK)
        if system is None:
            os.replace(partial, path)
    except BaseException:
        if exists(partial):
            remove(partial)
        raise


def rename(source: Place, target: Place, *, overwrite: bool = False) -> None:
    """Move a file, also between two systems. Raises FileExistsError unless `overwrite`."""
    _check_target(target, overwrite=overwrite)
    (from_system, from_path), (to_system, to_path) = _resolve(source), _resolve(target)
    if from_system is None and to_system is None:
        shutil.move(from_path, to_path)
    elif from_system is to_system and from_system is not None:
        from_system.mv(from_path, to_path)
    else:
        copy(source, target, overwrite=overwrite)
        remove(source)


def _check_target(target: Place, *, overwrite: bool) -> None:
    if not overwrite and exists(target):
        raise FileExistsError(f"{os.fspath(target)!r} is there already; overwrite=True replaces it")


def _resolve(place: Place) -> tuple[Any, str]:
    """Return the fsspec file system of a URL and the path in it; None and the path for a local place."""
    text = os.fspath(place)
    if not isinstance(text, str):
        raise UsageError(f"{place!r} is no path or URL", hint="give a text or a pathlib.Path")
    protocol, separator, rest = text.partition("://")
    if not separator:
        return None, text
    if protocol == "file":
        return None, rest
    try:
        system, path = load("fsspec.core:url_to_fs")(text)
    except (ImportError, ValueError) as error:
        raise IntegrationError(
            f"no file system is installed for {protocol + '://'!r} of {text!r}: {error}",
            hint=f"dovetail integration install {protocol}, or install the fsspec package of that protocol",
        ) from error
    return system, path
