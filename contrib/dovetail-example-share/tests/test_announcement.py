from __future__ import annotations

import subprocess
import sys

import dovetail_example_share


def loaded_by(module: str) -> set[str]:
    """Return what stands in `sys.modules` after an import in a fresh interpreter."""
    program = f"import sys, {module}; print(*sys.modules)"
    child = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(child.stdout.split())


def test_the_store_is_announced() -> None:
    (flavor,) = dovetail_example_share.dovetail_artifact_stores()
    assert (flavor.name, flavor.contract) == ("share", 1)


def test_announcing_imports_nothing_heavy() -> None:
    assert not {"fsspec", "pydantic"} & loaded_by("dovetail_example_share")


def test_registering_imports_no_file_system() -> None:
    assert "fsspec" not in loaded_by("dovetail_example_share.settings")
