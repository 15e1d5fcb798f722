from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dovetail.errors import ArtifactError
from dovetail.materializers.json_value import JsonMaterializer
from dovetail.testing.materializer import TrialFiles, kept


@pytest.mark.parametrize("value", [1, "a", {"a": (1, 2)}])
def test_what_a_materializer_keeps_comes_back(tmp_path: Path, value: object) -> None:
    assert kept(JsonMaterializer(), value, tmp_path) == value


def test_files_of_somebody_else_are_read_with_digests_that_fit(tmp_path: Path) -> None:
    files = TrialFiles(tmp_path)
    files.writer.put("value.json", b"3")
    assert files.reader.get("value.json") == b"3"
    assert files.bytes() == {"value.json": b"3"}


def test_a_damaged_file_is_found_as_in_a_run(tmp_path: Path) -> None:
    files = TrialFiles(tmp_path)
    JsonMaterializer().save([1, 2], files.writer)
    (name,) = files.bytes()
    (files.folder / name).unlink()
    (files.folder / name).write_bytes(b"other")
    with pytest.raises(ArtifactError, match="damaged"):
        JsonMaterializer().load(Any, files.reader)
