"""Where the parts of a step's code stand in the files below a source root as they are now."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from dovetail.planning.source_file import SourceFile, source_file
from dovetail.records.plan import SourceRef

_LABEL = re.compile(r"(?P<module>[^:]*)(:(?P<name>[^@(]+)(?P<rest>.*))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class CodePlace:
    """A place: a file relative to the root, a line of it, and whether what stands there is what was recorded.

    `line` is None where the file does not hold the part any more, or the part is all of it. `recorded` is
    None where that cannot be said: for a value that was held in memory.
    """

    file: str
    line: int | None
    recorded: bool | None


class CodePlaces:
    """Finds the parts of one step below `root`. Nothing is imported."""

    def __init__(self, root: Path, sources: Iterable[SourceRef]) -> None:
        self._root = root
        self._paths = {each.module: each.path for each in sources if each.path is not None}

    def find(self, part: str, digest: str) -> CodePlace | None:
        """Return where a part is, by its name and recorded digest; None where its module has no file."""
        label = _LABEL.fullmatch(part)
        module = label["module"] if label else part
        file = self.file(module)
        if label is None or file is None:
            return None
        source = self._read(file, module)
        name, rest = label["name"], label["rest"]
        if source is None:
            return CodePlace(file, None, recorded=None)
        if name is None:
            return CodePlace(file, None, recorded=source.whole().digest == digest)
        top, *inner = [each for each in name.split(".") if each != "<locals>"]
        if top not in source:
            return CodePlace(file, None, recorded=False)
        in_memory = bool(inner or rest)
        return CodePlace(
            file,
            source.line_of(top, inner),
            recorded=None if in_memory else source.part(top).digest == digest,
        )

    def hold(self, source: SourceRef) -> bool:
        """Say whether all of a step's code that can be found again stands in its files as it was recorded."""
        found = [self.find(part, digest) for part, digest in source.parts.items()]
        return all(each is not None and each.recorded is not False for each in found)

    def file(self, module: str) -> str | None:
        """Return the file of a module relative to the root; None where it has none there."""
        if module in self._paths:
            return self._paths[module]
        if not module:
            return None
        inside = PurePosixPath(*module.split("."))
        for base in self._bases():
            for file in (base / inside.with_suffix(".py"), base / inside / "__init__.py"):
                if (self._root / file).is_file():
                    return file.as_posix()
        return None

    def _bases(self) -> Iterator[PurePosixPath]:
        """Yield the directories that modules are imported from, as far as the steps' own files tell."""
        for module, path in self._paths.items():
            depth = len(module.split(".")) + (PurePosixPath(path).name == "__init__.py")
            parents = PurePosixPath(path).parents
            yield parents[min(depth, len(parents)) - 1]
        yield PurePosixPath()

    def _read(self, file: str, module: str) -> SourceFile | None:
        path = self._root / file
        try:
            return source_file(path, module, package=path.name == "__init__.py")
        except OSError:
            return None
