"""What a command or an import must not load: seen in the modules of a fresh process."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import dovetail

HEAVY = {
    "alembic", "cloudpickle", "fsspec", "importlib.metadata", "importlib_metadata", "pluggy", "pydantic",
    "pydantic_settings", "rich", "sqlalchemy", "stevedore",
}  # fmt: skip
RUN = "import sys; from dovetail.cli.main import run; run(sys.argv[1].split())"


def loaded(code: str, *arguments: str) -> set[str]:
    """Return the names of the modules that `code` leaves in a fresh process."""
    tail = "\nimport sys; print('\\n' + ' '.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code + tail, *arguments], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.usefixtures("indexed")
@pytest.mark.parametrize(
    "line", ["--help", "integration list", "stack list", "stack show", "stack --help", "version",
             "profile list", "artifact-store list", "artifact-store flavors", "artifact-store --help",
             "run --help"],
)  # fmt: skip
def test_a_command_that_only_lists_loads_nothing_heavy(line: str) -> None:
    assert loaded(RUN, line) & HEAVY == set()


@pytest.mark.usefixtures("indexed")
def test_listing_stacks_of_a_profile_in_a_file_parses_no_yaml_twice_and_needs_no_index() -> None:
    subprocess.run([sys.executable, "-m", "dovetail", "stack", "copy", "default", "dev"], check=True)
    loaded(RUN, "stack list")
    again = loaded(RUN, "stack list")
    assert again & {*HEAVY, "yaml", "dovetail.discovery.index", "dovetail.yamlio"} == set()


@pytest.mark.usefixtures("indexed")
def test_listing_imports_no_plugin() -> None:
    names = loaded(RUN, "integration list")
    assert [name for name in names if name.startswith(("dovetail_", "dovetail.builtin"))] == []


def test_importing_dovetail_imports_nothing_but_what_resolves_its_names() -> None:
    ours = {name for name in loaded("import dovetail") if name.startswith("dovetail")}
    assert ours == {"dovetail", "dovetail.references"}


@pytest.mark.parametrize("name", ["step", "Output", "outputs", "BaseStep", "BaseTrainerStep", "StepError"])
def test_what_a_step_is_written_with_loads_nothing_heavy(name: str) -> None:
    assert loaded(f"from dovetail import {name}") & {*HEAVY, "click", "yaml"} == set()


@pytest.mark.parametrize("name", dovetail.__all__)
def test_every_public_name_is_there(name: str) -> None:
    found = getattr(dovetail, name)
    assert name == "__version__" or found.__name__ in {name, "Client"}
    assert name in dir(dovetail)


def test_the_public_names_are_sorted_and_typed() -> None:
    stub = ast.parse(Path(dovetail.__file__ or "").with_suffix(".pyi").read_text())
    typed = {alias.asname for node in stub.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert dovetail.__all__ == sorted(dovetail.__all__)
    assert typed | {"__version__"} == set(dovetail.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = dovetail.nonsense
