from __future__ import annotations

from typing import Any

import pytest

from dovetail.errors import ConfigurationError, ConflictError, IllegalNameError, NotFoundError, UsageError
from dovetail.stacks.profile import Profile, Registered

SHELF = Registered("artifact_store", "shelf", "acme/shelf", {"path": "x"})


@pytest.fixture
def profile() -> Profile:
    made = Profile.new("default")
    made.add_component(SHELF)
    made.add_stack("dev", {"orchestrator": "local", "artifact_store": "shelf"})
    return made


def test_a_new_profile_has_a_stack_that_works() -> None:
    parts = {
        "orchestrator": "local",
        "artifact_store": "local",
        "metadata_store": "sqlite",
        "visualizer": "html",
    }
    assert Profile.new("x").stacks == {"default": parts}
    assert Profile.new("x").component("artifact_store", "local").flavor == "dovetail/local"


def test_a_profile_comes_back_from_its_document(profile: Profile) -> None:
    again = Profile.from_document("default", profile.document(), "f")
    assert (again.components, again.stacks) == (profile.components, profile.stacks)


def test_a_name_is_taken_once(profile: Profile) -> None:
    with pytest.raises(ConflictError, match="artifact store 'shelf' is there already"):
        profile.add_component(SHELF)
    with pytest.raises(ConflictError, match="stack 'dev' is there already"):
        profile.copy_stack("default", "dev")


@pytest.mark.parametrize("name", ["", "a b", "../x", "-x", "x" * 101, "con"])
def test_an_illegal_name_is_refused(profile: Profile, name: str) -> None:
    with pytest.raises(IllegalNameError):
        profile.add_component(SHELF._replace(name=name))
    with pytest.raises(IllegalNameError):
        profile.rename_stack("dev", name)
    assert list(profile.stacks) == ["default", "dev"]


def test_what_is_not_there_is_told_with_what_is_near(profile: Profile) -> None:
    with pytest.raises(NotFoundError, match="no artifact store 'shlf'") as component:
        profile.component("artifact_store", "shlf")
    with pytest.raises(NotFoundError, match="no stack 'dve'") as stack:
        profile.stack("dve")
    assert "'shelf'" in str(component.value.hint)
    assert "'dev'" in str(stack.value.hint)


def test_a_component_of_a_stack_stays_until_the_stack_goes(profile: Profile) -> None:
    with pytest.raises(ConflictError, match="belongs to stack 'dev'"):
        profile.remove_component("artifact_store", "shelf")
    profile.remove_stack("dev")
    assert profile.remove_component("artifact_store", "shelf") == SHELF
    assert "shelf" not in profile.components["artifact_store"]


@pytest.mark.parametrize(
    ("parts", "error"),
    [
        ({"orchestrator": "local"}, UsageError),
        ({}, UsageError),
        ({"orchestrator": "local", "artifact_store": "gone"}, NotFoundError),
        ({"orchestrator": "local", "artifact_store": "local", "alerter": "local"}, NotFoundError),
    ],
)
def test_a_stack_that_lacks_something_is_refused_and_not_kept(
    profile: Profile, parts: dict[str, str], error: type[Exception]
) -> None:
    with pytest.raises(error):
        profile.add_stack("new", parts)
    assert "new" not in profile.stacks


def test_an_update_replaces_adds_and_takes_out(profile: Profile) -> None:
    profile.update_stack("dev", {"artifact_store": "local", "visualizer": "html"})
    profile.update_stack("dev", {}, without=["visualizer"])
    assert profile.stack("dev") == {"orchestrator": "local", "artifact_store": "local"}
    with pytest.raises(UsageError, match="no orchestrator"):
        profile.update_stack("dev", {}, without=["orchestrator"])
    with pytest.raises(NotFoundError, match="no alerter"):
        profile.update_stack("dev", {}, without=["alerter"])
    assert profile.stack("dev") == {"orchestrator": "local", "artifact_store": "local"}


def test_a_copy_goes_its_own_way(profile: Profile) -> None:
    profile.copy_stack("dev", "prod")
    profile.update_stack("prod", {"artifact_store": "local"})
    profile.rename_stack("dev", "test")
    assert list(profile.stacks) == ["default", "test", "prod"]
    assert profile.stack("test")["artifact_store"] == "shelf"


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({"format": 2}, "format 2"),
        ({"stackz": {}}, "no key 'stackz'"),
        ({"stacks": []}, "'stacks' is list"),
        ({"stacks": {"a": "b"}}, "'a' is str"),
        ({"components": {"artifact_store": {"a": {"flavour": "x"}}}}, "no key 'flavour'"),
        ({"components": {"artifact_store": {"a": {}}}}, "has no flavor"),
        ({"components": {"artifact_store": {"a": {"flavor": "x", "config": 1}}}}, "'config' is int"),
        ({"stacks": {"a": {"orchestrator": 1}}}, "is int, not text"),
        ({"components": {"artifact_store": {"a/b": {"flavor": "x"}}}}, "cannot name"),
    ],
)
def test_a_document_of_another_form_is_refused(document: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        Profile.from_document("x", document, "f.yaml")


def test_a_misspelled_key_is_told_with_the_right_one() -> None:
    with pytest.raises(ConfigurationError) as raised:
        Profile.from_document("x", {"stackz": {}}, "f.yaml")
    assert (raised.value.where, raised.value.hint) == ("f.yaml", "did you mean 'stacks'?")
