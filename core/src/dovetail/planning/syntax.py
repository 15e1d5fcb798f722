"""Syntax trees read for what they say: a canonical encoding, the names a statement uses, what it binds."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

Chain = tuple[str, ...]
"""A dotted name as code uses it: `np.linalg.norm` is `("np", "linalg", "norm")`."""

_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_PRINTABLE_BITS = 10_000


@dataclass(frozen=True, slots=True)
class Target:
    """What an import names: a module, or an attribute (perhaps a submodule) of one."""

    module: str
    attribute: str | None = None


def encode_tree(nodes: Iterable[ast.AST]) -> bytes:
    """Return bytes that are equal for equal code, whatever its comments, layout and place. No recursion."""
    found: list[str] = []
    pending: list[object] = []
    pending.extend(nodes)
    pending.reverse()
    while pending:
        item = pending.pop()
        if isinstance(item, _Text):
            found.append(item)
        elif isinstance(item, ast.AST):
            found.append(f"({type(item).__name__}")
            pending.append(_Text(")"))
            pending.extend(getattr(item, name, None) for name in reversed(item._fields) if name != "kind")
        elif isinstance(item, list):
            found.append("[")
            pending.append(_Text("]"))
            pending.extend(reversed(item))
        else:
            found.append(f" {type(item).__name__}:{_written(item)}")
    return "".join(found).encode("utf-8", "surrogatepass")


def _written(value: object) -> str:
    # Decimal digits beyond 4300 are refused, hexadecimal ones are not.
    return hex(value) if isinstance(value, int) and value.bit_length() > _PRINTABLE_BITS else repr(value)


class _Text(str):
    """Text that goes into the encoding as it is."""

    __slots__ = ()


def walk(nodes: Iterable[ast.AST], *, into_scopes: bool = True) -> Iterator[ast.AST]:
    """Yield the nodes and all below them in order of the source, unless they are of an inner scope."""
    pending = list(nodes)[::-1]
    while pending:
        node = pending.pop()
        yield node
        if into_scopes or not isinstance(node, _SCOPES):
            pending.extend(list(ast.iter_child_nodes(node))[::-1])


def chains(nodes: Iterable[ast.AST]) -> Iterator[Chain]:
    """Yield each dotted name that is read, as long as it goes; those written as text in annotations too."""
    pending = list(nodes)
    while pending:
        node = pending.pop()
        chain = _chain(node)
        if chain is not None:
            yield chain
            continue
        pending.extend(ast.iter_child_nodes(node))
        pending.extend(_annotations_as_text(node))


def _chain(node: ast.AST) -> Chain | None:
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return (node.id, *reversed(names)) if isinstance(node, ast.Name) else None


def _annotations_as_text(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the trees of annotations of `node` that hold text: forward references."""
    for annotation in (getattr(node, "annotation", None), getattr(node, "returns", None)):
        for part in _types_in(annotation) if isinstance(annotation, ast.AST) else ():
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                try:
                    yield ast.parse(part.value, mode="eval")
                except (SyntaxError, ValueError):
                    continue


def _types_in(annotation: ast.AST) -> Iterator[ast.AST]:
    """Yield the parts of an annotation that say types: no values of a Literal, no notes of an Annotated."""
    pending = [annotation]
    while pending:
        node = pending.pop()
        yield node
        name = (_chain(node.value) or ("",))[-1] if isinstance(node, ast.Subscript) else ""
        if name == "Annotated" and isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Tuple):
            pending.append(node.slice.elts[0])
        elif name != "Literal":
            pending.extend(ast.iter_child_nodes(node))


def outer_expressions(statement: ast.stmt) -> list[ast.AST]:
    """Return what of a definition is evaluated outside of it, and its annotations; else the statement."""
    if not isinstance(statement, (*_FUNCTIONS, ast.ClassDef)):
        return [statement]
    found: list[ast.AST] = [*statement.decorator_list]
    if isinstance(statement, ast.ClassDef):
        found += [*statement.bases, *statement.keywords]
    else:
        found += [*statement.args.defaults, *filter(None, statement.args.kw_defaults)]
    for node in walk([statement]):
        found += [
            each for each in (getattr(node, "annotation", None), getattr(node, "returns", None)) if each
        ]
        found += _annotations_as_text(node)
    return found


def inner_names(expressions: Iterable[ast.AST]) -> set[str]:
    """Return the names that comprehensions and lambdas in these expressions have for themselves."""
    found: set[str] = set()
    for node in walk(expressions):
        if isinstance(node, ast.comprehension):
            found.update(each.id for each in walk([node.target]) if isinstance(each, ast.Name))
        elif isinstance(node, ast.Lambda):
            found.update(each.arg for each in walk([node.args]) if isinstance(each, ast.arg))
    return found


def bound_names(statement: ast.stmt) -> Iterator[str]:
    """Yield the names that a statement of a module binds or changes.

    Such as `def X`, `X =`, `X[0] =`, `X.add()`.
    """
    for node in walk([statement], into_scopes=False):
        if isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
            yield node.name
        elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            yield node.name
        elif isinstance(node, ast.MatchMapping) and node.rest:
            yield node.rest
    yield from changed_names(walk([statement], into_scopes=False))
    for node in walk([statement]):
        if isinstance(node, ast.Global):
            yield from node.names


