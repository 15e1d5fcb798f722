from __future__ import annotations

import hashlib
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
from dovetail_numpy.npy_file import FILE, ArrayMaterializer, ScalarMaterializer

ARRAY = ArrayMaterializer()
SCALAR = ScalarMaterializer()
TESTS = str(Path(__file__).parent)

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


def test_a_pickled_array_is_not_read(new_files: Callable[[], Any]) -> None:
    files = new_files()
    with files.create(FILE) as stream:
        np.save(stream, np.array([print], dtype=object), allow_pickle=True)
    with pytest.raises(MaterializerError, match="Object arrays cannot be loaded"):
        ARRAY.load(np.ndarray, files)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no array",
        b"\x93NUMPY\x01\x00\x76\x00{",
        b"\x93NUMPY\x01\x00\xff\xff{'descr': __import__('os').abort()}",
    ],
)
def test_what_is_no_array_is_named(new_files: Callable[[], Any], content: bytes) -> None:
    files = new_files()
    with files.create(FILE) as stream:
        stream.write(content)
    with pytest.raises(MaterializerError, match=FILE):
        ARRAY.load(np.ndarray, files)


def test_a_header_that_promises_too_much_is_refused(new_files: Callable[[], Any]) -> None:
    files = new_files()
    with files.create(FILE) as stream:
        header = {"descr": "<f8", "fortran_order": False, "shape": (1 << 50,)}
        np.lib.format.write_array_header_1_0(stream, header)
    with pytest.raises(MaterializerError, match=FILE):
        ARRAY.load(np.ndarray, files)


def test_the_file_is_what_numpy_itself_writes(new_files: Callable[[], Any]) -> None:
    array = np.asfortranarray(np.arange(12.0).reshape(3, 4))
    files, expected = new_files(), io.BytesIO()
    ARRAY.save(array, files)
    np.save(expected, array)
    with files.open(FILE) as stream:
        assert stream.read() == expected.getvalue()


def test_the_summary_says_shape_and_dtype() -> None:
    assert ARRAY.summary(np.zeros((2, 0), "f4")) == {"shape": [2, 0], "dtype": "float32"}
    assert SCALAR.summary(np.int8(7)) == {"dtype": "int8", "value": "7"}


MEMORY = """
import sys
import numpy as np
from dovetail_numpy.npy_file import ArrayMaterializer
sys.path.insert(0, {tests!r})
from conftest import Files
from pathlib import Path

def peak():
    text = Path("/proc/self/status").read_text()
    return int(text.split("VmHWM:")[1].split()[0]) * 1024

files = Files(Path({folder!r}))
if {saving}:
    array = np.ones(({count},))
    before = peak()
    ArrayMaterializer().save(array, files)
else:
    before = peak()
    array = ArrayMaterializer().load(np.ndarray, files)
print(peak() - before, array.nbytes)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc; run it on Linux")
def test_saving_copies_nothing_and_loading_allocates_the_array_once(tmp_path: Path) -> None:
    grown = {}
    for saving in (True, False):
        program = MEMORY.format(tests=TESTS, folder=str(tmp_path), saving=saving, count=1 << 23)
        child = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        more, size = map(int, child.stdout.split())
        grown[saving] = more / size
    assert grown[True] < 0.2
    assert grown[False] < 1.2


def test_two_processes_write_equal_bytes(tmp_path: Path) -> None:
    digests = set()
    program = MEMORY.replace("np.ones(({count},))", "np.arange(1000.0).reshape(10, 100)")
    for seed in ("1", "2"):
        folder = tmp_path / seed
        folder.mkdir()
        text = program.format(tests=TESTS, folder=str(folder), saving=True)
        subprocess.run([sys.executable, "-c", text], check=True, env=os.environ | {"PYTHONHASHSEED": seed})
        digests.add(hashlib.sha256((folder / FILE).read_bytes()).hexdigest())
    assert len(digests) == 1
