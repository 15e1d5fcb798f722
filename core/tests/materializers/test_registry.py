from __future__ import annotations

import subprocess
import sys
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path, PurePosixPath
from typing import Any, Literal, NamedTuple, TypeVar

import pytest
from pydantic import BaseModel, SecretStr
from typing_extensions import TypedDict  # as pydantic wants it before Python 3.12

from dovetail.components.flavor import Materializes
from dovetail.errors import MaterializerError
from dovetail.materializers.base import BaseMaterializer
from dovetail.materializers.files import ArtifactReader, ArtifactWriter
from dovetail.materializers.registry import CORE, JSON, PICKLE, TEXT, Registry, load_materializer
from dovetail.records.plan import MaterializerRef

T = TypeVar("T")


def library_class(module: str, name: str, *bases: type) -> type:
    """Return what stands for a class of a library that is not installed."""
    return type(name, bases, {"__module__": module})


Frame = library_class("pandas.core.frame", "DataFrame")
NewFrame = library_class("pandas", "DataFrame")
GeoFrame = library_class("geopandas.frame", "GeoDataFrame", Frame)
Tensor = library_class("torch", "Tensor")

FRAMES = Materializes(
    "frame",
    1,
    ("pandas.DataFrame", "pandas.core.frame.DataFrame"),
    "nowhere.at_all:FrameMaterializer",
    version=3,
)
FRAME_REF = MaterializerRef(
    name="dovetail-pandas/frame", reference="nowhere.at_all:FrameMaterializer", version=3
)


@pytest.fixture
def registry() -> Registry:
    return Registry(
        [("dovetail-pandas/frame", FRAMES)],
        {"torch.Tensor": "dovetail-torch", "pandas.DataFrame": "dovetail-pandas"}.get,
    )


class Colour(Enum):
    RED = 1


class Point(NamedTuple):
    x: float


class Row(TypedDict):
    at: datetime


@dataclass
class Settings:
    rows: list[Row]
    inner: Settings | None = None


class Model(BaseModel):
    settings: Settings
    mail: SecretStr | None = None


@dataclass
class HasTensor:
    weights: dict[str, Tensor]  # type: ignore[valid-type] # made above


class HasTensorToo(BaseModel):
    model_config = {"arbitrary_types_allowed": True}

    inner: list[HasTensor]


class OwnText(str):
    __slots__ = ()


class OwnMaterializer(BaseMaterializer):
    name = "own"
    version = 4

    def save(self, value: Any, files: ArtifactWriter) -> None:
        files.put("own", value)

    def load(self, annotation: Any, files: ArtifactReader) -> Any:
        return files.get("own")


@pytest.mark.parametrize(
    "annotation",
    [
        int,
        None,
        Any,
        object,
        bool,
        list,
        dict,
        list[int],
        dict[str, list[float | None]],
        tuple[int, ...],
        set[str],
        Sequence[int],
        Mapping[str, Any],
        str | None,
        str | int,
        Literal["a"],
        datetime,
        PurePosixPath,
        deque[int],
        OrderedDict[str, int],
        Colour,
        Point,
        Row,
        Settings,
        Model,
        list[Model] | None,
        T,
        dict[Point, Colour],
        list[Path],
    ],
    ids=str,
)
def test_plain_types_are_stored_as_json(registry: Registry, annotation: object) -> None:
    assert registry.require(annotation, "output") is JSON


@pytest.mark.parametrize(
    ("annotation", "name"),
    [(str, "text"), (bytes, "bytes"), (bytearray, "bytes"), (Path, "path"), (type(Path()), "path")],
)
def test_text_bytes_and_paths_have_files_of_their_own(
    registry: Registry, annotation: object, name: str
) -> None:
    assert registry.require(annotation, "output").name == f"builtin/{name}"


@pytest.mark.parametrize("cls", [Frame, NewFrame, GeoFrame])
def test_a_library_type_is_found_by_its_names_and_those_of_its_bases(registry: Registry, cls: type) -> None:
    assert registry.require(cls, "output") == FRAME_REF


