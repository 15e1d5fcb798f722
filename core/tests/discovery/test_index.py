from __future__ import annotations

from typing import Any

import pytest

from dovetail.components.flavor import CORE_TYPES
from dovetail.discovery import catalog
from dovetail.discovery.index import load_index
from dovetail.discovery.integration import State
from dovetail.errors import IntegrationError

OTHER = """
from dovetail.plugin import Flavor, hookimpl

@hookimpl
def dovetail_artifact_stores():
    yield Flavor("shelf", contract=1, config="other:Config", implementation="other:Store")
    yield Flavor("rack", contract=8, config="other:Config", implementation="other:Store")
"""


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("orchestrator", ["dovetail/local"]),
        ("artifact_store", ["dovetail/local", "dovetail/memory"]),
        ("metadata_store", ["dovetail/sqlite"]),
        ("visualizer", ["dovetail/html"]),
    ],
)
def test_the_core_brings_what_one_machine_needs(kind: str, names: list[str]) -> None:
    assert [name for name in load_index().flavors(kind) if name.startswith("dovetail/")] == names


def test_every_type_of_the_core_is_there() -> None:
    assert list(load_index().component_types().values())[: len(CORE_TYPES)] == list(CORE_TYPES)


def test_a_flavor_is_found_by_its_bare_and_its_qualified_name(site: Any) -> None:
    site.wheel("dovetail-shelf")
    index = load_index()
    assert index.resolve("artifact_store", "shelf") == index.resolve("artifact_store", "dovetail-shelf/shelf")
    assert index.resolve("artifact_store", "local")[0] == "dovetail/local"


def test_a_bare_name_of_two_wheels_is_an_error_at_use(site: Any) -> None:
    site.wheel("dovetail-shelf")
    site.wheel("other-shelf", OTHER, integration="other")
    index = load_index()
    with pytest.raises(IntegrationError, match="ambiguous") as caught:
        index.resolve("artifact_store", "shelf")
    assert caught.value.hint == "write 'dovetail-shelf/shelf' or 'other-shelf/shelf'"
    assert index.resolve("artifact_store", "other-shelf/shelf")[1].config == "other:Config"


def test_an_unknown_flavor_is_answered_with_the_nearest() -> None:
    with pytest.raises(IntegrationError, match="artifact store flavor 'memmory'") as caught:
        load_index().resolve("artifact_store", "memmory")
    assert caught.value.hint == "did you mean 'memory'?"


def test_an_unknown_type_is_answered_with_the_nearest() -> None:
    with pytest.raises(IntegrationError, match="no component type 'artefact_store'") as caught:
        load_index().flavors("artefact_store")
    assert "'artifact_store'" in str(caught.value.hint)


@pytest.mark.parametrize("text", ["shelf", "dovetail-shelf/shelf"])
def test_a_flavor_of_the_catalog_is_answered_with_what_to_install(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    offer = catalog.Offer("shelf", "dovetail-shelf", "", {"artifact_store": ("shelf",)}, (), ())
    monkeypatch.setattr(catalog, "offers", lambda: {"shelf": offer})
    with pytest.raises(IntegrationError) as caught:
        load_index().resolve("artifact_store", text)
    assert caught.value.hint == "dovetail integration install shelf"


def test_a_flavor_of_a_wheel_that_is_gone_is_answered_with_the_wheel() -> None:
    with pytest.raises(IntegrationError) as caught:
        load_index().resolve("artifact_store", "gone-shelf/shelf")
    assert "wheel 'gone-shelf' is not installed" in str(caught.value.hint)


def test_a_flavor_of_a_broken_wheel_is_answered_with_its_cause(site: Any) -> None:
    site.wheel("dovetail-shelf", "import no_such_library")
    with pytest.raises(IntegrationError, match="needs 'no_such_library'") as caught:
        load_index().resolve("artifact_store", "dovetail-shelf/shelf")
    assert caught.value.where == "dovetail-shelf"
    assert "reinstall" in str(caught.value.hint)


@pytest.mark.parametrize("text", ["rack", "other-shelf/rack"])
def test_an_incompatible_flavor_is_answered_with_the_contract(site: Any, text: str) -> None:
    site.wheel("other-shelf", OTHER)
    with pytest.raises(IntegrationError, match="contract 8") as caught:
        load_index().resolve("artifact_store", text)
    assert caught.value.hint == "upgrade dovetail"


def test_materializers_carry_the_name_of_who_brings_them() -> None:
    names = [name for name, _ in load_index().materializers()]
    expected = {"builtin/json", "builtin/text", "builtin/bytes", "builtin/path", "builtin/pickle"}
    assert expected <= set(names)
    assert len(names) == len(set(names))


def test_an_integration_is_found_by_name_and_by_wheel(site: Any) -> None:
    site.wheel("dovetail-shelf")
    index = load_index()
    assert index.integration("shelf") is index.integration("dovetail-shelf")
    with pytest.raises(IntegrationError, match="'shelv'") as caught:
        index.integration("shelv")
    assert "'shelf'" in str(caught.value.hint)


def test_a_name_of_two_wheels_asks_for_the_wheel(site: Any) -> None:
    site.wheel("dovetail-shelf")
    site.wheel("other-shelf", integration="shelf")
    with pytest.raises(IntegrationError, match="ambiguous") as caught:
        load_index().integration("shelf")
    assert caught.value.hint == "name the wheel: dovetail-shelf or other-shelf"


def test_what_the_catalog_offers_is_available_until_it_is_installed(
    site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer = catalog.Offer("shelf", "dovetail-shelf", "boards", {}, (), ())
    monkeypatch.setattr(catalog, "offers", lambda: {"shelf": offer})
    (found,) = load_index().available()
    assert (found.state, found.version, found.cure) == (
        State.AVAILABLE,
        None,
        "dovetail integration install shelf",
    )
    site.wheel("dovetail-shelf")
    assert load_index().available() == []
