"""The code archive: a project's files as one file of the artifact store, named by what is in it."""

from __future__ import annotations

import errno
import os
import zipfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from dovetail.components.artifact_store import ArtifactStore
from dovetail.errors import ArtifactError, ConflictError, PlanError, cannot_write
from dovetail.hashing import digest_copy, digest_stream, digest_value
from dovetail.records.report import code_path

CODE_LIMIT = 100 << 20
"""How many bytes of files are taken along; more is data, which belongs into artifacts."""

ARCHIVES = "DOVETAIL_CODE"
"""The variable that names a directory of archives which came with the machine, as with a container image."""

_MEGABYTE = 10**6
_EPOCH = (1980, 1, 1, 0, 0, 0)
_NAMED = 3
_MORE_TRIES = 4
_EXECUTABLE = 0o100
_REFUSALS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.EMFILE}


def tree_digest(root: Path, files: Iterable[str]) -> str:
    """Return the digest of the files below `root`: their paths, contents, and which are programs."""
    found = []
    for each in sorted(files):
        with (root / each).open("rb") as stream:
            found.append((each, _is_program(root / each), digest_stream(stream)[0]))
    return digest_value(tuple(found))


def check_size(root: Path, files: Iterable[str], limit: int = CODE_LIMIT) -> int:
    """Return the bytes of the files together.

    Raises:
        PlanError: it is more than the limit; says which files are the biggest.
    """
    sizes = {each: (root / each).stat().st_size for each in files}
    if (total := sum(sizes.values())) > limit:
        biggest = sorted(sizes, key=lambda each: (-sizes[each], each))[:_NAMED]
        named = ", ".join(f"{each!r} ({in_megabytes(sizes[each])})" for each in biggest)
        raise PlanError(
            f"the code below {str(root)!r} is {in_megabytes(total)} in {len(sizes)} files, and at most "
            f"{in_megabytes(limit)} go with a step that runs elsewhere; the biggest: {named}",
            hint="name what steps do not need in .dovetailignore, and give them data as artifacts",
        )
    return total


def in_megabytes(size: int) -> str:
    """Return a size for people."""
    return f"{size / _MEGABYTE:.1f} MB" if size >= _MEGABYTE // 10 else f"{size / 1000:.1f} kB"


def write_archive(root: Path, files: Iterable[str], stream: BinaryIO, digest: str) -> None:
    """Write the files into `stream`, in order of their names, without times and owners.

    Raises:
        ConflictError: it would not have this digest of `tree_digest`: a file was saved meanwhile.
    """
    found = []
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for each in sorted(files):
            entry = zipfile.ZipInfo(each, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            program = _is_program(root / each)
            entry.external_attr = (0o100755 if program else 0o100644) << 16
            with (root / each).open("rb") as source, archive.open(entry, "w") as target:
                found.append((each, program, digest_copy(source, cast("BinaryIO", target))[0]))
    if digest_value(tuple(found)) != digest:
        raise ConflictError(
            f"the code below {str(root)!r} changes while it is packed",
            hint="run it again when nothing writes there",
        )


def store_archive(root: Path, files: list[str], store: ArtifactStore) -> tuple[str, bool]:
    """Put the files into the store, unless it has them; return their digest, and whether they are new there.

    Raises:
        StoreError: the store refuses.
        ConflictError: the files change all the time.
    """
    for _ in range(_MORE_TRIES):
        with suppress(ConflictError):
            return _stored(root, files, store)
    return _stored(root, files, store)


def _stored(root: Path, files: list[str], store: ArtifactStore) -> tuple[str, bool]:
    digest = tree_digest(root, files)
    path = code_path(digest)
    if store.size(path) is not None:
        return digest, False
    try:
        with store.create(path) as stream:
            write_archive(root, files, stream, digest)
    except ArtifactError:
        if store.size(path) is None:
            raise
        return digest, False  # another run was faster
    return digest, True


def unpack_archive(store: ArtifactStore, digest: str, into: Path) -> None:
    """Lay the files of an archive into the empty directory `into`.

    Raises:
        ArtifactError: it is not there, or not what its name says.
        StoreError: the directory does not take it.
    """
    path = code_path(digest)
    try:
        with _opened(store, path) as stream, zipfile.ZipFile(stream) as archive:
            names = archive.namelist()
            for each in archive.infolist():
                target = Path(archive.extract(_plain(each), into))
                if each.external_attr >> 16 & _EXECUTABLE:
                    target.chmod(target.stat().st_mode | 0o111)
        whole = tree_digest(into, names) == digest
    except (zipfile.BadZipFile, ValueError, EOFError, OSError) as error:
        if isinstance(error, OSError) and error.errno in _REFUSALS:
            raise cannot_write("the code archive", into, error) from error
        raise _damaged(path, str(error)) from error
    if not whole:
        raise _damaged(path, "its files are others than its name says")


def _opened(store: ArtifactStore, path: str) -> BinaryIO:
    here = Path(os.environ[ARCHIVES]) / path if os.environ.get(ARCHIVES) else None
    return here.open("rb") if here is not None and here.is_file() else store.open(path)


def _plain(entry: zipfile.ZipInfo) -> zipfile.ZipInfo:
    path = PurePosixPath(entry.filename)
    if path.is_absolute() or ".." in path.parts or "\\" in entry.filename:
        raise ValueError(f"{entry.filename!r} leads out of it")
    return entry


def _is_program(file: Path) -> bool:
    return bool(file.stat().st_mode & _EXECUTABLE)


def _damaged(path: str, why: str) -> ArtifactError:
    return ArtifactError(
        f"the code archive {path!r} is damaged: {why}",
        hint="remove it from the artifact store and resume the run, which makes it anew",
    )
