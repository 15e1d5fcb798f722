"""Arrays and scalars in .npy files: NumPy's own format (NEP 1), never its pickled variant."""

from __future__ import annotations

from typing import Any, BinaryIO, TypeAlias, cast

import numpy as np
from numpy.lib import format as npy

from dovetail.plugin import ArtifactReader, ArtifactWriter, BaseMaterializer, MaterializerError

Array: TypeAlias = np.ndarray[Any, Any]

FILE = "array.npy"
# A piece that is digested and then written stays in the processor's cache in between.
_PIECE = 1 << 22
# Parsing a header takes time quadratic in its length; this admits some ten thousand fields.
_LONGEST_HEADER = 1 << 20


class ArrayMaterializer(BaseMaterializer):
    """Store an array as `array.npy`; read it into memory once, with dtype, byte order and layout kept."""

    name = "array"
    version = 1
    deterministic = True

    def save(self, value: Array, files: ArtifactWriter) -> None:
        """Write header and buffer; a contiguous array is not copied.

        Raises:
            MaterializerError: it is no plain array, or its dtype has no form in the file.
        """
        if type(value) not in {np.ndarray, np.memmap}:
            raise MaterializerError(
                f"a {_type_name(value)} cannot be stored as a NumPy array without loss",
                hint="return numpy.asarray(value), or a masked array's .data and .mask as two outputs",
            )
        _check_dtype(value.dtype)
        with files.create(FILE) as stream:
            _write(value, stream)

    def load(self, annotation: object, files: ArtifactReader) -> Array:
        """Read the array; what is allocated is the array itself."""
        return _read(files)

    def summary(self, value: Array) -> dict[str, Any]:
        return {"shape": list(value.shape), "dtype": str(value.dtype)}


class ScalarMaterializer(BaseMaterializer):
    """Store a scalar (`numpy.float32`, `numpy.datetime64`, ...) as an array without dimensions."""

    name = "scalar"
    version = 1
    deterministic = True

    def save(self, value: np.generic, files: ArtifactWriter) -> None:
        if not isinstance(value, np.generic):
            raise MaterializerError(
                f"a {_type_name(value)} is no NumPy scalar",
                hint="return numpy.float64(value) or the like, or annotate the output with the type it has",
            )
        _check_dtype(value.dtype)
        with files.create(FILE) as stream:
            _write(np.asarray(value), stream)

    def load(self, annotation: object, files: ArtifactReader) -> np.generic:
        scalar: Any = _read(files)[()]
        return cast("np.generic", scalar)

    def summary(self, value: np.generic) -> dict[str, Any]:
        return {"dtype": str(value.dtype), "value": str(value)[:100]}


def _write(array: Array, stream: BinaryIO) -> None:
    flat = array if array.flags.c_contiguous else array.T
    try:
        header = npy.header_data_from_array_1_0(array)
        if not flat.flags.c_contiguous:
            npy.write_array(stream, array, version=(1, 0), allow_pickle=False)
            return
        npy.write_array_header_1_0(stream, header)
    except ValueError:
        # Field names outside Latin-1, or too many for the first version of the format.
        npy.write_array(stream, array, version=(3, 0), allow_pickle=False)
        return
    if array.nbytes:
        buffer = flat.reshape(-1).view(np.uint8).data
        for start in range(0, array.nbytes, _PIECE):  # noqa: FURB122 - the stream owes only `write`
            stream.write(buffer[start : start + _PIECE])


def _read(files: ArtifactReader) -> Array:
    with files.open(FILE) as stream:
        try:
            return npy.read_array(stream, allow_pickle=False, max_header_size=_LONGEST_HEADER)
        except (ValueError, TypeError, MemoryError, OverflowError, EOFError) as error:
            raise MaterializerError(
                f"{FILE!r} holds no array that can be read: {error}",
                hint="`dovetail artifact verify` says whether it was damaged or written by something else",
            ) from error


def _check_dtype(dtype: np.dtype[Any]) -> None:
    """Refuse a dtype whose values the file could not give back."""
    if dtype.hasobject:
        raise MaterializerError(
            f"an array of dtype {str(dtype)!r} holds Python objects, which only pickle could store",
            hint="convert it: .astype(str) or a numeric dtype, .tolist() for JSON values, pandas for tables",
        )
    if not _survives(dtype):
        raise MaterializerError(
            f"dtype {str(dtype)!r} has no form in a .npy file",
            hint="convert it with .astype(...) to a standard dtype; structured ones with "
            "numpy.lib.recfunctions.repack_fields",
        )


def _survives(dtype: np.dtype[Any]) -> bool:
    """Say whether the description in a header gives this dtype back (those of other libraries do not)."""
    if dtype.metadata:
        return False
    try:
        restored = npy.descr_to_dtype(npy.dtype_to_descr(dtype))
    except ValueError:
        return False
    return bool(restored == dtype) and restored.type is dtype.type


def _type_name(value: object) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"
