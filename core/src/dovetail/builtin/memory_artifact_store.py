"""The artifact store of one process, gone with it: for tests, notebooks and tries."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import BinaryIO

from pydantic import Field

from dovetail.plugin import ArtifactStore, ComponentConfig, Reach, hit

_GUARD = Lock()
_SPACES: dict[tuple[str, str], dict[str, bytes]] = {}


class MemoryArtifactStoreConfig(ComponentConfig):
    """`limit` is how many bytes the store may hold; None: as many as the process can."""

    limit: int | None = Field(
        default=None, description="Bytes that it may hold; default: as many as the process can."
    )


class MemoryArtifactStore(ArtifactStore):
    """Artifacts as bytes in this process; stores of one name and home share them."""

    config_class = MemoryArtifactStoreConfig
    reach = Reach.PROCESS
    exclusive_create = True

    def __init__(self, name: str, config: ComponentConfig, *, home: Path) -> None:
        super().__init__(name, config, home=home)
        self._files = _SPACES.setdefault((name, str(home)), {})

    @contextmanager
    def create(self, path: str) -> Iterator[BinaryIO]:
        self.checked(path)
        hit("write")
        stream = _Stream()
        yield stream
        self.put(path, stream.content())

    def put(self, path: str, data: bytes) -> None:
        self.checked(path)
        hit("rename")
        with _GUARD:
            if path in self._files:
                raise self.occupied(path)
            self._make_room(path, len(data))
            self._files[path] = bytes(data)

    def _make_room(self, path: str, size: int) -> None:
        limit = self.config.limit
        if limit is not None and size + sum(map(len, self._files.values())) > limit:
            full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            raise self.refused(path, full, place=f"memory, limit {limit}", need=f"hold {size} bytes more")

    def open(self, path: str) -> BinaryIO:
        return io.BytesIO(self.get(path))

    def get(self, path: str) -> bytes:
        try:
            return self._files[self.checked(path)]
        except KeyError as error:
            raise self.missing(path) from error

    def size(self, path: str) -> int | None:
        data = self._files.get(self.checked(path))
        return None if data is None else len(data)

    def entries(self, prefix: str = "") -> Iterator[tuple[str, int]]:
        start = f"{self.checked(prefix)}/" if prefix else ""
        for path, data in tuple(self._files.items()):
            if path.startswith(start):
                yield path, len(data)

    def delete(self, path: str) -> None:
        self.checked(path)
        with _GUARD:
            for each in [each for each in self._files if each == path or each.startswith(f"{path}/")]:
                del self._files[each]


class _Stream(io.BytesIO):
    """Keeps what was written when a library closes it."""

    _content: bytes | None = None

    def close(self) -> None:
        if not self.closed:
            self._content = self.getvalue()
        super().close()

    def content(self) -> bytes:
        return self.getvalue() if self._content is None else self._content
