"""Pickles of what a script defines, as `__main__` and imported under its name."""

from __future__ import annotations

import io
import pickle
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from dovetail.materializers.pickle_script import ScriptPickler, ScriptUnpickler

SCRIPT = """
import enum

class Model:
    class Part:
        pass

    def fit(self):
        return 1

class Colour(enum.Enum):
    RED = 1

def double(n):
    return 2 * n

def made():
    class Local:
        pass
    return Local
"""


def pickled(value: object) -> bytes:
    stream = io.BytesIO()
    ScriptPickler(stream).dump(value)
    return stream.getvalue()


def unpickled(data: bytes) -> Any:
    return ScriptUnpickler(io.BytesIO(data)).load()


class Setting:
    """Executes the script under a name."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._path = path
        self._patch = monkeypatch

    def load(self, name: str, *, file: bool = True) -> Any:
        module = ModuleType(name)
        if file:
            module.__file__ = str(self._path)
        exec(self._path.read_text(), module.__dict__)  # noqa: S102 - it is the script under test
        self._patch.setitem(sys.modules, name, module)
        return module

    def forget(self, name: str) -> None:
        self._patch.setitem(sys.modules, name, ModuleType(name))


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Setting:
    (tmp_path / "clean_script.py").write_text(SCRIPT)
    return Setting(tmp_path / "clean_script.py", monkeypatch)


def values(module: Any) -> list[Any]:
    return [module.Model, module.Model.Part, module.Model.fit, module.Colour.RED, module.double, module]


def test_what_a_running_script_stored_is_found_where_it_is_imported(script: Setting) -> None:
    main = script.load("__main__")
    data = pickled([*values(main), main.Model()])
    assert data == pickled([*values(main), main.Model()])
    assert b"__main__" not in data
    script.forget("__main__")
    imported = script.load("clean_script")
    *names, model = unpickled(data)
    assert all(found is each for found, each in zip(names, values(imported), strict=True))
    assert type(model) is imported.Model


def test_what_was_stored_where_the_script_is_imported_is_found_in_the_running_one(script: Setting) -> None:
    imported = script.load("clean_script")
    data = pickled([*values(imported)[:-1], imported.Model()])
    main = script.load("__main__")
    *names, model = unpickled(data)
    assert all(found is each for found, each in zip(names, values(main)[:-1], strict=True))
    assert type(model) is main.Model
    *names, model = unpickled(pickled([*values(main), main.Model()]))
    assert all(found is each for found, each in zip(names, values(main), strict=True))


def test_plain_pickle_reads_it_where_the_script_can_be_imported(script: Setting) -> None:
    data = pickled(script.load("__main__").Model())
    imported = script.load("clean_script")
    assert type(pickle.loads(data)) is imported.Model


def test_what_no_name_finds_or_no_file_defines_is_pickled_by_value(script: Setting) -> None:
    main = script.load("__main__")
    data = [pickled(main.made()()), pickled(lambda: 2)]
    main = script.load("__main__", file=False)
    data.append(pickled(main.Model()))
    script.forget("__main__")
    local, two, model = [unpickled(each) for each in data]
    assert type(local).__qualname__ == "made.<locals>.Local"
    assert (two(), model.fit()) == (2, 1)


def test_a_module_that_only_has_the_name_of_a_running_program_is_imported(
    script: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    imported = script.load("clean_script")
    program = ModuleType("__main__")
    program.__file__ = "/bin/clean_script"
    monkeypatch.setitem(sys.modules, "__main__", program)
    assert type(unpickled(pickled(imported.Model()))) is imported.Model
