from __future__ import annotations

from typing import Any

import pytest

from dovetail.discovery.index import Index, load_index
from dovetail.discovery.integration import Integration, State

IMPORTS = "from dovetail.plugin import ComponentType, Flavor, Materializes, hookimpl\n"
STORES = IMPORTS + "@hookimpl\ndef dovetail_artifact_stores():\n    return [{}]\n"
OVENS = IMPORTS + (
    "@hookimpl\ndef dovetail_component_types():\n"
    "    yield ComponentType('oven', 'oven', 'ovens', '{module}:Oven', contracts=(1, 2), flag='-o')\n"
)
BAKES = IMPORTS + (
    "@hookimpl\ndef dovetail_flavors(component_type):\n"
    "    if component_type == 'oven':\n"
    "        yield Flavor('gas', 2, '{module}:Config', '{module}:Gas')\n"
)
MATERIALIZER = (
    "@hookimpl\ndef dovetail_materializers():\n    yield Materializes('disc', 1, ('a.B',), 'a:M')\n"
)


def flavor(name: str = "shelf", contract: object = 1, config: str = "a.b:C") -> str:
    return f"Flavor({name!r}, {contract!r}, {config!r}, 'a.b:D')"


def found(name: str, index: Index | None = None) -> Integration:
    return (index or load_index()).integration(name)


def test_an_unknown_hook_degrades_and_the_rest_works(site: Any) -> None:
    site.wheel("dovetail-new", STORES.format(flavor()) + "@hookimpl\ndef dovetail_teleporters(): ...\n")
    new = found("new")
    assert new.state is State.DEGRADED
    assert "dovetail_teleporters" in new.cause
    assert "upgrade dovetail" in new.cure
    assert [each.name for each in new.flavors["artifact_store"]] == ["shelf"]


def test_a_contract_that_is_not_served_is_incompatible(site: Any) -> None:
    site.wheel("dovetail-new", STORES.format(flavor(contract=7)))
    new = found("new")
    assert new.state is State.INCOMPATIBLE
    assert "contract 7, this program serves 1" in new.cause
    assert new.cure == "upgrade dovetail"
    assert new.flavors == {}


def test_a_contract_of_the_past_asks_for_a_newer_wheel(site: Any) -> None:
    site.wheel("dovetail-old", STORES.format(flavor(contract=0)))
    assert found("old").cure == "upgrade dovetail-old"


def test_one_foreign_contract_leaves_the_rest_working(site: Any) -> None:
    site.wheel("dovetail-both", STORES.format(f"{flavor()}, {flavor('rack', 2)}") + MATERIALIZER)
    both = found("both")
    assert both.state is State.DEGRADED
    assert [each.name for each in both.flavors["artifact_store"]] == ["shelf"]
    assert [each.name for each in both.refused] == ["rack"]


def test_two_wheels_of_one_name_are_told_and_go_on_to_work(site: Any) -> None:
    site.wheel("dovetail-shelf", STORES.format(flavor()))
    site.wheel("other-shelf", STORES.format(flavor()), integration="shelf")
    index = load_index()
    assert [found(each, index).state for each in ("dovetail-shelf", "other-shelf")] == [State.CONFLICT] * 2
    assert "other-shelf 1.0" in found("dovetail-shelf", index).cause
    assert {"dovetail-shelf/shelf", "other-shelf/shelf"} <= set(index.flavors("artifact_store"))


def test_two_wheels_of_one_module_are_both_refused(site: Any) -> None:
    site.wheel("dovetail-shelf", STORES.format(flavor()))
    site.wheel("other-shelf", STORES.format(flavor()), module="dovetail_shelf", integration="other")
    index = load_index()
    assert [found(each, index).state for each in ("shelf", "other")] == [State.CONFLICT] * 2
    assert not {"dovetail-shelf/shelf", "other-shelf/shelf"} & set(index.flavors("artifact_store"))


def test_a_wheel_that_names_a_module_of_the_core_does_not_harm_the_core(site: Any) -> None:
    site.wheel("evil", value="dovetail.builtin", integration="builtin", module="evil")
    index = load_index()
    assert found("evil", index).state is State.CONFLICT
    assert found("dovetail", index).state is State.OK


