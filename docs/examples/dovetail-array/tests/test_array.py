from array import array
from pathlib import Path

import pytest

from dovetail.plugin import MaterializerError
from dovetail.testing.materializer import TrialFiles, kept
from dovetail.testing.packaging import PackagingContract
from dovetail_array.raw_file import ArrayMaterializer


@pytest.mark.parametrize("value", [array("d", [1.5, -2.0]), array("B", b"bytes"), array("q")])
def test_an_array_comes_back_equal(value: "array[float]", tmp_path: Path) -> None:
    found = kept(ArrayMaterializer(), value, tmp_path)
    assert (found, found.typecode) == (value, value.typecode)


def test_the_file_is_the_same_on_every_machine(tmp_path: Path) -> None:
    files = TrialFiles(tmp_path)
    ArrayMaterializer().save(array("H", [1, 256]), files.writer)
    assert files.bytes() == {"items.bin": b"H\x01\x00\x00\x01"}


def test_what_has_no_portable_form_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MaterializerError, match="another size"):
        kept(ArrayMaterializer(), array("l", [1]), tmp_path)


class TestPackaging(PackagingContract):
    wheel = "dovetail-array"
