"""Scripts: executed as `__main__` up to their `.run()`, or loaded for their steps under another name."""

from __future__ import annotations

import ast
import inspect
import shlex
import sys
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from dovetail.errors import DefinitionError, DovetailError, UsageError
from dovetail.execution.attempt.failure import users_place, users_traceback
from dovetail.execution.attempt.module_file import file_of
from dovetail.yamlio import read_file


class Captured(BaseException):
    """Raised by `.run()` in a script that `dovetail run` executes: the script is not needed any further."""

    def __init__(self, pipeline: object, request: object) -> None:
        super().__init__("the pipeline was captured")
        self.pipeline = pipeline
        self.request = request


@dataclass(slots=True)
class Mode:
    """How `.run()` behaves in this process: `capture` raises Captured, `inert` does nothing.

    `skipped` says that a script that is being loaded has called an inert one; `cut` where the loading of a
    module ended, by its name, when the result of one was wanted.
    """

    capture: bool = False
    inert: bool = False
    skipped: bool = False
    wanted: str | None = None
    cut: dict[str, str] = field(default_factory=dict)


MODE = Mode()


def execute(path: Path, argv: list[str], wanted: str | None) -> tuple[ModuleType, Captured | None]:
    """Execute the file as `__main__` until a pipeline's `.run()`; return its module and what was captured.

    `wanted` names the pipeline to capture; `.run()` of others does nothing then. The module stays
    `__main__` afterwards, because the steps live in it.

    Raises:
        UsageError: the file cannot be read or is no Python.
    """
    try:
        code = compile(read_file(path), str(path), "exec", dont_inherit=True)
    except OSError as error:
        raise UsageError(
            f"cannot read {str(path)!r}: {error.strerror}", hint="name a .py or .yaml file"
        ) from error
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        raise UsageError(
            f"{path.name!r} is no valid Python: {error}",
            hint=f"see what `python {path.name}` says",
            where=f"{path}:{line or 1}",
        ) from error
    module = ModuleType("__main__")
    module.__file__ = str(path)
    sys.modules["__main__"] = module
    sys.argv = [str(path), *argv]
    sys.path.insert(0, str(path.parent))
    MODE.capture, MODE.wanted = True, wanted
    try:
        exec(code, module.__dict__)  # noqa: S102 - running the user's script is the purpose
    except Captured as captured:
        return module, captured
    except SystemExit as ending:
        if ending.code in {None, 0}:  # it has shown its help, say, and wants no run
            raise
        raise UsageError(
            f"{path.name!r} ended with {ending.code!r} before any pipeline ran",
            hint=f"what it wants to be given goes behind `--`: dovetail run {path.name} -- ...",
        ) from ending
    finally:
        MODE.capture = False
    return module, None


def load_script(path: Path, name: str) -> ModuleType:
    """Load the file as the module `name`, in which `.run()` does nothing.

    Code that then fails for lack of the run's result ends the loading: the steps above it are there.
    """
    if (loaded := sys.modules.get(name)) is not None and getattr(loaded, "__file__", None) == str(path):
        return loaded
    spec = spec_from_file_location(name, path, loader=_Afresh(name, str(path)))
    if spec is None or spec.loader is None:
        raise UsageError(f"{path.name!r} cannot be loaded as a module", where=str(path))
    module = module_from_spec(spec)
    sys.modules[name] = module
    _add_parents(name)
    MODE.skipped = False
    with inert():
        try:
            spec.loader.exec_module(module)
        except BaseException as error:
            if not (MODE.skipped and isinstance(error, Exception | SystemExit)):
                del sys.modules[name]
                raise
            lines = _lines(error, lambda code: code.co_filename == str(path))
            MODE.cut[name] = f"{path}:{lines[-1] if lines else 1}"
    return module


def _add_parents(name: str) -> None:
    """Let `import name` find the module of `my.run.py` too, which is in no package: pickles import it so."""
    for end in (each for each, character in enumerate(name) if character == "."):
        parent = name[:end]
        if parent not in sys.modules and file_of(parent) is None:
            sys.modules[parent] = ModuleType(parent)
            sys.modules[parent].__path__ = []


class _Afresh(SourceFileLoader):
    """Compiles the file as it is now, like the interpreter does for a script.

    Cached byte code is that of an older text where an edit kept size and second.
    """

    def get_code(self, fullname: str) -> CodeType:
        """Return the code of the file."""
        code: CodeType = self.source_to_code(self.get_data(self.get_filename(fullname)), self.path)
        return code


@contextmanager
def inert() -> Iterator[None]:
    """Make `.run()` do nothing within the block."""
    before, MODE.inert = MODE.inert, True
    try:
        yield
    finally:
        MODE.inert = before


def pipelines_run_in(path: Path, known: Mapping[str, str]) -> set[str]:
    """Return the names of the pipelines whose `.run(...)` the script calls outside of functions.

    `known` maps variables that hold pipelines already to their names; the rest of the script has not been
    executed, so what it defines is read from its text.
    """
    nodes = list(_outside_functions(ast.parse(path.read_bytes())))
    names = dict(known)
    for node in nodes:
        if isinstance(node, ast.FunctionDef) and any(
            _root(each) == "pipeline" for each in node.decorator_list
        ):
            names.setdefault(node.name, node.name)
        elif isinstance(node, ast.Assign) and (origin := _root(node.value)) in names:
            for target in node.targets:
                if isinstance(target, ast.Name):
                    names.setdefault(target.id, names[origin])
    calls = (node.func for node in nodes if isinstance(node, ast.Call))
    targets = (_root(each.value) for each in calls if isinstance(each, ast.Attribute) and each.attr == "run")
    return {names[each] for each in targets if each in names}


def _outside_functions(tree: ast.Module) -> Iterator[ast.AST]:
    pending = deque[ast.AST](tree.body)
    while pending:
        node = pending.popleft()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            pending.extend(ast.iter_child_nodes(node))


def _root(node: ast.AST) -> str:
    """Return the variable that an expression of calls and attributes starts from, empty where none."""
    while isinstance(node, ast.Call | ast.Attribute):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def script_problem(error: BaseException, path: Path) -> DovetailError:
    """Return what a script's own exception means to the one who ran it: place, class, text, traceback."""
    here = Path.cwd()
    shown = path.relative_to(here) if path.is_relative_to(here) else path
    problem = UsageError(
        f"the script raised {type(error).__name__}: {error}",
        where=users_place(error) or f"{path}:1",
        hint=f"it is the script's own; `{shlex.join(['python', str(shown), *sys.argv[1:]])}` raises it too",
    )
    problem.add_note(users_traceback(error))
    return problem


def body_problem(error: Exception, name: str, body: Callable[..., Any]) -> DovetailError | None:
    """Return what it means that the function of pipeline `name` raised, None where it was not that."""
    function = inspect.unwrap(body).__code__
    lines = _lines(error, lambda code: code is function)
    if not lines or isinstance(error, DovetailError):
        return None
    return DefinitionError(
        f"the body of pipeline {name!r} raised {type(error).__name__}: {error}",
        hint="it only says which steps there are; outputs have no values yet: compute inside a step",
        where=f"{function.co_filename}:{lines[-1]}",
    )


def _lines(error: BaseException, wanted: Callable[[CodeType], bool]) -> list[int]:
    """Return at which lines an exception passed through code that is `wanted`."""
    found = traceback.walk_tb(error.__traceback__)
    return [line for frame, line in found if wanted(frame.f_code)]
