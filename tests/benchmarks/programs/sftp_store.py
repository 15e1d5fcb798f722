"""Artifacts to a server that speaks SFTP and back with Dovetail; print seconds.

`sftp_store.py PORT KEY FOLDER write|read|small`. Nothing is flushed to the server's disk: the plain client
does not either.
"""

from __future__ import annotations

import getpass
import shutil
import sys
from pathlib import Path

from store_tasks import store_seconds

from dovetail_sftp.artifact_store import SftpArtifactStore
from dovetail_sftp.settings import SftpArtifactStoreConfig

PORT, KEY, FOLDER, TASK = sys.argv[1:]
PLACE = f"{FOLDER}/ours"


def main() -> float:
    """Return the seconds of the task."""
    config = SftpArtifactStoreConfig(
        url=f"sftp://{getpass.getuser()}@127.0.0.1:{PORT}{PLACE}",
        private_key=Path(KEY),
        known_hosts=Path(KEY).with_name("known_hosts"),
        durable=False,
    )
    Path(PLACE).mkdir()
    try:
        with SftpArtifactStore("bench", config, home=Path("unused")) as store:
            return store_seconds(store, TASK)
    finally:
        shutil.rmtree(PLACE)


if __name__ == "__main__":
    print(main())
