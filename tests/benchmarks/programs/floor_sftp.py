"""The floor of an SSH server: sshfs alone moves the same files, with their digests; print seconds.

`floor_sftp.py PORT KEY FOLDER write|read|small`.
"""

from __future__ import annotations

import getpass
import shutil
import sys
from pathlib import Path

from blake3 import blake3
from sshfs import SSHFileSystem
from store_tasks import seconds

PORT, KEY, FOLDER, TASK = sys.argv[1:]
PLACE = f"{FOLDER}/floor"


def main() -> float:
    """Return the seconds of the task."""
    system = SSHFileSystem(
        "127.0.0.1", port=int(PORT), username=getpass.getuser(), client_keys=[KEY], known_hosts=None
    )

    def write(name: str, data: bytes) -> None:
        digest = blake3(data).hexdigest()
        system.makedirs(f"{PLACE}/{name}", exist_ok=True)
        system.pipe_file(f"{PLACE}/{name}/value", data)
        system.pipe_file(f"{PLACE}/{name}/manifest", digest.encode() * 8)

    def read(name: str) -> bytes:
        digest = bytes(system.cat_file(f"{PLACE}/{name}/manifest"))[:64].decode()
        data = bytes(system.cat_file(f"{PLACE}/{name}/value"))
        if blake3(data).hexdigest() != digest:
            raise SystemExit("not the same")
        return data

    Path(PLACE).mkdir()
    try:
        return seconds(TASK, write, read)
    finally:
        shutil.rmtree(PLACE)


if __name__ == "__main__":
    print(main())
