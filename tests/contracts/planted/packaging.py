"""Faults of wheels in what they announce and how they are packed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from dovetail.testing.announced_wheel import AnnouncedWheel
from dovetail.testing.faults import Faults
from dovetail.testing.packaging import PackagingContract
from dovetail.testing.site import Site, on_the_path

NAME = "dovetail-planted"
ANNOUNCES = """
from dovetail.plugin import Flavor, hookimpl

@hookimpl
def dovetail_artifact_stores():
    yield Flavor(
        "shelf",
        contract=1,
        config="dovetail_planted.settings:ShelfConfig",
        implementation="dovetail_planted.shelf:Shelf",
        summary="files on a shelf",
    )
"""
SETTINGS = """
from pydantic import Field, SecretStr
from dovetail.plugin import ComponentConfig, LocalPath

class ShelfConfig(ComponentConfig):
    path: str = Field(description="Where the shelf stands.")
    password: SecretStr | None = Field(default=None, description="What opens the shelf.")
    private_key: LocalPath | None = Field(default=None, description="The file of its key.")
"""
SHELF = """
from dovetail.builtin.memory_artifact_store import MemoryArtifactStore
from dovetail_planted.settings import ShelfConfig

class Shelf(MemoryArtifactStore):
    config_class = ShelfConfig
"""


class Sound:
    """A wheel without a fault."""

    announces: ClassVar[str] = ANNOUNCES
    settings: ClassVar[str] = SETTINGS
    shelf: ClassVar[str] = SHELF
    options: ClassVar[dict[str, Any]] = {}

    @classmethod
    def install(cls, site: Site) -> None:
        """Install it into a site."""
        package = {"settings": cls.settings, "shelf": cls.shelf}
        made = {
            "package": True,
            "requires": ["dovetail>=0.1", "pydantic>=2.11", "pytest>=9; extra == 'test'"],
            "readme": f"# {NAME}\n\n$ pip install {NAME}\n",
            "files": {f"dovetail_planted/{name}.py": text for name, text in package.items()},
        }
        site.wheel(NAME, cls.announces, **{**made, **cls.options})


def kit(wheel: type[Any]) -> type[Any]:
    """Return the contract on this wheel, installed into a site of its own."""

    class OnASite(PackagingContract):
        @pytest.fixture
        def announced(self, tmp_path: Path) -> Iterator[AnnouncedWheel]:
            with pytest.MonkeyPatch.context() as patch, on_the_path(tmp_path, patch) as site:
                wheel.install(site)
                yield AnnouncedWheel(NAME)

    return OnASite


FAULTS = Faults(kit, PackagingContract)
CORRECT = SimpleNamespace(sound=kit(Sound))
EVERYTHING = frozenset(range(1, 15))


@FAULTS.plant(1, dependents=EVERYTHING)
class NamesNoModule(Sound):
    """The entry point names a module that is not in the wheel."""

    options: ClassVar[dict[str, Any]] = {"value": "dovetail_plantation"}


@FAULTS.plant(2)
class TakesTheNameOfTheCore(Sound):
    """A flavor has the name of one that comes with the core."""

    announces = ANNOUNCES.replace('"shelf"', '"local"')


@FAULTS.plant(2, dependents={8})
class AnnouncesTwice(Sound):
    """A flavor is announced twice."""

    announces = ANNOUNCES + ANNOUNCES[ANNOUNCES.index("    yield") :]


@FAULTS.plant(3)
class KnowsTheFuture(Sound):
    """A flavor is written for a contract that nobody serves yet."""

    announces = ANNOUNCES.replace("contract=1", "contract=9")


@FAULTS.plant(4, modelled_on="https://github.com/apache/airflow/issues/39100")
class TakesAnyVersion(Sound):
    """A dependency has no lowest version."""

    options: ClassVar[dict[str, Any]] = {"requires": ["dovetail>=0.1", "pydantic"]}


@FAULTS.plant(4, modelled_on="https://github.com/PrefectHQ/prefect/pull/2967")
class RefusesLaterCores(Sound):
    """The wheel must be released again for every release of the core."""

    options: ClassVar[dict[str, Any]] = {"requires": ["dovetail>=0.1,<0.2", "pydantic>=2.11"]}


@FAULTS.plant(
    5, dependents={9, 10, 11, 12, 14}, modelled_on="https://github.com/dagster-io/dagster/issues/23022"
)
class IsOneFile(Sound):
    """The announcing module is no package, and carries no types."""

    options: ClassVar[dict[str, Any]] = {"package": False}


@FAULTS.plant(6)
class ComesWithoutAReadme(Sound):
    """The page of the wheel is empty."""

    options: ClassVar[dict[str, Any]] = {"readme": ""}


@FAULTS.plant(7, dependents={9}, modelled_on="https://github.com/kedro-org/kedro-viz/pull/1196")
class ImportsItsTool(Sound):
    """To list what is installed, the library of the tool is imported."""

    announces = "import yaml\n" + ANNOUNCES


@FAULTS.plant(8, dependents=EVERYTHING, modelled_on="https://github.com/kedro-org/kedro/issues/571")
class TakesWhatIsNotGiven(Sound):
    """A hook asks for an argument that its specification does not have."""

    announces = ANNOUNCES.replace("artifact_stores()", "artifact_stores(profile)")


@FAULTS.plant(8, modelled_on="https://github.com/kedro-org/kedro/issues/2862")
class ImplementsNoHook(Sound):
    """A function is marked as a hook that there is not."""

    announces = ANNOUNCES + "\n@hookimpl\ndef dovetail_artefact_stores():\n    return []\n"


@FAULTS.plant(9)
class RegistersWithItsTool(Sound):
    """To register a component, the library of the tool is imported."""

    settings = "import yaml\n" + SETTINGS


@FAULTS.plant(10)
class ForgetsOnItsWay(Sound):
    """What was set is not what is read back."""

    settings = (
        SETTINGS.replace("Field, SecretStr", "Field, SecretStr, field_validator")
        + """
    @field_validator("path")
    @classmethod
    def _below(cls, path: str) -> str:
        return f"{path}/shelf"
"""
    )


@FAULTS.plant(11)
class LeavesOneToGuess(Sound):
    """A setting is not described."""

    settings = SETTINGS.replace('description="Where the shelf stands."', "")


@FAULTS.plant(12)
class KeepsAPlainPassword(Sound):
    """A password is a text like any other."""

    settings = SETTINGS.replace("SecretStr | None", "str | None")


@FAULTS.plant(12, modelled_on="https://github.com/dagster-io/dagster/issues/1346")
class ShowsWhatIsSecret(Sound):
    """A secret stands in what the settings print."""

    settings = SETTINGS + "\n    def __repr__(self):\n        return str(self.password.get_secret_value())\n"


@FAULTS.plant(13)
class SaysNothing(Sound):
    """A flavor has no summary."""

    announces = ANNOUNCES.replace("files on a shelf", "")


@FAULTS.plant(14)
class IsAnotherThing(Sound):
    """The implementation is no component of the type."""

    shelf = "class Shelf:\n    pass\n"


@FAULTS.plant(14)
class IsHalfDone(Sound):
    """The implementation lacks methods of its contract."""

    shelf = "from dovetail.plugin import ArtifactStore\n" + SHELF.replace(
        "(MemoryArtifactStore)", "(ArtifactStore)"
    )