def test_nothing_is_imported_to_find_a_materializer() -> None:
    code = """
import sys
from dovetail.components.flavor import Materializes
from dovetail.materializers.registry import Registry
frames = Materializes("frame", 1, ("pandas.core.frame.DataFrame",), "pandas:DataFrame")
registry = Registry([("w/frame", frames)])
cls = type("DataFrame", (), {"__module__": "pandas.core.frame"})
assert registry.require(cls, "o").name == "w/frame" and registry.require(int, "o")
heavy = {"pandas", "numpy", "fsspec", "cloudpickle", "sqlalchemy"} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_name_is_public_whatever_the_release_of_its_library(registry: Registry) -> None:
    assert registry.type_name(Frame) == registry.type_name(NewFrame) == "pandas.DataFrame"
    assert registry.type_name(list[Frame]) == "list[pandas.DataFrame]"


def test_a_union_is_stored_where_all_its_members_are_stored_alike(registry: Registry) -> None:
    assert registry.find(Frame | NewFrame) == FRAME_REF
    assert registry.find(Frame | None) is None
    assert registry.find(Frame | int) is None


@pytest.mark.parametrize(
    ("annotation", "culprit", "wheel"),
    [
        (Tensor, "torch.Tensor", "dovetail-torch"),
        (list[Tensor], "torch.Tensor", "dovetail-torch"),
        (HasTensor, "torch.Tensor", "dovetail-torch"),
        (dict[str, HasTensorToo], "torch.Tensor", "dovetail-torch"),
        (Tensor | None, "torch.Tensor", "dovetail-torch"),
        (OwnText, "OwnText", None),
        (Callable[[int], int], "Callable", None),
        (type, "type", None),
        (Exception, "Exception", None),
    ],
    ids=str,
)
def test_a_type_that_nothing_stores_is_named_with_output_and_wheel(
    registry: Registry, annotation: object, culprit: str, wheel: str | None
) -> None:
    with pytest.raises(MaterializerError) as caught:
        registry.require(annotation, "model")
    assert "'model'" in caught.value.message
    assert culprit in caught.value.message
    assert (f"integration install {wheel}" if wheel else "materializers={") in (caught.value.hint or "")


@pytest.mark.parametrize("annotation", [list[Frame], dict[str, NewFrame], list[Tensor], Frame | None])
def test_what_is_stored_alone_is_better_returned_alone(registry: Registry, annotation: object) -> None:
    with pytest.raises(MaterializerError) as caught:
        registry.require(annotation, "model")
    assert "an output of its own" in (caught.value.hint or "")
    assert ("integration install" in (caught.value.hint or "")) is (annotation == list[Tensor])


def test_two_wheels_for_one_type_are_a_choice_of_the_user() -> None:
    other = Materializes("table", 1, ("pandas.DataFrame",), "other:Table")
    registry = Registry([("dovetail-pandas/frame", FRAMES), ("dovetail-polars/table", other)])
    with pytest.raises(MaterializerError, match="several materializers") as caught:
        registry.require(NewFrame, "output")
    assert "dovetail-pandas/frame" in (caught.value.hint or "")
    assert registry.require(Frame, "output") == FRAME_REF


@pytest.mark.parametrize("name", ["frame", "dovetail-pandas/frame"])
def test_a_materializer_is_named_by_its_bare_or_full_name(registry: Registry, name: str) -> None:
    assert registry.named(name) == FRAME_REF
    assert registry.named("pickle") == registry.named("builtin/pickle") == PICKLE


def test_a_class_of_the_user_is_a_custom_materializer(registry: Registry) -> None:
    ref = registry.named(OwnMaterializer)
    assert ref.name == "custom/OwnMaterializer"
    assert ref.reference.endswith(":OwnMaterializer")
    assert ref.version == 4
    assert registry.named(type(load_materializer(TEXT))) == TEXT


@pytest.mark.parametrize("what", ["pickel", "", int, 3, OwnMaterializer()])
def test_what_is_no_materializer_is_refused(registry: Registry, what: object) -> None:
    with pytest.raises(MaterializerError) as caught:
        registry.named(what)
    assert caught.value.hint


def test_core_materializers_are_there_whatever_is_announced() -> None:
    announced = [("builtin/json", Materializes("json", 1, ("builtins.int",), JSON.reference))]
    assert Registry(announced).find(int) is JSON
    for ref in CORE.values():
        assert load_materializer(ref).name == ref.name.partition("/")[2]
        assert load_materializer(ref).version == ref.version


def test_pickle_is_loaded_only_where_the_plan_names_it(registry: Registry) -> None:
    with pytest.raises(MaterializerError, match="unpickled only where the plan"):
        registry.load(PICKLE)
    assert registry.load(PICKLE, named=[PICKLE]).name == "pickle"


def test_a_record_alone_imports_no_code_of_users(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "antigravity", raising=False)
    for ref in (
        MaterializerRef(name="custom/Fly", reference="antigravity:Fly"),
        MaterializerRef(name="builtin/json", reference="antigravity:Fly"),
        MaterializerRef(name="unknown/json", reference="antigravity:Fly"),
    ):
        if ref.name == "builtin/json":
            assert registry.load(ref).name == "json"
        else:
            with pytest.raises(MaterializerError):
                registry.load(ref)
    assert "antigravity" not in sys.modules


@pytest.mark.parametrize(
    "reference", ["os:system", "builtins:print", "nowhere.at.all:X", "json:nothing", "math:pi"]
)
def test_a_reference_that_leads_to_no_materializer_is_refused(reference: str) -> None:
    with pytest.raises(MaterializerError, match=reference) as caught:
        load_materializer(MaterializerRef(name="custom/X", reference=reference))
    assert caught.value.hint
