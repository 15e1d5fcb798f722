"""A container registry that speaks the OCI distribution protocol."""

from __future__ import annotations

import re
import shutil
import tempfile
import time
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

import requests

from dovetail.plugin import (
    ComponentConfig,
    ConflictError,
    ContainerRegistry,
    Image,
    NotFoundError,
    Reach,
    StoreError,
    UsageError,
)
from dovetail_oci.conversation import Conversation, Request
from dovetail_oci.layout import (
    LARGEST_MANIFEST,
    MANIFEST_TYPES,
    Descriptor,
    Layout,
    descriptor,
    hasher,
    matches,
    references,
    write_index,
)
from dovetail_oci.settings import OciRegistryConfig

_REPOSITORY = re.compile(r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_ACCEPT = {"Accept": ", ".join(MANIFEST_TYPES)}
_BYTES = {"Content-Type": "application/octet-stream"}
_CHUNK = 1 << 20
_ATTEMPTS = 3
_PAUSE = 0.2


class OciRegistry(ContainerRegistry):
    """Pushes and pulls images; no container engine and no other program is needed."""

    config_class: ClassVar[type[ComponentConfig]] = OciRegistryConfig

    def __init__(self, name: str, config: OciRegistryConfig, *, home: Path) -> None:
        super().__init__(name, config, home=home)
        self.reach = Reach.HOST if config.on_this_machine else Reach.NETWORK
        self._conversation = Conversation(name, config)

    @property
    def address(self) -> str:
        return str(self.config.address)

    def close(self) -> None:
        self._conversation.close()

    def authenticate(self) -> None:
        self._conversation.ask(Request("GET", "/v2/", "log in"))

    def push(self, layout: Path, repository: str, tag: str) -> Image:
        named, source = self._named(repository), Layout(layout)
        _check(_TAG, tag, "tag", "letters, digits, '.', '_' and '-', at most 128")
        image = source.image()
        self.authenticate()
        self._send_manifest(source, image, named, tag)
        return Image(repository, image.digest, tag)

    def resolve(self, repository: str, tag: str) -> Image | None:
        named = self._named(repository)
        _check(_TAG, tag, "tag", "letters, digits, '.', '_' and '-', at most 128")
        need = f"resolve {repository}:{tag}"
        request = Request("HEAD", f"/v2/{named}/manifests/{tag}", need, _scope(named, "pull"), _ACCEPT)
        answer = self._conversation.ask(request, expected=(200, 404))
        if answer.status_code == requests.codes.not_found:
            return None
        said = {"mediaType": "", "size": 0, "digest": answer.headers.get("Docker-Content-Digest")}
        return Image(repository, descriptor(said, f"the answer to `{need}`").digest, tag)

    def pull(self, image: Image, layout: Path) -> None:
        named = self._named(image.repository)
        asked = {"mediaType": "", "size": 0, "digest": image.digest}
        digest = descriptor(asked, f"image {image.reference!r}").digest
        if layout.exists():
            raise ConflictError(f"{str(layout)!r} exists already", hint="name a directory that is not there")
        layout.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".pulled-", dir=layout.parent) as kept:
            made = Path(kept) / "layout"
            found = self._fetch_manifest(named, digest, made, image)
            write_index(made, found, image.tag)
            shutil.move(made, layout)

    def _named(self, repository: str) -> str:
        named = f"{self.config.prefix}{repository}"
        _check(_REPOSITORY, named, "repository", "lower case, digits, '.', '_', '-', and '/' between parts")
        return named

    # Up.

    def _send_manifest(self, source: Layout, manifest: Descriptor, named: str, reference: str) -> None:
        """Send what a manifest refers to, then itself: before that nobody can see any of it."""
        data = source.file(manifest).read_bytes()
        for each in references(data, f"manifest {manifest.digest}"):
            if each.is_manifest:
                self._send_manifest(source, each, named, each.digest)
            else:
                self._send_blob(source, each, named)
        need = f"push {named}:{reference}"
        kind, scope = {"Content-Type": manifest.media_type}, _scope(named, "pull,push")
        path = f"/v2/{named}/manifests/{reference}"
        request = Request("PUT", path, need, scope, kind, partial(nullcontext, data))
        answer = self._conversation.ask(request, expected=(201,))
        self._same_digest(answer, manifest.digest, need)

    def _send_blob(self, source: Layout, blob: Descriptor, named: str) -> None:
        need, scope = f"push blob {blob.digest} to {named}", _scope(named, "pull,push")
        path = f"/v2/{named}/blobs/"
        looked = Request("HEAD", f"{path}{blob.digest}", need, scope)
        if self._conversation.ask(looked, expected=(200, 404)).status_code == requests.codes.ok:
            return
        file = source.file(blob)
        begun = self._conversation.ask(Request("POST", f"{path}uploads/", need, scope), expected=(202,))
        place = begun.headers.get("Location", "")
        # An open file without bytes would be sent in chunks, which the protocol has no place for here.
        body = partial(file.open, "rb") if blob.size else partial(nullcontext, b"")
        request = Request(
            "PUT",
            f"{place}{'&' if '?' in place else '?'}digest={quote(blob.digest)}",
            need,
            scope,
            _BYTES,
            body,
        )
        answer = self._conversation.ask(request, expected=(201,))
        self._same_digest(answer, blob.digest, need)

    def _same_digest(self, answer: requests.Response, digest: str, need: str) -> None:
        said = answer.headers.get("Docker-Content-Digest", digest)
        if said != digest:
            raise self._other(need, f"it answers with digest {said!r:.100} instead of {digest}")

    # Down.

    def _fetch_manifest(self, named: str, digest: str, into: Path, image: Image) -> Descriptor:
        need = f"pull {image.reference}"
        request = Request("GET", f"/v2/{named}/manifests/{digest}", need, _scope(named, "pull"), _ACCEPT)
        answer = self._conversation.ask(request, expected=(200, 404), stream=True)
        with answer:
            if answer.status_code == requests.codes.not_found:
                raise NotFoundError(
                    f"{self._conversation.what} has no image {image.reference!r}",
                    hint="it was deleted, or pushed to another registry or repository",
                )
            data = self._read(answer, need, LARGEST_MANIFEST)
        if not matches(data, digest):
            raise self._other(need, f"what it sends as {digest} has another digest")
        media_type = answer.headers.get("Content-Type", MANIFEST_TYPES[0]).partition(";")[0].strip()
        found = Descriptor(media_type, digest, len(data))
        _place(into, found).write_bytes(data)
        for each in references(data, f"manifest {digest}"):
            if each.is_manifest:
                self._fetch_manifest(named, each.digest, into, image)
            else:
                self._fetch_blob(named, each, into)
        return found

    def _fetch_blob(self, named: str, blob: Descriptor, into: Path) -> None:
        """Write a blob; a connection that drops is made again, a few times."""
        target, need = _place(into, blob), f"pull blob {blob.digest} of {named}"
        for attempt in range(_ATTEMPTS):
            try:
                digest, size = self._download(named, blob, target, need)
                break
            except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError) as error:
                if attempt == _ATTEMPTS - 1:
                    raise self._conversation.unreadable(error, need) from error
                time.sleep(_PAUSE * 2**attempt)
        else:
            raise AssertionError
        if (digest, size) != (blob.digest, blob.size):
            raise self._other(need, f"what it sends has {size} bytes of digest {digest}")

    def _download(self, named: str, blob: Descriptor, target: Path, need: str) -> tuple[str, int]:
        made, size = hasher(blob.digest), 0
        path, scope = f"/v2/{named}/blobs/{blob.digest}", _scope(named, "pull")
        with (
            self._conversation.ask(Request("GET", path, need, scope), stream=True) as answer,
            target.open("wb") as file,
        ):
            for piece in answer.iter_content(_CHUNK):
                made.update(piece)
                size += len(piece)
                if size > blob.size:
                    break
                file.write(piece)
        return f"{made.name}:{made.hexdigest()}", size

    def _read(self, answer: requests.Response, need: str, most: int) -> bytes:
        data = bytearray()
        try:
            for piece in answer.iter_content(_CHUNK):
                data += piece
                if len(data) > most:
                    raise self._other(need, f"its manifest is larger than {most} bytes")
        except requests.RequestException as error:
            raise self._conversation.unreadable(error, need) from error
        return bytes(data)

    def _other(self, need: str, said: str) -> StoreError:
        return StoreError(
            f"{self._conversation.what}: cannot {need}: {said}",
            hint="nothing of it was kept; the registry or something before it is damaged or lies",
        )


def _scope(named: str, actions: str) -> str:
    return f"repository:{named}:{actions}"


def _check(pattern: re.Pattern[str], text: str, kind: str, form: str) -> None:
    if not pattern.fullmatch(text):
        raise UsageError(f"{text!r} is no {kind}", hint=f"a {kind} has {form}")


def _place(into: Path, blob: Descriptor) -> Path:
    place = into / blob.path
    place.parent.mkdir(parents=True, exist_ok=True)
    return place
