from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dovetail.plugin import MaterializerError
from dovetail.testing.materializer import TrialFiles
from dovetail_numpy.npy_file import FILE, ArrayMaterializer, ScalarMaterializer

ARRAY = ArrayMaterializer()
SCALAR = ScalarMaterializer()

with_files = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
plain_dtypes = st.one_of(hnp.scalar_dtypes(), hnp.unicode_string_dtypes(), hnp.byte_string_dtypes())
dtypes = st.one_of(plain_dtypes, hnp.array_dtypes(plain_dtypes, allow_subarrays=True))
shapes = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)


def same(first: np.ndarray, second: np.ndarray) -> bool:
    return (
        type(second) is np.ndarray
        and first.dtype == second.dtype
        and first.shape == second.shape
        and first.tobytes() == second.tobytes()
    )


@with_files
@given(array=dtypes.flatmap(lambda dtype: hnp.arrays(dtype, shapes)), order=st.sampled_from("CF"))
def test_an_array_comes_back_as_it_was(keep: Callable[..., Any], array: np.ndarray, order: str) -> None:
    array = np.array(array, order=order)
    restored = keep(ARRAY, array)
    assert same(array, restored)
    assert restored.flags.f_contiguous == array.flags.f_contiguous


@with_files
@given(array=plain_dtypes.flatmap(lambda dtype: hnp.arrays(dtype, (4, 5, 3))), data=st.data())
def test_a_view_with_gaps_comes_back_as_an_array_of_its_own(
    keep: Callable[..., Any], array: np.ndarray, data: st.DataObject
) -> None:
    view = array[data.draw(hnp.basic_indices(array.shape, allow_newaxis=True))]
    restored = keep(ARRAY, np.asarray(view))
    assert same(np.asarray(view), restored)


@with_files
@given(array=hnp.scalar_dtypes().flatmap(lambda dtype: hnp.arrays(dtype, (1,))))
def test_a_scalar_keeps_its_class_and_value(keep: Callable[..., Any], array: np.ndarray) -> None:
    restored = keep(SCALAR, array[0])
    assert type(restored) is type(array[0])
    assert restored.tobytes() == array[0].tobytes()


@pytest.mark.parametrize(
    "dtype",
    [
        np.dtype([("日本", "f8"), ("b", "i4")]),
        np.dtype([(f"field{number:05}", "i1") for number in range(3_000)]),
        np.dtype([("a", "i2"), ("b", "f8")], align=True),
        np.dtype(">f8"),
        np.dtype("datetime64[ns]"),
        np.dtype("timedelta64[s]"),
    ],
    ids=["unicode", "many fields", "aligned", "big-endian", "datetime", "timedelta"],
)
def test_unusual_dtypes_come_back(keep: Callable[..., Any], dtype: np.dtype) -> None:
    array = np.frombuffer(np.arange(dtype.itemsize * 3, dtype="u8").astype("u1").tobytes(), dtype)
    assert same(array, keep(ARRAY, array))


def test_a_memory_map_comes_back_as_an_array(keep: Callable[..., Any], tmp_path: Path) -> None:
    mapped = np.memmap(tmp_path / "mapped", dtype="f4", mode="w+", shape=(5, 2))
    mapped[:] = 3
    assert same(np.asarray(mapped), keep(ARRAY, mapped))


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (np.array([{}, 1], dtype=object), "Python objects"),
        (np.array([(1, None)], dtype=[("a", "i4"), ("b", "O")]), "Python objects"),
        (np.ma.masked_array([1, 2], [True, False]), "numpy.ma"),
        (np.array([1.5]).view(np.recarray), "rec"),
        (np.array([1, 2]).astype(np.dtype("i8", metadata={"unit": "m"})), "no form"),
        (
            np.zeros(2, {"names": ["a", "b"], "formats": ["i4", "i4"], "offsets": [4, 0], "itemsize": 8}),
            "no form",
        ),
        ([1, 2], "builtins.list"),
        (np.float64(1), "numpy.float64"),
    ],
)
def test_what_would_change_is_refused_with_a_remedy(
    keep: Callable[..., Any], value: object, told: str
) -> None:
    with pytest.raises(MaterializerError, match=told) as caught:
        keep(ARRAY, value)
    assert caught.value.hint


