"""The artifact store on this machine's file system, which publishes by itself."""

# These are the hottest file operations of a run; a Path for each would double their cost.
# ruff: noqa: PTH100, PTH103, PTH104, PTH108, PTH111, PTH112, PTH114, PTH120

from __future__ import annotations

import errno
import io
import os
import shutil
import stat
from collections.abc import Iterable, Iterator
from concurrent import futures
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Literal

from pydantic import Field, field_validator

from dovetail.builtin.draft import PARTIAL, Draft, DraftStream, lock, move
from dovetail.plugin import ArtifactError, ArtifactStore, ComponentConfig, FileState, Reach, hit, new_id

_STAGING = ".staging"
_DELETED = ".deleted"
_BUFFER = 1 << 16
_SYNCS = 16
# A system reads at most 2 GiB in one call, and joining pieces would take the memory twice.
_AT_ONCE = 1 << 24
# A link is not followed and a pipe not waited for, whoever put it there.
_READ = os.O_RDONLY | sum(
    getattr(os, name, 0) for name in ("O_CLOEXEC", "O_NOFOLLOW", "O_NONBLOCK", "O_BINARY")
)
_NOT_THERE = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EISDIR, errno.ENXIO}


class LocalArtifactStoreConfig(ComponentConfig):
    """Where artifacts lie, and when they are safe from a loss of power.

    `path` is a directory, made when first written to; None means the stack's own home. `durability`
    `run` flushes to disk before a run is reported completed, `step` before each step is.
    """

    path: str | None = Field(
        default=None, description="Where artifacts lie; default: the home of the profile or repository."
    )
    durability: Literal["run", "step"] = Field(
        default="run",
        description="Flushed to disk before the run is reported completed, or each step is.",
    )

    @field_validator("path")
    @classmethod
    def _absolute(cls, path: str | None) -> str | None:
        return None if path is None else os.path.abspath(os.path.expanduser(path))


