"""The artifact store on S3."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, TypeVar, cast

from fsspec.asyn import sync

from dovetail.plugin import (
    ArtifactError,
    ComponentConfig,
    FileState,
    FsspecArtifactStore,
    Sending,
    Spool,
    StoreError,
    hit,
    now,
)
from dovetail_s3.reading import ReadingAhead, Source
from dovetail_s3.refusal import Refusal, code_of, is_unsaid
from dovetail_s3.session import filesystem_options
from dovetail_s3.settings import S3ArtifactStoreConfig
from dovetail_s3.transfer import Transfer
from dovetail_s3.writing import Target

T = TypeVar("T", bound=Transfer)

_PAGE = 1000
_SAME_CLOCK = 2_000_000
_SECOND = 1_000_000
_BUFFER = 1 << 16


class S3ArtifactStore(FsspecArtifactStore):
    """Artifacts as objects of a bucket, one for each file.

    Objects are written on the condition that there is none yet, so of two writers one is refused by the
    service itself; each object carries the id of its write, so that a writer whose answer got lost on the
    way, and whose second try is refused for that, knows its own work.
    """

    config_class: ClassVar[type[ComponentConfig]] = S3ArtifactStoreConfig
    whole_files = True
    dates_changes = True
    sweeps = True

    def __init__(self, name: str, config: ComponentConfig, *, home: Path) -> None:
        super().__init__(name, config, home=home)
        self.exclusive_create = self.config.conditional_writes
        self.piece = self.config.part_size << 20
        folder = self.config.url.removeprefix("s3://").partition("/")[2]
        self._start = f"{folder}/" if folder else ""
        """What the keys of all files begin with."""
        self._bucket_seen = False

    def filesystem_options(self) -> Mapping[str, Any]:
        return filesystem_options(self.config)

    @property
    def address(self) -> str:
        return f"{self.config.endpoint_url or ''} {self.config.url}".lstrip()

    @property
    def filesystem(self) -> Any:  # noqa: ANN401 - s3fs has no types
        """Return s3fs; requests are tried again by botocore alone, or tries would multiply."""
        system = super().filesystem
        system.retries = 1
        return system

    def close(self) -> None:
        self._opened = None

    def explained(self, path: str, error: Exception, need: str) -> StoreError | None:
        code = code_of(error)
        if is_unsaid(code):
            error, code = self._asked_again(error)
        if code in {"NoSuchKey", "404"}:
            return self.missing(path)
        if code in {"PreconditionFailed", "412"}:
            return ArtifactError(
                f"file {path!r} of artifact store {self.name!r} was replaced while it was read",
                hint="something else writes there; nothing of it was used",
            )
        about = f", file {path!r}" if path else ""
        what = f"artifact store {self.name!r} at {self.config.url!r}{about}: cannot {need}"
        return Refusal(self.config, self.name).told(error, what)

    def _asked_again(self, error: Exception) -> tuple[Exception, str]:
        """Return what the service says to a request that it answers in words."""
        try:
            self._request("list_objects_v2", Prefix=self._start, MaxKeys=1)
        except Exception as said:  # noqa: BLE001 - the one it is all about
            return said, code_of(said)
        return error, code_of(error)

    # Writing

    def _send(self, content: bytes | Path, target: str, **_: Any) -> None:
        size = len(content) if isinstance(content, bytes) else content.stat().st_size
        put = self._moved(Target, target.partition("/")[2]).put
        sync(self.filesystem.loop, put, content, size, conditional=self.exclusive_create)

    def _send_ahead(self, target: str, spool: Spool) -> Sending | None:
        if not self.exclusive_create:  # that there is none yet is seen just before a file is sent
            return None
        following = self._moved(Target, target.partition("/")[2]).follow(spool)
        return Sending(self.filesystem.loop, following)

    def _moved(self, kind: type[T], key: str) -> T:
        self.filesystem.connect()
        return kind(
            self.filesystem,
            self.config.bucket,
            key,
            part=self.config.part_size << 20,
            ahead=self.config.concurrency,
            attempts=self.config.attempts,
        )

    # Reading

    def open(self, path: str) -> BinaryIO:
        key = self._key(path)
        with self._told(path, "read it"):
            source = self._moved(Source, key)
            first = source.begin(0).result()
        self._bucket_seen = True
        if first.total <= len(first.data):
            return io.BytesIO(first.data)
        stream = ReadingAhead(source, first, lambda: self._told(path, "read it"))
        return cast("BinaryIO", io.BufferedReader(stream, _BUFFER))

    def get(self, path: str) -> bytes:
        with self.open(path) as stream:
            return stream.read()

    def state(self, path: str) -> FileState | None:
        key = self._key(path)
        with self._told(path, "look at it"):
            try:
                found = self._request("head_object", Key=key)
            except FileNotFoundError:
                self._see_bucket()
                return None
        self._bucket_seen = True
        return FileState(int(found["ContentLength"]), _changed(found))

    def _see_bucket(self) -> None:
        """Ask once whether the bucket is there: to HEAD a missing bucket looks like a missing object."""
        if not self._bucket_seen:
            self._request("list_objects_v2", Prefix=self._start, MaxKeys=1)
            self._bucket_seen = True

    def entries(self, prefix: str = "") -> Iterator[tuple[str, int]]:
        start = f"{self._key(prefix)}/" if prefix else self._start
        for page in self._pages(prefix, start):
            for each in page.get("Contents", ()):
                path = each["Key"][len(self._start) :]
                with suppress(ArtifactError):  # something that was put there by hand
                    yield self.checked(path), int(each["Size"])

    def _pages(self, path: str, start: str) -> Iterator[dict[str, Any]]:
        following: dict[str, str] = {}
        while True:
            with self._told(path, "list it"):
                page = self._request("list_objects_v2", Prefix=start, MaxKeys=_PAGE, **following)
            yield page
            if not page.get("IsTruncated"):
                return
            following = {"ContinuationToken": page["NextContinuationToken"]}

    # Deleting

    def delete(self, path: str) -> None:
        key = self._key(path)
        hit("delete")
        batch = [key]
        for page in self._pages(path, f"{key}/"):
            for each in page.get("Contents", ()):
                batch.append(each["Key"])
                if len(batch) == _PAGE:
                    self._delete(path, batch)
                    batch = []
        if batch:
            self._delete(path, batch)

    def _delete(self, path: str, keys: list[str]) -> None:
        with self._told(path, "delete it"):
            wanted = {"Objects": [{"Key": each} for each in keys], "Quiet": True}
            answer = self._request("delete_objects", Delete=wanted)
        if left := answer.get("Errors"):
            first = left[0]
            raise StoreError(
                f"artifact store {self.name!r} at {self.config.url!r}: {len(left)} objects of {path!r} could "
                f"not be deleted, the first is {first.get('Key')!r}: {first.get('Code')}",
                hint="it needs s3:DeleteObject there, and no lock or hold on the objects",
            )

    def sweep(self) -> int:
        """Drop the parts of uploads that began long ago and never ended; nobody sees them, all pay them."""
        swept = 0
        oldest = datetime.now(UTC) - timedelta(days=self.config.abandoned_after_days)
        with suppress(StoreError):  # a right that nothing else needs
            for each in self._uploads():
                if each["Initiated"] < oldest:
                    with self._told("", "drop an upload that never ended"), suppress(FileNotFoundError):
                        self._request("abort_multipart_upload", Key=each["Key"], UploadId=each["UploadId"])
                        swept += 1
        return swept

    def _uploads(self) -> Iterator[dict[str, Any]]:
        following: dict[str, str] = {}
        while True:
            with self._told("", "list uploads"):
                page = self._request("list_multipart_uploads", Prefix=self._start, **following)
            yield from page.get("Uploads", ())
            if not page.get("IsTruncated"):
                return
            following = {
                "KeyMarker": page["NextKeyMarker"],
                "UploadIdMarker": page.get("NextUploadIdMarker", ""),
            }

    def _request(self, method: str, **arguments: Any) -> dict[str, Any]:
        answer = self.filesystem.call_s3(method, Bucket=self.config.bucket, **arguments)
        return cast("dict[str, Any]", answer)

    def _key(self, path: str) -> str:
        return f"{self._start}{self.checked(path)}"


def _changed(head: Mapping[str, Any]) -> int:
    """Return when an object was last changed, by the clock of this machine.

    The service dates it, in seconds. Where the two clocks differ by more than that, as the date of the answer
    shows, the difference is added.
    """
    dated: int = round(head["LastModified"].timestamp() * _SECOND)
    said = head.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
    ahead = now() - round(parsedate_to_datetime(said).timestamp() * _SECOND) if said else 0
    return dated if abs(ahead) <= _SAME_CLOCK else dated + ahead
