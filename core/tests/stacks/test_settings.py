from __future__ import annotations

from pathlib import Path

import pytest

from dovetail import Stack
from dovetail.errors import ConfigurationError, ConflictError, IntegrationError, NotFoundError
from dovetail.stacks.assemble import active_stack_record
from dovetail.stacks.profile_store import open_profile

pytestmark = pytest.mark.usefixtures("indexed")


def test_a_stack_from_python_is_the_default_one_unless_told_otherwise(tmp_path: Path) -> None:
    stack = Stack(name="dev", artifact_store={"flavor": "local", "path": str(tmp_path)}, visualizer=None)
    found = stack.record()
    assert {kind: each.flavor for kind, each in found.components.items()} == {
        "orchestrator": "dovetail/local",
        "artifact_store": "dovetail/local",
        "metadata_store": "dovetail/sqlite",
    }
    assert found.components["artifact_store"].config == {"path": str(tmp_path)}
    assert found.components["artifact_store"].name == "dev"


def test_a_stack_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOVETAIL_STACK_NAME", "ci")
    monkeypatch.setenv("DOVETAIL_STACK_ARTIFACT_STORE", '{"flavor": "memory"}')
    monkeypatch.setenv("DOVETAIL_STACK_ORCHESTRATOR", "local")
    found = Stack().record()
    assert (found.name, found.components["artifact_store"].flavor) == ("ci", "dovetail/memory")


def test_a_record_keeps_nothing_and_registering_does(home: Path) -> None:
    stack = Stack(name="dev", artifact_store={"flavor": "memory", "name": "ram"})
    stack.record()
    assert not (home / "profiles").exists()
    stack.register()
    assert active_stack_record("dev") == stack.record()
    assert open_profile().read().component("artifact_store", "ram").flavor == "dovetail/memory"


def test_registering_again_is_nothing_new_and_another_of_the_name_is_refused(home: Path) -> None:
    store = {"flavor": "local", "path": "x"}
    Stack(name="dev", artifact_store=store).register()
    Stack(name="dev", artifact_store=store).register()
    with pytest.raises(ConflictError):
        Stack(name="dev", artifact_store={**store, "path": "y"}).register()
    with pytest.raises(ConflictError):
        Stack(name="dev").register()


def test_what_is_wrong_is_told_as_everywhere() -> None:
    with pytest.raises(ConfigurationError, match="no setting 'orchestratr'") as raised:
        Stack(orchestratr="local")
    assert raised.value.hint == "did you mean 'orchestrator'?"
    with pytest.raises(NotFoundError, match="no alerter 'bell'"):
        Stack(alerter="bell").record()
    with pytest.raises(IntegrationError, match="no artifact store flavor 'memry'"):
        Stack(artifact_store={"flavor": "memry"}).record()
    with pytest.raises(ConfigurationError, match="no setting 'pth'"):
        Stack(artifact_store={"flavor": "local", "pth": "x"}).record()


def test_types_of_third_parties_go_into_components() -> None:
    with pytest.raises(NotFoundError, match="no kitchen sink 'steel'"):
        Stack(components={"kitchen_sink": "steel"}).record()
