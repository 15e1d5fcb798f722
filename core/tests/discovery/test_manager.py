from __future__ import annotations

import sys
from typing import Any

import pytest

from dovetail.components.artifact_store import ArtifactStore
from dovetail.components.component import Component
from dovetail.discovery.manager import load_base, load_config, load_flavor
from dovetail.errors import IntegrationError

PARTS = """
from dovetail.plugin import Flavor, hookimpl

@hookimpl
def dovetail_artifact_stores():
    yield Flavor("shelf", 1, "shelf_config:Config", "shelf_store:Store", requires=("boards>=2",))
"""
CONFIG = "from dovetail.plugin import ComponentConfig\nclass Config(ComponentConfig):\n    width: int = 3\n"
STORE = "from dovetail.plugin import ArtifactStore\nclass Store(ArtifactStore):\n    pass\n"
OVEN = """
from dovetail.plugin import ComponentType, Flavor, hookimpl

@hookimpl
def dovetail_component_types():
    yield ComponentType("oven", "oven", "ovens", "dovetail_oven_parts:Oven")

@hookimpl
def dovetail_flavors(component_type):
    yield Flavor("gas", 1, "dovetail_oven_parts:Config", "dovetail_oven_parts:Gas")
"""
OVEN_PARTS = """
from dovetail.plugin import Component, ComponentConfig

class Config(ComponentConfig): ...
class Oven(Component): ...
class Gas(Oven): ...
"""


def shelf(site: Any, *, config: str = CONFIG, store: str = STORE) -> None:
    for name in ("shelf_config", "shelf_store"):
        sys.modules.pop(name, None)
    site.wheel("dovetail-shelf", PARTS, files={"shelf_config.py": config, "shelf_store.py": store})


def test_registering_imports_the_configuration_model_alone(site: Any) -> None:
    shelf(site, store="1 / 0")
    assert load_config("artifact_store", "shelf")(width=4).model_dump() == {"width": 4}
    assert "shelf_store" not in sys.modules
    assert "dovetail_shelf" not in sys.modules


def test_using_imports_both_classes(site: Any) -> None:
    shelf(site)
    config, store = load_flavor("artifact_store", "dovetail-shelf/shelf")
    assert (config.__name__, store.__name__) == ("Config", "Store")
    assert issubclass(store, ArtifactStore)


def test_a_third_party_s_type_is_loaded_like_any(site: Any) -> None:
    site.wheel("dovetail-oven", OVEN, files={"dovetail_oven_parts.py": OVEN_PARTS})
    base = load_base("oven")
    assert issubclass(base, Component)
    assert issubclass(load_flavor("oven", "gas")[1], base)


def test_a_missing_library_is_named_with_what_to_install(site: Any) -> None:
    shelf(site, store="import boards_of_oak")
    with pytest.raises(IntegrationError, match="'dovetail-shelf/shelf' needs 'boards_of_oak'") as caught:
        load_flavor("artifact_store", "shelf")
    assert caught.value.hint == "pip install boards>=2"
    assert caught.value.where == "dovetail-shelf 1.0"
    assert isinstance(caught.value.__cause__, ModuleNotFoundError)


@pytest.mark.parametrize(
    ("store", "said"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("import sys; sys.exit(4)", "SystemExit: 4"),
        ("assert False", "AssertionError"),
        ("Store = 3", "which is no ArtifactStore"),
        ("class Store: ...", "which is no ArtifactStore"),
        ("", "AttributeError"),
    ],
)
def test_an_implementation_that_is_none_is_told_with_its_wheel(site: Any, store: str, said: str) -> None:
    shelf(site, store=store)
    with pytest.raises(IntegrationError, match=said) as caught:
        load_flavor("artifact_store", "shelf")
    assert caught.value.where == "dovetail-shelf 1.0"
    assert caught.value.hint


def test_a_configuration_model_that_is_none_is_told(site: Any) -> None:
    shelf(site, config="class Config: ...")
    with pytest.raises(IntegrationError, match="which is no ComponentConfig"):
        load_config("artifact_store", "shelf")


def test_ctrl_c_while_a_plugin_is_imported_goes_on_to_the_user(site: Any) -> None:
    shelf(site, store="raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        load_flavor("artifact_store", "shelf")
