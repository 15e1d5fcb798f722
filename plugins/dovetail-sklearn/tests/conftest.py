from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import pytest

# The models of the tests lie beside them.
sys.path.insert(0, str(Path(__file__).parent))


class Files:
    """Stands for both ends of an artifact: what a materializer may do, on a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def create(self, name: str) -> Iterator[BinaryIO]:
        with (self.folder / name).open("xb") as stream:
            yield stream

    def open(self, name: str) -> BinaryIO:
        return (self.folder / name).open("rb")

    @contextmanager
    def local_path(self, name: str) -> Iterator[Path]:
        yield self.folder / name


class Materializer(Protocol):
    def save(self, value: object, files: Files) -> None: ...
    def load(self, annotation: object, files: Files) -> object: ...


@pytest.fixture
def new_files(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Files]:
    return lambda: Files(tmp_path_factory.mktemp("artifact"))


@pytest.fixture
def keep(new_files: Callable[[], Files]) -> Callable[..., Any]:
    def _keep(materializer: Materializer, value: object, annotation: object = None) -> object:
        files = new_files()
        materializer.save(value, files)
        return materializer.load(annotation, files)

    return _keep