def test_the_names_of_built_in_flavors_are_reserved(site: Any) -> None:
    site.wheel("dovetail-mine", STORES.format(f"{flavor('local')}, {flavor()}"))
    mine = found("mine")
    assert mine.state is State.DEGRADED
    assert "'local'" in mine.cause
    assert [each.name for each in mine.flavors["artifact_store"]] == ["shelf"]


def test_a_third_party_brings_a_type_and_flavors_of_it(site: Any) -> None:
    site.wheel("dovetail-oven", OVENS + BAKES)
    index = load_index()
    assert found("oven", index).state is State.OK
    assert index.component_types()["oven"].contracts == (1, 2)
    assert list(index.flavors("oven")) == ["dovetail-oven/gas"]


def test_a_short_option_of_the_core_stays_the_core_s(site: Any) -> None:
    site.wheel("dovetail-oven", OVENS)
    types = load_index().component_types()
    assert (types["oven"].flag, types["orchestrator"].flag) == (None, "-o")


def test_a_wheel_brings_a_flavor_of_another_wheel_s_type(site: Any) -> None:
    site.wheel("dovetail-a-gas", BAKES)
    site.wheel("dovetail-oven", OVENS)
    assert load_index().resolve("oven", "gas")[0] == "dovetail-a-gas/gas"


def test_a_type_of_two_wheels_is_neither_s(site: Any) -> None:
    site.wheel("dovetail-oven", OVENS)
    site.wheel("other-oven", OVENS)
    index = load_index()
    assert "oven" not in index.component_types()
    assert "dovetail-oven and other-oven" in found("dovetail-oven", index).cause


@pytest.mark.parametrize("name", ["artifact_store", "Oven", "my-oven"])
def test_a_type_needs_a_name_of_its_own(site: Any, name: str) -> None:
    site.wheel("dovetail-oven", OVENS.replace("'oven'", repr(name), 1))
    oven = found("oven")
    assert oven.state is State.DEGRADED
    assert repr(name) in oven.cause


@pytest.mark.parametrize(
    "wrong",
    [
        "3",
        "'shelf'",
        "None",
        flavor(name="no/slash"),
        flavor(contract="1"),
        flavor(contract=True),
        flavor(config="no colon"),
        flavor(config="os:system('x')"),
        "Materializes('x', 1, (), 'a:b')",
    ],
)
def test_what_is_no_flavor_breaks_only_its_wheel(site: Any, wrong: str) -> None:
    site.wheel("dovetail-bad", STORES.format(wrong))
    index = load_index()
    assert found("bad", index).state is State.BROKEN
    assert found("bad", index).cause.startswith("it raised")
    assert found("builtin", index).state is State.OK


@pytest.mark.parametrize(
    "body", ["return 3", "return 'abc'", "raise ValueError('not today')", "import sys; sys.exit()"]
)
def test_a_hook_that_fails_breaks_only_its_wheel(site: Any, body: str) -> None:
    site.wheel("dovetail-bad", f"{IMPORTS}@hookimpl\ndef dovetail_artifact_stores():\n    {body}\n")
    index = load_index()
    assert [found(each, index).state for each in ("bad", "builtin")] == [State.BROKEN, State.OK]


def test_a_hook_with_a_wrong_argument_breaks_only_its_wheel(site: Any) -> None:
    site.wheel("dovetail-bad", f"{IMPORTS}@hookimpl\ndef dovetail_artifact_stores(mood): ...\n")
    assert "mood" in found("bad").cause


def test_a_flavor_announced_twice_counts_once(site: Any) -> None:
    site.wheel("dovetail-twice", STORES.format(f"{flavor()}, {flavor()}"))
    assert "announced twice" in found("twice").cause


def test_an_integration_survives_its_journey_as_json(site: Any) -> None:
    site.wheel("dovetail-oven", OVENS + BAKES + MATERIALIZER + STORES.format(flavor(contract=9)))
    for each in load_index().integrations:
        assert Integration.from_document(each.document()) == each
