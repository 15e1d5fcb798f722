"""The materializer of paths: the file or the directory that a Path leads to."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from dovetail.errors import MaterializerError
from dovetail.hashing import canonical_json
from dovetail.materializers.base import BaseMaterializer
from dovetail.materializers.files import ArtifactReader, ArtifactWriter
from dovetail.materializers.json_codec import decode

INDEX = "index.json"
_CHUNK = 1 << 20


class PathMaterializer(BaseMaterializer):
    """Stores the content a Path leads to: a file, or a directory with all below it, empty ones included.

    Names, content and the right to execute are kept, times and owners are not. Links below a directory
    and special files are refused, because what they lead to is not part of the value; a Path that is a
    link itself is followed. Loading lays the content out in a directory of the loader's own, so that it
    may be changed there.
    """

    name = "path"

    def save(self, value: Any, files: ArtifactWriter) -> None:
        top = Path(value).resolve()
        if not top.exists():
            raise MaterializerError(
                f"path {str(value)!r} does not exist", hint="write the file before the step returns its path"
            )
        index = []
        for number, (name, path) in enumerate(_walk(top)):
            entry: dict[str, Any] = {"path": name}
            if path.is_file():
                entry["file"] = f"files/{number:06d}"
                entry["executable"] = bool(path.stat().st_mode & stat.S_IXUSR)
                with path.open("rb") as source, files.create(entry["file"]) as target:
                    shutil.copyfileobj(source, target, _CHUNK)
            index.append(entry)
        try:
            files.put(INDEX, canonical_json({"name": top.name, "entries": index}))
        except UnicodeEncodeError as error:
            raise MaterializerError(
                f"a file name below {str(value)!r} is no text: {error}", hint="rename it"
            ) from error

    def load(self, annotation: Any, files: ArtifactReader) -> Path:
        index = decode(files.get(INDEX))
        root = files.scratch / _inside(index["name"])
        for entry in index["entries"]:
            target = root if entry["path"] == "." else root / _inside(entry["path"])
            if "file" not in entry:
                target.mkdir()
                continue
            with files.open(entry["file"]) as source, target.open("xb") as copy:
                shutil.copyfileobj(source, copy, _CHUNK)
            if entry["executable"]:
                target.chmod(target.stat().st_mode | 0o111)
        return root

    def summary(self, value: Any) -> dict[str, Any]:
        """Return the name, and of a directory how many files it holds."""
        top = Path(value).resolve()
        if top.is_file():
            return {"name": top.name, "bytes": top.stat().st_size}
        return {"name": top.name, "files": sum(path.is_file() for _, path in _walk(top))}


def _walk(top: Path) -> Iterator[tuple[str, Path]]:
    """Yield what lies at and below `top`, directories before their content, sorted by name."""
    left = [top]
    while left:
        path = left.pop()
        name = "." if path == top else path.relative_to(top).as_posix()
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            raise MaterializerError(
                f"{name!r} below {str(top)!r} is a link to {os.readlink(path)!r}",  # noqa: PTH115 - its text
                hint="return a copy without links, such as shutil.copytree makes",
            )
        if stat.S_ISDIR(mode):
            left.extend(sorted(path.iterdir(), reverse=True))
        elif not stat.S_ISREG(mode):
            raise MaterializerError(
                f"{name!r} below {str(top)!r} is neither file nor directory",
                hint="remove it before the step returns",
            )
        yield name, path


def _inside(name: str) -> PurePosixPath:
    """Return a stored name as a path that stays where it is put."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts or "\\" in name or "\0" in name:
        raise MaterializerError(
            f"stored name {name!r} leads out of its directory",
            hint="the artifact was not made by this program",
        )
    return path
