"""One event file: what TensorBoard reads, written so that a killed process loses nothing it has logged.

The writers of tensorboardX keep events in a queue and in a buffer; here every event is one write to the
system. The frame is that of TFRecord: length, its checksum, content, its checksum, little-endian.
"""

from __future__ import annotations

import socket
import struct
import time
from pathlib import Path

from tensorboardX.proto.event_pb2 import Event, SessionLog
from tensorboardX.proto.summary_pb2 import Summary
from tensorboardX.record_writer import masked_crc32c


class EventFile:
    """A new event file in `folder`; `suffix` tells apart files of one host and second."""

    def __init__(self, folder: Path, suffix: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        name = f"events.out.tfevents.{int(time.time()):010d}.{socket.gethostname()}.{suffix}"
        self._stream = (folder / name).open("ab", buffering=0)
        self._write(Event(wall_time=time.time(), file_version="brain.Event:2"))

    def start_over(self) -> None:
        """Make readers forget what older files in the folder say."""
        self._write(Event(wall_time=time.time(), step=0, session_log=SessionLog(status=SessionLog.START)))

    def add(self, summary: Summary, step: int = 0) -> None:
        """Append a summary; when this returns, the system has it."""
        self._write(Event(wall_time=time.time(), step=step, summary=summary))

    def close(self) -> None:
        """Close the file; may be called twice."""
        self._stream.close()

    def _write(self, event: Event) -> None:
        content = event.SerializeToString()
        length = struct.pack("<Q", len(content))
        checks = (struct.pack("<I", masked_crc32c(part)) for part in (length, content))
        self._stream.write(b"".join((length, next(checks), content, next(checks))))
