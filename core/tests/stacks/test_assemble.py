from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dovetail.components.component import Reach
from dovetail.discovery.index import Index
from dovetail.errors import ConfigurationError, IntegrationError, MaterializerError, NotFoundError, PlanError
from dovetail.records.stack import ComponentRecord, StackRecord
from dovetail.stacks.assemble import active_stack_record, assemble, material_registry
from dovetail.stacks.profile import Profile, Registered
from dovetail.stacks.profile_store import open_profile, set_stack

pytestmark = pytest.mark.usefixtures("indexed")

LOG = "import pathlib\nLOG = pathlib.Path(__file__).with_suffix('.log')\n"
STORE = f"""{LOG}
from dovetail.builtin.memory_artifact_store import MemoryArtifactStore
from dovetail.plugin import ComponentConfig, Reach

class Config(ComponentConfig):
    broken: bool = False
    far: bool = True

class Store(MemoryArtifactStore):
    config_class = Config
    def __init__(self, name, config, *, home):
        super().__init__(name, config, home=home)
        self.reach = Reach.NETWORK if config.far else Reach.PROCESS
        if config.broken:
            raise ZeroDivisionError("not today")
    def close(self):
        LOG.write_text("closed")
"""


def record(name: str = "s", **parts: tuple[str, dict[str, object]]) -> StackRecord:
    components = {
        kind: ComponentRecord(type=kind, name="x", flavor=flavor, config=config)
        for kind, (flavor, config) in parts.items()
    }
    return StackRecord(name=name, components=components)


LOCAL = ("dovetail/local", {})


def test_the_default_stack_is_assembled_from_nothing(home: Path) -> None:
    with assemble(active_stack_record(), only={"orchestrator", "artifact_store", "metadata_store"}) as stack:
        assert stack.flavors["metadata_store"] == "dovetail/sqlite"
        assert stack.home == home / "store"
        assert stack.orchestrator.reach is Reach.HOST
        assert stack.experiment_tracker is None
    assert [each.name for each in home.iterdir()] == ["cache"]


def test_a_stack_without_a_metadata_store_has_the_default_one() -> None:
    parts = {"orchestrator": "local", "artifact_store": "local"}
    open_profile().edit(lambda profile: profile.add_stack("bare", parts))
    assert active_stack_record("bare").components["metadata_store"].flavor == "dovetail/sqlite"


def test_the_active_stack_is_the_one_that_was_set() -> None:
    open_profile().edit(lambda profile: profile.copy_stack("default", "dev"))
    set_stack("dev")
    assert active_stack_record().name == "dev"
    with pytest.raises(NotFoundError, match="no stack 'gone'"):
        active_stack_record("gone")


def test_a_flavor_that_a_person_wrote_bare_is_looked_up() -> None:
    def bare(profile: Profile) -> None:
        profile.replace_component(Registered("artifact_store", "local", "memory"))

    open_profile().edit(bare)
    assert active_stack_record().components["artifact_store"].flavor == "dovetail/memory"


def test_only_what_is_asked_for_is_imported() -> None:
    code = (
        "import sys; from dovetail.stacks.assemble import *\n"
        "assemble(active_stack_record(), only={'artifact_store'}).close()\n"
        "print(*sorted(m for m in sys.modules if m.startswith(('dovetail.builtin.', 'sqlalchemy'))))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = done.stdout.split()
    assert "dovetail.builtin.local_artifact_store" in loaded
    assert not any("sql" in name or "orchestrator" in name for name in loaded)


def test_a_component_that_was_not_asked_for_is_told_from_one_that_is_not_there() -> None:
    with assemble(active_stack_record(), only={"artifact_store"}) as stack:
        with pytest.raises(AttributeError, match="was not asked for"):
            _ = stack.orchestrator
        assert stack.get("alerter") is None


def test_what_was_made_is_closed_when_a_later_component_fails(site: object) -> None:
    module = site.wheel("acme", files={"acme_store.py": STORE})  # type: ignore[attr-defined]
    far = record(artifact_store=("acme/shelf", {}), orchestrator=("dovetail/nope", {}))
    with pytest.raises(IntegrationError, match="nope"):
        assemble(far)
    assert module.with_name("acme_store.log").read_text() == "closed"


def test_code_of_a_wheel_that_fails_names_the_wheel(site: object) -> None:
    site.wheel("acme", files={"acme_store.py": STORE})  # type: ignore[attr-defined]
    with pytest.raises(IntegrationError, match="ZeroDivisionError: not today") as raised:
        assemble(record(artifact_store=("acme/shelf", {"broken": True})))
    assert raised.value.where == "acme"


def test_a_wrong_setting_in_a_hand_written_profile_is_named() -> None:
    with pytest.raises(ConfigurationError, match="there is no setting 'pth'") as raised:
        assemble(record(artifact_store=("dovetail/local", {"pth": "x"})))
    assert raised.value.hint == "did you mean 'path'?"


def test_steps_in_processes_cannot_use_a_store_in_memory() -> None:
    memory = record("tiny", orchestrator=LOCAL, artifact_store=("dovetail/memory", {}))
    with pytest.raises(PlanError, match="can be used only in this process") as raised:
        assemble(memory)
    assert (
        raised.value.hint == "`dovetail stack update tiny --artifact-store local`, or run with --in-process"
    )
    assemble(memory, in_process=True).close()
    assemble(memory, only={"artifact_store"}).close()


def test_steps_elsewhere_cannot_use_a_store_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dovetail.builtin.local_orchestrator.LocalOrchestrator.reach", Reach.NETWORK)
    with pytest.raises(PlanError, match="runs steps elsewhere") as raised:
        assemble(record("cloud", orchestrator=LOCAL, artifact_store=LOCAL), in_process=True)
    assert "`dovetail stack update cloud --artifact-store NAME`" in str(raised.value.hint)
    assert "--orchestrator local" in str(raised.value.hint)


def test_a_type_that_nothing_stores_is_told_with_the_wheel_that_the_catalog_knows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("dovetail.stacks.assemble.load_index", lambda: Index([]))
    array = type("ndarray", (), {"__module__": "numpy"})
    with pytest.raises(MaterializerError, match=r"numpy\.ndarray") as raised:
        material_registry().require(array, "output")
    assert "dovetail-numpy" in str(raised.value.hint)