def test_an_array_is_no_scalar(keep: Callable[..., Any]) -> None:
    with pytest.raises(MaterializerError, match=r"numpy\.ndarray is no NumPy scalar"):
        keep(SCALAR, np.array(1))


def test_a_pickled_array_is_not_read(files: TrialFiles) -> None:
    with files.writer.create(FILE) as stream:
        np.save(stream, np.array([print], dtype=object), allow_pickle=True)
    with pytest.raises(MaterializerError, match="Object arrays cannot be loaded"):
        ARRAY.load(np.ndarray, files.reader)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no array",
        b"\x93NUMPY\x01\x00\x76\x00{",
        b"\x93NUMPY\x01\x00\xff\xff{'descr': __import__('os').abort()}",
    ],
)
def test_what_is_no_array_is_named(files: TrialFiles, content: bytes) -> None:
    with files.writer.create(FILE) as stream:
        stream.write(content)
    with pytest.raises(MaterializerError, match=FILE):
        ARRAY.load(np.ndarray, files.reader)


def test_a_header_that_promises_too_much_is_refused(files: TrialFiles) -> None:
    with files.writer.create(FILE) as stream:
        header = {"descr": "<f8", "fortran_order": False, "shape": (1 << 50,)}
        np.lib.format.write_array_header_1_0(stream, header)
    with pytest.raises(MaterializerError, match=FILE):
        ARRAY.load(np.ndarray, files.reader)


def test_the_file_is_what_numpy_itself_writes(files: TrialFiles) -> None:
    array = np.asfortranarray(np.arange(12.0).reshape(3, 4))
    expected = io.BytesIO()
    ARRAY.save(array, files.writer)
    np.save(expected, array)
    assert files.bytes() == {FILE: expected.getvalue()}


def test_the_summary_says_shape_and_dtype() -> None:
    assert ARRAY.summary(np.zeros((2, 0), "f4")) == {"shape": [2, 0], "dtype": "float32"}
    assert SCALAR.summary(np.int8(7)) == {"dtype": "int8", "value": "7"}


PEAK = """
import sys
from pathlib import Path
import numpy as np
from dovetail.testing.materializer import TrialFiles
from dovetail_numpy.npy_file import ArrayMaterializer

def peak():
    text = Path("/proc/self/status").read_text()
    return int(text.split("VmHWM:")[1].split()[0]) * 1024

folder = Path(sys.argv[1])
"""
SAVING = f"""{PEAK}
array, files = np.ones(1 << 23), TrialFiles(folder)
before = peak()
ArrayMaterializer().save(array, files.writer)
print(peak() - before, array.nbytes, files.folder)
"""
LOADING = f"""{PEAK}
class Reader:
    def open(self, name):
        return (folder / name).open("rb")

before = peak()
array = ArrayMaterializer().load(np.ndarray, Reader())
print(peak() - before, array.nbytes)
"""


def growth(program: str, folder: str) -> tuple[float, str]:
    """Run a program; return by how much of an array's size it grew, and what else it says."""
    command = [sys.executable, "-c", program, folder]
    child = subprocess.run(command, capture_output=True, text=True, check=True)
    more, size, *rest = child.stdout.split()
    return int(more) / int(size), "".join(rest)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc; run it on Linux")
def test_saving_copies_nothing_and_loading_allocates_the_array_once(tmp_path: Path) -> None:
    saving, folder = growth(SAVING, str(tmp_path))
    loading, _ = growth(LOADING, folder)
    assert saving < 0.2
    assert loading < 1.2


WRITE = f"""{PEAK}
import hashlib
files = TrialFiles(folder)
ArrayMaterializer().save(np.arange(1000.0).reshape(10, 100), files.writer)
print(hashlib.sha256(files.bytes()["array.npy"]).hexdigest())
"""


def test_two_processes_write_equal_bytes(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITE, str(tmp_path)]
    digests = {
        subprocess.run(
            command, env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(digests) == 1
