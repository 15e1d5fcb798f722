"""An artifact store in a folder of a server that speaks SFTP."""

from __future__ import annotations

import os
from pathlib import Path
from typing import ClassVar

from dovetail.plugin import ComponentConfig, FsspecArtifactStore, Reach, Sending, Spool, StoreError
from dovetail_sftp.connection import NoConnectionError
from dovetail_sftp.filesystem import SftpFileSystem
from dovetail_sftp.folders import NoFolderError
from dovetail_sftp.settings import SftpArtifactStoreConfig


class SftpArtifactStore(FsspecArtifactStore):
    """Keeps artifacts in a folder of a server; each process has a connection of its own."""

    config_class: ClassVar[type[ComponentConfig]] = SftpArtifactStoreConfig
    whole_files: ClassVar[bool] = True
    piece = 1 << 24
    exclusive_create = True
    dates_changes = True
    transfers = True

    def __init__(self, name: str, config: SftpArtifactStoreConfig, *, home: Path) -> None:
        self.place = config.place()
        super().__init__(name, config.model_copy(update={"url": str(self.place)}), home=home)
        self._settings = config
        self._systems: list[tuple[int, SftpFileSystem]] = []
        self.reach = Reach.HOST if self.place.on_this_machine else Reach.NETWORK

    @property
    def filesystem(self) -> SftpFileSystem:
        """Return the files of the server; a forked process has a connection of its own."""
        if not self._systems or self._systems[-1][0] != os.getpid():
            # Those of the process this one was forked from stay: nobody may hang up in its name.
            self._systems.append((os.getpid(), SftpFileSystem(self._settings)))
        return self._systems[-1][1]

    @property
    def root(self) -> str:
        """Return the folder."""
        return self.place.path.rstrip("/")

    def _send_ahead(self, target: str, spool: Spool) -> Sending:
        return self.filesystem.send_ahead(spool, target)

    def close(self) -> None:
        if self._systems and self._systems[-1][0] == os.getpid():
            self._systems.pop()[1].close()

    def explained(self, path: str, error: Exception, need: str) -> StoreError | None:
        if not isinstance(error, NoConnectionError | NoFolderError):
            return None
        about = f", which keeps it from file {path!r}: cannot {need}" if path else ""
        return StoreError(
            f"artifact store {self.name!r} at {str(self.place)!r}: {error.said}{about}",
            hint=error.hint.replace("NAME", self.name),
        )