def changed_names(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Yield the names whose values these nodes change in place: `X[0] =`, `X.size =`, `X.add()`."""
    for node in nodes:
        if isinstance(node, ast.Subscript | ast.Attribute) and not isinstance(node.ctx, ast.Load):
            yield from _root(node)
        elif (call := _called(node)) is not None and isinstance(call.func, ast.Attribute):
            yield from _root(call.func)


def passed_names(statement: ast.stmt) -> Iterator[str]:
    """Yield the names that are handed to a call which is a statement, and may be changed by it: `fill(X)`."""
    for node in walk([statement], into_scopes=False):
        if (call := _called(node)) is not None:
            given = [*call.args, *(each.value for each in call.keywords)]
            yield from (each.id for each in given if isinstance(each, ast.Name))


def called_names(statement: ast.stmt) -> Iterator[tuple[Chain, bool]]:
    """Yield what a statement of a module calls, as a statement or a decorator, and whether as the latter."""
    for node in walk([statement], into_scopes=False):
        call = _called(node)
        if call is not None and (chain := _chain(call.func)) is not None:
            yield chain, False
        for decorator in getattr(node, "decorator_list", ()):
            chain = _chain(decorator.func if isinstance(decorator, ast.Call) else decorator)
            if chain is not None:
                yield chain, True


def other_names(statement: ast.stmt) -> Iterator[tuple[str, str]]:
    """Yield each further name that a statement gives to what has one, or to a part of that: `E = D`."""
    if isinstance(statement, ast.Assign | ast.AnnAssign):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        value = statement.value
        for name in _root(value) if isinstance(value, ast.Name | ast.Attribute | ast.Subscript) else ():
            yield from ((each.id, name) for each in targets if isinstance(each, ast.Name))


def binds(statement: ast.stmt, name: str) -> bool:
    """Say whether a statement makes a name mean something, rather than change what it means."""
    nodes = walk([statement], into_scopes=False)
    return any(
        isinstance(each, ast.Name) and each.id == name and not isinstance(each.ctx, ast.Load)
        for each in nodes
    )


def with_texts(nodes: Iterable[ast.AST]) -> Iterator[tuple[Chain, str]]:
    """Yield what is called with a text, or has one for a key: `import_module("x")`, `sys.modules["x"]`."""
    for node in walk(nodes):
        if isinstance(node, ast.Call):
            named = (each.value for each in node.keywords if each.arg == "name")
            what, text = node.func, node.args[0] if node.args else next(named, None)
        elif isinstance(node, ast.Subscript):
            what, text = node.value, node.slice
        else:
            continue
        if isinstance(text, ast.Constant) and isinstance(text.value, str) and (chain := _chain(what)):
            yield chain, text.value


def _called(node: ast.AST) -> ast.Call | None:
    """Return the call that a statement is, and no more."""
    is_call = isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    return node.value if is_call else None  # type: ignore[attr-defined] # see above


def _root(node: ast.AST) -> Iterator[str]:
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    if isinstance(node, ast.Name):
        yield node.id


def imports(nodes: Iterable[ast.AST], package: str) -> Iterator[tuple[str, Target]]:
    """Yield each name that import statements among `nodes` bind, with what it names; `*` for a star."""
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.asname:
                    yield alias.asname, Target(alias.name)
                else:
                    top = alias.name.partition(".")[0]
                    yield top, Target(top)
        elif isinstance(node, ast.ImportFrom):
            module = absolute(node.module or "", node.level, package)
            for alias in node.names:
                yield alias.asname or alias.name, Target(module, alias.name)


def only_importing(statement: ast.stmt, name: str) -> ast.stmt:
    """Return a copy of a compound statement in which imports bind no other name."""
    made = copy.deepcopy(statement)
    for node in walk([made], into_scopes=False):
        if isinstance(node, ast.Import | ast.ImportFrom):
            node.names = [each for each in node.names if (each.asname or each.name.partition(".")[0]) == name]
    return made


def absolute(module: str, level: int, package: str) -> str:
    """Return the full name of a module that a module of `package` names with so many dots before it."""
    if level == 0:
        return module
    parents = package.split(".")
    base = ".".join(parents[: len(parents) - level + 1])
    return f"{base}.{module}" if base and module else base or module


def apart(statement: ast.stmt) -> Iterator[ast.stmt]:
    """Yield what a statement does to each name: `A, B = 1, 2` binds two, and neither is part of the other."""
    match statement:
        case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)) if (
            len(names) == len(values)
            and all(isinstance(each, ast.Name) for each in names)
            and not any(isinstance(each, ast.Starred) for each in values)
        ):
            for name, value in zip(names, values, strict=True):
                yield ast.copy_location(ast.Assign(targets=[name], value=value), statement)
        case _:
            yield statement


def is_main_guard(statement: ast.stmt) -> bool:
    """Say whether it is `if __name__ == "__main__":`, which does not run in a step's process."""
    if not isinstance(statement, ast.If) or not isinstance(statement.test, ast.Compare):
        return False
    sides = [statement.test.left, *statement.test.comparators]
    names = [each.id for each in sides if isinstance(each, ast.Name)]
    texts = [each.value for each in sides if isinstance(each, ast.Constant)]
    return names == ["__name__"] and texts == ["__main__"] and isinstance(statement.test.ops[0], ast.Eq)