class LocalArtifactStore(ArtifactStore):
    """Artifacts as plain files below one directory."""

    config_class = LocalArtifactStoreConfig
    reach = Reach.HOST
    exclusive_create = True
    dates_changes = True
    local_paths = True
    growing_logs = True
    sweeps = True

    def __init__(self, name: str, config: ComponentConfig, *, home: Path) -> None:
        super().__init__(name, config, home=home)
        self.root: str = self.config.path or os.path.abspath(home)
        self._durable: bool = self.config.durability == "step"

    @contextmanager
    def create(self, path: str) -> Iterator[BinaryIO]:
        draft = self._draft(path)
        try:
            raw = DraftStream(draft, partial(self._refused, path))
            stream: Any = io.BufferedRandom(raw, _BUFFER)
            try:
                yield stream
                if not stream.closed:
                    stream.flush()
            finally:
                # Without this a buffer that could not be written is tried again when it is collected.
                raw.close()
            self._publish(draft, path)
        finally:
            draft.discard()

    def put(self, path: str, data: bytes) -> None:
        draft = self._draft(path)
        try:
            try:
                draft.write(data)
            except OSError as error:
                raise self._refused(path, error, f"write {len(data)} bytes") from error
            self._publish(draft, path)
        finally:
            draft.discard()

    def take(self, path: str, source: Path) -> None:
        target = self._target(path)
        hit("write")
        try:
            os.makedirs(os.path.dirname(target), exist_ok=True)
            if self._durable:
                _sync(str(source))
            hit("rename")
            move(str(source), target)
            if self._durable:
                self._sync_directories({os.path.dirname(target)})
        except FileExistsError as error:
            raise self.occupied(path) from error
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise self._refused(path, error, "move a file to it") from error
            super().take(path, source)

    def open(self, path: str) -> BinaryIO:
        return os.fdopen(self._open(path)[0], "rb", _BUFFER)

    def get(self, path: str) -> bytes:
        descriptor, size = self._open(path)
        try:
            data = os.read(descriptor, size + 1) if size < _AT_ONCE else b""
            if len(data) < size:
                data = _whole(descriptor)
        except OSError as error:
            raise self._refused(path, error, "read it") from error
        finally:
            os.close(descriptor)
        return data

    def size(self, path: str) -> int | None:
        found = self._look(path)
        return None if found is None else found.st_size

    def state(self, path: str) -> FileState | None:
        found = self._look(path)
        return None if found is None else FileState(found.st_size, _changed(found))

    def _look(self, path: str) -> os.stat_result | None:
        try:
            found = os.lstat(self._target(path))
        except OSError as error:
            if error.errno in _NOT_THERE:
                return None
            raise self._refused(path, error, "look at it") from error
        return found if stat.S_ISREG(found.st_mode) else None

    def entries(self, prefix: str = "") -> Iterator[tuple[str, int]]:
        directory = self._target(prefix) if prefix else self.root
        if prefix and os.path.islink(directory):
            return
        # A home is shared with other components, whose files lie at its top.
        skip_files = not prefix and self.config.path is None
        for entry in self._walk(directory, prefix):
            path = entry.path[len(self.root) + 1 :].replace(os.sep, "/")
            if not entry.name.startswith(".") and not (skip_files and "/" not in path):
                with suppress(FileNotFoundError):
                    yield path, entry.stat(follow_symlinks=False).st_size

    def delete(self, path: str) -> None:
        target = self._target(path)
        hit("delete")
        try:
            if stat.S_ISDIR(os.lstat(target).st_mode):
                # First out of sight as a whole, so that a kill in between leaves no half of an artifact.
                gone = f"{os.path.dirname(target)}/.{new_id()}{_DELETED}"
                os.rename(target, gone)
                hit("delete")
                shutil.rmtree(gone)
            else:
                os.unlink(target)
        except OSError as error:
            if error.errno not in _NOT_THERE:
                raise self._refused(path, error, "delete it") from error

    def local_path(self, path: str) -> Path | None:
        return None if self.size(path) is None else Path(self._target(path))

    def log_directory(self, path: str) -> Path | None:
        directory = self._target(path)
        try:
            os.makedirs(directory, exist_ok=True)
        except OSError as error:
            raise self._refused(path, error, "make the directory") from error
        return Path(directory)

    @contextmanager
    def staging(self) -> Iterator[Path]:
        try:
            directory, holder = self._hold_directory()
        except OSError as error:
            raise self._refused(_STAGING, error, "make a directory there") from error
        try:
            yield Path(directory)
        finally:
            shutil.rmtree(directory, ignore_errors=True)
            if holder is not None:
                os.close(holder)

    def sweep(self) -> int:
        swept = 0
        with suppress(FileNotFoundError):
            for entry in os.scandir(f"{self.root}/{_STAGING}"):
                swept += _abandoned(entry.path)
        for entry in self._walk(self.root, "", hidden=True):
            if entry.name.endswith((PARTIAL, _DELETED)):
                swept += _abandoned(entry.path)
        return swept

    def flush(self, paths: Iterable[str] | None = None) -> None:
        if self._durable:
            return
        if paths is None and hasattr(os, "sync"):
            os.sync()
            return
        files: dict[str, str] = {}
        for path in paths if paths is not None else (each for each, _ in self.entries()):
            files.update(dict.fromkeys(self._files(self._target(path), path), path))
        # Side by side, because a file system commits in groups: 300 small files take a tenth of the time.
        with futures.ThreadPoolExecutor(_SYNCS) as pool:
            for (file, path), ended in zip(files.items(), pool.map(_attempt_sync, files), strict=True):
                if ended is not None:
                    raise self._refused(path, ended, f"flush {file!r} to disk") from ended
        try:
            self._sync_directories({os.path.dirname(file) for file in files})
        except OSError as error:
            raise self._refused(".", error, "flush the directories to disk") from error

    def _files(self, target: str, path: str) -> Iterator[str]:
        if os.path.isdir(target):
            yield from (entry.path for entry in self._walk(target, path))
        elif os.path.lexists(target):
            yield target

    def _walk(self, directory: str, path: str, *, hidden: bool = False) -> Iterator[os.DirEntry[str]]:
        """Yield regular files below, never through links; with `hidden` also what is being deleted."""
        open_scans: list[Iterator[os.DirEntry[str]]] = []
        try:
            open_scans.append(iter(_scan(directory)))
            while open_scans:
                entry = next(open_scans[-1], None)
                if entry is None:
                    open_scans.pop()
                elif entry.is_dir(follow_symlinks=False):
                    if not entry.name.startswith("."):
                        open_scans.append(iter(_scan(entry.path)))
                    elif hidden and entry.name.endswith(_DELETED):
                        yield entry
                elif entry.is_file(follow_symlinks=False):
                    yield entry
        except OSError as error:
            raise self._refused(path, error, "list it") from error

    def _target(self, path: str) -> str:
        return f"{self.root}/{self.checked(path)}"

    def _draft(self, path: str) -> Draft:
        target = self._target(path)
        try:
            hit("write")
            return Draft(target)
        except OSError as error:
            raise self._refused(path, error, "make a file") from error

    def _publish(self, draft: Draft, path: str) -> None:
        try:
            draft.publish(durable=self._durable)
            if self._durable:
                self._sync_directories({os.path.dirname(self._target(path))})
        except FileExistsError as error:
            raise self.occupied(path) from error
        except OSError as error:
            raise self._refused(path, error, "complete it") from error

    def _hold_directory(self) -> tuple[str, int | None]:
        """Make a directory that `sweep` of another process leaves alone while the descriptor is open."""
        while True:
            directory = f"{self.root}/{_STAGING}/{new_id()}"
            os.makedirs(directory)
            if os.name == "nt":
                return directory, None
            with suppress(FileNotFoundError):  # swept before it was held
                holder = os.open(directory, os.O_RDONLY)
                if lock(holder) and os.path.isdir(directory):
                    return directory, holder
                os.close(holder)

    def _open(self, path: str) -> tuple[int, int]:
        """Return descriptor and size of a complete file."""
        try:
            descriptor = os.open(self._target(path), _READ)
            found = os.fstat(descriptor)
        except OSError as error:
            if error.errno in _NOT_THERE:
                raise self.missing(path) from error
            raise self._refused(path, error, "read it") from error
        if not stat.S_ISREG(found.st_mode):
            os.close(descriptor)
            raise self.missing(path)
        return descriptor, found.st_size

    def _sync_directories(self, directories: set[str]) -> None:
        """Flush the names in these directories, and those of the directories themselves up to the root."""
        if os.name == "nt":
            return
        every = set(directories)
        for directory in directories:
            parent = os.path.dirname(directory)
            while len(parent) >= len(self.root) and parent not in every:
                every.add(parent)
                parent = os.path.dirname(parent)
        for directory in sorted(every, reverse=True):
            _sync(directory)

    def _refused(self, path: str, error: OSError, need: str) -> Exception:
        if error.errno in _NOT_THERE - {errno.ENOENT}:
            return ArtifactError(
                f"{path!r} is no place for a file in artifact store {self.name!r}: {error.strerror}",
                hint=f"something that is not of the store lies in its way below {self.root!r}",
            )
        return self.refused(path, error, place=self.root, need=need)


def _whole(descriptor: int) -> bytes:
    os.lseek(descriptor, 0, os.SEEK_SET)
    with io.FileIO(descriptor, closefd=False) as stream:
        return stream.readall()


def _changed(found: os.stat_result) -> int:
    """Return when a file was changed; the kernel's own note of it, which no program can set back."""
    return (found.st_mtime_ns if os.name == "nt" else found.st_ctime_ns) // 1000


def _scan(directory: str) -> Iterator[os.DirEntry[str]]:
    """Yield what lies in a directory, nothing where there is none."""
    try:
        with os.scandir(directory) as scan:
            yield from scan
    except (FileNotFoundError, NotADirectoryError):
        return


def _sync(path: str) -> None:
    descriptor = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _attempt_sync(path: str) -> OSError | None:
    try:
        _sync(path)
    except OSError as error:
        return error
    return None


def _abandoned(path: str) -> int:
    """Remove a file or directory that no live process holds; say how many were removed, 0 or 1."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return 0
    try:
        if not lock(descriptor):
            return 0
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            shutil.rmtree(path, ignore_errors=True)
        else:
            os.unlink(path)
        return 1
    finally:
        os.close(descriptor)
