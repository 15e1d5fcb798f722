"""The base of artifact stores over fsspec: a wheel adds a configuration and its file system."""

from __future__ import annotations

import io
import os
import posixpath
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, cast

from pydantic import Field

from dovetail.components.artifact_store import ArtifactStore, FileState
from dovetail.components.component import ComponentConfig, ConfigClass, Reach
from dovetail.components.spool import Sending, Spool
from dovetail.errors import DovetailError, IntegrationError, StoreError
from dovetail.failpoints import hit
from dovetail.names import new_id
from dovetail.references import load

_PARTIAL = ".partial"
# What file systems of fsspec call it: those like POSIX, S3, Azure.
_CHANGED = ("mtime", "LastModified", "last_modified")
_BUFFER = 1 << 16
_OF_PARENTS: list[object] = []
_NO_FILE = (FileNotFoundError, IsADirectoryError, NotADirectoryError, FileExistsError)


class FsspecArtifactStoreConfig(ComponentConfig):
    """`url` is where artifacts lie (`s3://bucket/folder`); `options` go to the file system as they are."""

    url: str = Field(description="where artifacts lie, such as s3://bucket/folder")
    options: dict[str, Any] = Field(
        default={}, description="what the file system of fsspec is made with besides"
    )


class FsspecArtifactStore(ArtifactStore):
    """Artifacts on any file system that fsspec knows.

    A subclass states `whole_files` and what it can do besides, and may give `config_class`, `reach`,
    `filesystem_options`, and `explained` for errors that it knows better. What is written goes to a temporary
    file of this machine and is sent when it is complete, up to `spool` bytes in one request; so its stream
    can seek, and nothing is left where writing fails. A subclass that gives `_send_ahead` sends large files
    while they are written.

    A file system without `whole_files` gets the file under a temporary name, and then renames it. Without
    `exclusive_create` two writers of one path can not always be told apart; paths are made of fresh ids,
    so that no two write one.
    """

    config_class: ClassVar[ConfigClass] = FsspecArtifactStoreConfig
    whole_files: ClassVar[bool] = False
    """Whether a file that is being sent is seen only when it is complete.

    With `exclusive_create` besides, `mode="create"` of the file system refuses to replace a file.
    """
    spool: ClassVar[int] = 1 << 23
    piece: int = 1 << 23
    """The bytes of a piece of those files that are sent while they are still being written."""

    def __init__(self, name: str, config: ComponentConfig, *, home: Path) -> None:
        super().__init__(name, config, home=home)
        self._opened: tuple[int, Any, str] | None = None
        if self.config.url.startswith(("memory://", "file://", "local://")):
            self.reach = Reach.PROCESS if self.config.url.startswith("memory") else Reach.HOST
            self.local_paths = self.dates_changes = self.reach is Reach.HOST

    def filesystem_options(self) -> Mapping[str, Any]:
        """Return what fsspec's file system is made with."""
        return dict(self.config.options)

    @property
    def filesystem(self) -> Any:  # noqa: ANN401 - fsspec has no types
        """Return fsspec's file system; a forked process gets one of its own."""
        return self._open_filesystem()[0]

    @property
    def root(self) -> str:
        """Return the store's folder on the file system."""
        return self._open_filesystem()[1]

    def _open_filesystem(self) -> tuple[Any, str]:
        if self._opened is None or self._opened[0] != os.getpid():
            # To close one of the parent would meddle with connections that are open there.
            _OF_PARENTS.append(self._opened)
            # Listings kept from earlier would hide what other processes write.
            options = {"use_listings_cache": False, **self.filesystem_options()}
            try:
                system, root = load("fsspec.core:url_to_fs")(self.config.url, **options)
            except ImportError as error:
                raise IntegrationError(
                    f"artifact store {self.name!r} at {self.config.url!r} lacks a library: {error}",
                    hint="install the package that serves this URL",
                ) from error
            except Exception as error:  # a plugin of fsspec
                need = "open the file system"
                raise self.explained("", error, need) or self._failed("", error, need) from error
            self._opened = (os.getpid(), system, root.rstrip("/"))
        return self._opened[1], self._opened[2]

    @contextmanager
    def create(self, path: str) -> Iterator[BinaryIO]:
        self.checked(path)
        hit("write")

        def begin(spool: Spool) -> Sending | None:
            with self._told(path, "write it"):
                return self._send_ahead(self._target(path), spool)

        with self.staging() as directory, Spool(directory / "file", self.piece, begin) as spool:
            yield cast("BinaryIO", spool)
            if spool.sending is None:
                spool.end()
                self._publish(path, spool.path)
                return
            hit("rename")
            with self._told(path, f"write {spool.size} bytes"), self._naming(path):
                spool.end()
                spool.sending.finish()

    def _send_ahead(self, target: str, spool: Spool) -> Sending | None:
        """Begin to send a file that is still being written; None: it is sent when it is complete.

        For subclasses with `whole_files` and `exclusive_create` whose file system can. What is begun raises
        FileExistsError where there is a file already, and leaves nothing when it is cancelled.
        """
        del target, spool
        return None

    def put(self, path: str, data: bytes) -> None:
        self.checked(path)
        hit("write")
        self._publish(path, data)

    def take(self, path: str, source: Path) -> None:
        self._publish(path, source)

    def _publish(self, path: str, content: bytes | Path) -> None:
        size = len(content) if isinstance(content, bytes) else content.stat().st_size
        if isinstance(content, Path) and size <= self.spool:
            content = content.read_bytes()
        with self._told(path, f"write {size} bytes"), self._naming(path):
            target = self._target(path)
            if not self.whole_files:
                self._send_and_rename(content, target)
                return
            hit("rename")
            if self.exclusive_create:
                self._send(content, target, mode="create")
            else:
                self._refuse_taken(target)
                self._send(content, target)

    @contextmanager
    def _naming(self, path: str) -> Iterator[None]:
        try:
            yield
        except FileExistsError as error:
            raise self.occupied(path) from error

    def _send(self, content: bytes | Path, target: str, **options: Any) -> None:  # fsspec's own
        if isinstance(content, bytes):
            self.filesystem.pipe_file(target, content, **options)
        else:
            self.filesystem.put_file(str(content), target, **options)

    def _send_and_rename(self, content: bytes | Path, target: str) -> None:
        folder = posixpath.dirname(target)
        temporary = f"{folder}/.{new_id()}{_PARTIAL}"
        self.filesystem.makedirs(folder, exist_ok=True)
        try:
            self._send(content, temporary)
            hit("rename")
            self._rename(temporary, target)
        except BaseException:
            with suppress(Exception):  # the first error is the one to tell
                self.filesystem.rm_file(temporary)
            raise

    def _rename(self, temporary: str, target: str) -> None:
        self._refuse_taken(target)
        self.filesystem.mv(temporary, target)

    def _refuse_taken(self, target: str) -> None:
        if self.filesystem.exists(target):
            raise FileExistsError(target)

    def open(self, path: str) -> BinaryIO:
        with self._told(path, "read it"):
            stream = self.filesystem.open(self._target(path), "rb")
        return io.BufferedReader(_Reading(stream, lambda: self._told(path, "read it")), _BUFFER)

    def get(self, path: str) -> bytes:
        with self._told(path, "read it"):
            return bytes(self.filesystem.cat_file(self._target(path)))

    def size(self, path: str) -> int | None:
        found = self.state(path)
        return None if found is None else found.size

    def state(self, path: str) -> FileState | None:
        with self._told(path, "look at it"):
            try:
                found = self.filesystem.info(self._target(path))
            except (FileNotFoundError, NotADirectoryError):
                return None
            is_file = found["type"] == "file" and not found.get("islink")
            return FileState(int(found["size"]), self.changed(found)) if is_file else None

    def changed(self, info: Mapping[str, Any]) -> int | None:
        """Return when a file was last changed, by what the file system's `info` says of it.

        None where it does not say: the file is then read again to be sure of it. Override it where the
        file system keeps that under a name of its own.
        """
        times = [info[name] for name in _CHANGED if info.get(name) is not None]
        if times and "ino" in info:  # of this machine: when the inode changed, which no program sets back
            times.append(info["created"])
        return max(map(_microseconds, times), default=None)

    def entries(self, prefix: str = "") -> Iterator[tuple[str, int]]:
        top = self._target(prefix) if prefix else self.root
        left = [top]
        while left:
            directory = left.pop()
            for each in self._listed(directory, prefix):
                name = each["name"].rstrip("/")
                if posixpath.basename(name).startswith(".") or name == directory:
                    continue
                if each["type"] == "directory":
                    left.append(name)
                elif not each.get("islink"):
                    yield name[len(self.root) + 1 :], int(each["size"])

    def _listed(self, directory: str, prefix: str) -> list[dict[str, Any]]:
        with self._told(prefix, "list it"):
            try:
                found: list[dict[str, Any]] = self.filesystem.ls(directory, detail=True)
            except (FileNotFoundError, NotADirectoryError):
                return []
            return found

    def delete(self, path: str) -> None:
        with self._told(path, "delete it"):
            target = self._target(path)
            with suppress(FileNotFoundError, NotADirectoryError):
                self.filesystem.rm(target, recursive=True)

    def local_path(self, path: str) -> Path | None:
        if not self.local_paths:
            return super().local_path(path)
        return None if self.size(path) is None else Path(self._target(path))

    def sweep(self) -> int:
        """Do nothing: over a network nobody can tell what is abandoned from what is being written."""
        return 0

    def _target(self, path: str) -> str:
        return f"{self.root}/{self.checked(path)}"

    @contextmanager
    def _told(self, path: str, need: str) -> Iterator[None]:
        """Turn what a file system raises into what it means; anything may come from one."""
        try:
            yield
        except DovetailError:
            raise
        except Exception as error:
            told = self.explained(path, error, need)
            if told is None and isinstance(error, _NO_FILE):
                told = self.missing(path)
            raise told or self._failed(path, error, need) from error

    def explained(self, path: str, error: Exception, need: str) -> StoreError | None:
        """Return what an error of the file system means, where a subclass knows it better than the base.

        `path` is empty when it is not about a file; `need` says what was wanted. None: the base tells it.
        """
        del path, error, need
        return None

    def _failed(self, path: str, error: Exception, need: str) -> StoreError:
        if isinstance(error, OSError) and error.errno is not None:
            return self.refused(path, error, place=self.config.url, need=need)
        if isinstance(error, PermissionError):
            return self.refused(path, PermissionError(13, str(error)), place=self.config.url, need=need)
        told = f"{type(error).__name__}: {error}".rstrip(": ")
        return self.refused(path, OSError(None, told), place=self.config.url, need=need)


def _microseconds(time: Any) -> int:  # noqa: ANN401 - a datetime, or seconds
    return int((time.timestamp() if isinstance(time, datetime) else float(time)) * 1_000_000)


class _Reading(io.RawIOBase):
    """Reads a file of fsspec; what goes wrong on the way is told as the store tells it."""

    def __init__(self, stream: BinaryIO, told: Callable[[], AbstractContextManager[None]]) -> None:
        self._stream = stream
        self._told = told

    def readinto(self, buffer: Any, /) -> int:  # noqa: ANN401 - any buffer
        with self._told():
            return int(self._stream.readinto(buffer))  # type: ignore[attr-defined] # every binary file has it

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return int(self._stream.seek(offset, whence))

    def tell(self) -> int:
        return int(self._stream.tell())

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def close(self) -> None:
        self._stream.close()
        super().close()
