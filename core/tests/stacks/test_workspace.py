from __future__ import annotations

import ast
from pathlib import Path

import pytest

from dovetail.errors import ConfigurationError, ConflictError, StoreError
from dovetail.stacks.template import EXAMPLE
from dovetail.stacks.workspace import (
    choice,
    choose_stack,
    component_home,
    find_workspace,
    home,
    init_workspace,
    source_root,
)


def files_below(path: Path) -> list[str]:
    return sorted(each.relative_to(path).as_posix() for each in path.rglob("*") if each.is_file())


def test_a_workspace_is_found_from_anywhere_below_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace, _ = init_workspace(tmp_path / "a", bare=True)
    below = tmp_path / "a" / "b" / "c"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert find_workspace() == workspace
    assert find_workspace(tmp_path) is None


def test_the_nearest_workspace_counts(tmp_path: Path) -> None:
    init_workspace(tmp_path, bare=True)
    inner, _ = init_workspace(tmp_path / "inner", bare=True)
    assert find_workspace(tmp_path / "inner") == inner


def test_components_live_in_the_workspace_and_outside_of_any_in_the_home(tmp_path: Path) -> None:
    assert component_home() == home() / "store"
    init_workspace(tmp_path, bare=True)
    assert component_home() == tmp_path / ".dovetail" / "store"


def test_paths_of_steps_begin_at_the_workspace_or_beside_the_script(tmp_path: Path) -> None:
    script = tmp_path / "src" / "run.py"
    script.parent.mkdir()
    assert source_root(script) == script.parent
    init_workspace(tmp_path, bare=True)
    assert source_root(script) == source_root() == tmp_path


def test_init_makes_the_example_and_says_what_it_made(tmp_path: Path) -> None:
    _, made = init_workspace(tmp_path / "new")
    assert files_below(tmp_path / "new") == sorted([*EXAMPLE, ".dovetail/config.yaml", ".gitignore"])
    assert sorted(each.relative_to(tmp_path / "new").as_posix() for each in made) == files_below(
        tmp_path / "new"
    )


def test_the_example_is_python_and_says_what_it_is() -> None:
    assert all(ast.get_docstring(ast.parse(text)) for text in EXAMPLE.values())


def test_lines_of_gitignore_are_added_once(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("*.log\n__pycache__/")
    init_workspace(tmp_path, bare=True)
    assert (tmp_path / ".gitignore").read_text() == "*.log\n__pycache__/\n.dovetail/\n"


@pytest.mark.parametrize("file", ["run.py", "steps/fit.py", "pipelines/__init__.py"])
def test_init_overwrites_nothing_and_makes_nothing_then(tmp_path: Path, file: str) -> None:
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text("mine")
    with pytest.raises(ConflictError, match=file) as raised:
        init_workspace(tmp_path)
    assert "--bare" in str(raised.value.hint)
    assert files_below(tmp_path) == [file]
    init_workspace(tmp_path, bare=True)
    assert (tmp_path / file).read_text() == "mine"


def test_a_workspace_is_made_once(tmp_path: Path) -> None:
    init_workspace(tmp_path)
    with pytest.raises(ConflictError, match="is a workspace already"):
        init_workspace(tmp_path)


def test_init_that_fails_in_the_middle_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, left = Path.write_text, iter(range(4))

    def until_full(self: Path, text: str, **options: str) -> int:
        if next(left, None) is None:
            raise OSError(28, "No space left on device")
        return write(self, text, **options)

    monkeypatch.setattr(Path, "write_text", until_full)
    with pytest.raises(StoreError, match="No space left"):
        init_workspace(tmp_path / "new")
    assert list(tmp_path.iterdir()) == []


def test_init_into_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConflictError, match="no directory"):
        init_workspace(tmp_path / "file")
    with pytest.raises(StoreError, match="cannot become a workspace"):
        init_workspace(tmp_path / "file" / "below")


@pytest.mark.parametrize("inside", [True, False])
def test_a_key_that_the_choice_does_not_have_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, inside: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    if inside:
        init_workspace(tmp_path, bare=True)
    file = choice().file
    file.write_text("format: 1\nprofil: dev\n")
    for call in (choice, lambda: choose_stack("default", "dev")):
        with pytest.raises(ConfigurationError, match="no key 'profil'") as raised:
            call()
        assert raised.value.where == str(file)
        assert "'profile'" in str(raised.value.hint)
    assert file.read_text() == "format: 1\nprofil: dev\n"


def test_a_choice_of_a_newer_program_is_named_as_such_whatever_its_keys(tmp_path: Path) -> None:
    file = home() / "config.yaml"
    file.write_text("format: 2\nteam: red\n")
    with pytest.raises(ConfigurationError, match="format 2"):
        choice()
