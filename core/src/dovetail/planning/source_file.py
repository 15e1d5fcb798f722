"""Source files of modules: what each top-level name is bound to, as digests and the names it uses in turn."""

from __future__ import annotations

import ast
import copy
import symtable
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.util import decode_source
from pathlib import Path

from dovetail.hashing import digest_bytes, digest_value
from dovetail.planning.syntax import (
    Chain,
    Target,
    absolute,
    apart,
    binds,
    bound_names,
    called_names,
    chains,
    changed_names,
    encode_tree,
    imports,
    inner_names,
    is_main_guard,
    only_importing,
    other_names,
    outer_expressions,
    passed_names,
    walk,
    with_texts,
)

_DYNAMIC = {"globals", "eval", "exec"}


@dataclass(frozen=True, slots=True)
class Part:
    """What is known of a name, or of a whole file.

    `chains` are the dotted names it reads from its module, `targets` the imports that bind the name,
    `inner` the imports inside it. `whole` are modules that it names by a text, so all of their files count.
    `dynamic` says that it looks names up by text, so all of its own file counts.
    """

    digest: str
    chains: tuple[Chain, ...]
    targets: tuple[Target, ...] = ()
    inner: tuple[tuple[str, Target], ...] = ()
    whole: tuple[str, ...] = ()
    dynamic: bool = False


class SourceFile:
    """One parsed file, or cell of a notebook. Raises SyntaxError for what is no Python.

    `ours` are names that mean `step` without being imported here, as in a cell.
    """

    def __init__(self, text: str, module: str, *, package: bool, ours: frozenset[str] = frozenset()) -> None:
        self._ours = ours
        self._package = module if package else module.rpartition(".")[0]
        self._tree = ast.parse(text)
        self._tables = symtable.symtable(text, module, "exec").get_children()
        self._statements: dict[str, list[ast.stmt]] = {}
        self._imports: dict[str, list[Target]] = {}
        self._import_lines: dict[str, int] = {}
        self._parts: dict[str, Part] = {}
        self.stars: list[str] = []
        guards = [each for each in self._tree.body if is_main_guard(each)]
        body = [part for each in self._tree.body if each not in guards for part in apart(each)]
        for statement in body:
            self._bind(statement, bound_names(statement))
        for statement in guards:
            free = [name for name in bound_names(statement) if name not in self]
            self._bind(statement, free, only=free)
        self._body = body
        for statement in body:
            for name in set(self._changed_by(statement)):
                self._statements.setdefault(name, []).append(statement)
        for statement in reversed(body):
            self._add_changes_by_another_name(statement)

    def __contains__(self, name: str) -> bool:
        """Say whether the file itself binds a name, other than by a star import."""
        return name in self._statements or name in self._imports

    def part(self, name: str) -> Part:
        """Return what a name that the file binds consists of."""
        if name not in self._parts:
            targets = tuple(self._imports.get(name, ()))
            self._parts[name] = self._read(self._statements.get(name, []), targets)
        return self._parts[name]

    def whole(self) -> Part:
        """Return all of the file but what only runs when it is a program."""
        if "*" not in self._parts:
            self._parts["*"] = self._read(self._body, ())
        return self._parts["*"]

    def line_of(self, name: str, inner: Iterable[str] = ()) -> int | None:
        """Return the line where a name is bound first; with `inner`, where that definition has one in it."""
        statements = self._statements.get(name, [])
        place: ast.AST | None = next(iter(statements), None)
        for each in inner:
            below = [] if place is None else walk(ast.iter_child_nodes(place))
            place = next((node for node in below if getattr(node, "name", None) == each), place)
        line = getattr(place, "lineno", self._import_lines.get(name))
        return line if isinstance(line, int) else None

    def take_whole(self, part: Part) -> None:
        """Let all of the file be `part`."""
        self._parts["*"] = part

    def statement_at(self, line: int) -> Part | None:
        """Return the top-level statement that holds this line."""
        for statement in self._tree.body:
            first, last = _lines(statement)
            if first <= line <= last:
                return self._read([statement], ())
        return None

    def _bind(self, statement: ast.stmt, names: Iterable[str], only: Iterable[str] | None = None) -> None:
        for name in dict.fromkeys(names):
            self._statements.setdefault(name, []).append(statement)
        for name, target in imports(walk([statement], into_scopes=False), self._package):
            if name == "*":
                self.stars.append(target.module)
            elif only is None or name not in self:
                self._imports.setdefault(name, []).append(target)
                self._import_lines.setdefault(name, statement.lineno)
                if not isinstance(statement, ast.Import | ast.ImportFrom):
                    # What decides which import is made counts, not what else is imported there.
                    self._statements.setdefault(name, []).append(only_importing(statement, name))

    def _changed_by(self, statement: ast.stmt) -> Iterator[str]:
        """Yield what a statement changes by calls: `fill(X)`, `@X.register`, or by a function here."""
        found: set[str] = set()
        for chain, decorates in called_names(statement):
            if len(chain) == 1:
                found.update(*(self._changed_in(each) for each in self._functions(chain[0])))
            elif decorates and not self._is_plain_import(chain[0]):
                found.add(chain[0])
        found.update(each for each in passed_names(statement) if self._can_change(each))
        for name in found:
            if name in self and statement not in self._statements.get(name, []):
                yield name

    def _add_changes_by_another_name(self, statement: ast.stmt) -> None:
        """Let what is done to a value as `E`, after `E = D`, count for `D` too."""
        for other, name in other_names(statement):
            if name == other or name not in self._statements or not self._can_change(name):
                continue
            changes = [each for each in self._statements[other] if not binds(each, other)]
            known = self._statements[name]
            known += [each for each in ([statement, *changes] if changes else ()) if each not in known]

    def _changed_in(self, function: ast.stmt) -> set[str]:
        """Return the names of the module whose values a function changes in place."""
        changed = {name for name in changed_names(walk([function])) if name in self}
        return changed & self._global_names([function]) if changed else changed

    def _functions(self, name: str) -> Iterator[ast.stmt]:
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
        return (each for each in self._statements.get(name, []) if isinstance(each, kinds))

    def _is_plain_import(self, name: str) -> bool:
        return any(each.attribute is None for each in self._imports.get(name, []))

    def _can_change(self, name: str) -> bool:
        """Say whether a call can change what a name means: not a function, and no number or text."""
        fixed = (ast.FunctionDef, ast.AsyncFunctionDef)
        return not all(
            isinstance(each, fixed) or isinstance(getattr(each, "value", None), ast.Constant)
            for each in self._statements.get(name, [])
        )

    def _read(self, statements: list[ast.stmt], targets: tuple[Target, ...]) -> Part:
        own = [self._without_step(each) for each in statements]
        inner = tuple(imports(walk(own), self._package))
        names = self._global_names(own) | {name for name, _ in inner}
        used = sorted({chain for chain in chains(own) if chain[0] in names})
        said = [(each.module, each.attribute) for each in targets]
        return Part(
            digest=digest_value((digest_bytes(encode_tree(own)), said)),
            chains=tuple(used),
            targets=targets,
            inner=inner,
            whole=tuple(sorted(set(self._modules_by_text(own, dict(inner))))),
            dynamic=any(map(self._looks_up, used)),
        )

    def _modules_by_text(self, nodes: list[ast.stmt], inner: Mapping[str, Target]) -> Iterator[str]:
        """Yield the modules that code imports, or finds among those loaded, by a text that it holds."""
        for chain, text in with_texts(nodes):
            named = [*self._imports.get(chain[0], []), *filter(None, [inner.get(chain[0])])]
            if (
                chain == ("__import__",)
                or chain[-1] == "import_module"
                or chain[:2] == ("sys", "modules")
                or Target("importlib", "import_module") in named
            ):
                name = text.lstrip(".")
                yield absolute(name, len(text) - len(name), self._package)

    def _looks_up(self, chain: Chain) -> bool:
        """Say whether a name stands for looking up names of the module by text."""
        return (chain[0] in _DYNAMIC and chain[0] not in self) or chain[:2] == ("sys", "modules")

    def _without_step(self, statement: ast.stmt) -> ast.stmt:
        """Return a definition without our own decorators: their options are no part of what it computes."""
        decorators = getattr(statement, "decorator_list", None)
        if not decorators:
            return statement
        kept = [each for each in decorators if not self._is_ours(each)]
        if len(kept) == len(decorators):
            return statement
        plain = copy.copy(statement)
        plain.decorator_list = kept  # type: ignore[attr-defined] # it has one, see above
        return plain

    def _is_ours(self, decorator: ast.expr) -> bool:
        function = decorator.func if isinstance(decorator, ast.Call) else decorator
        root = next(chains([function]), ("",))[0]
        if root in self._ours:
            return True
        found = self._imports.get(root, [])
        ours = bool(found) and all(each.module.partition(".")[0] == "dovetail" for each in found)
        return ours and root not in self._statements

    def _global_names(self, statements: list[ast.stmt]) -> set[str]:
        """Return the names that these statements look up in the module, in whatever scope they do it."""
        found: set[str] = set()
        for statement in statements:
            outer = outer_expressions(statement)
            inner = inner_names(outer)
            found.update(chain[0] for chain in chains(outer) if chain[0] in self or chain[0] not in inner)
            first, last = _lines(statement)
            pending = [each for each in self._tables if first <= each.get_lineno() <= last]
            while pending:
                table = pending.pop()
                in_class = table.get_type() == "class"
                found.update(
                    symbol.get_name()
                    for symbol in table.get_symbols()
                    if symbol.is_referenced() and (in_class or symbol.is_global())
                )
                pending.extend(table.get_children())
        return found


def _lines(statement: ast.stmt) -> tuple[int, int]:
    first = min([statement.lineno, *(each.lineno for each in getattr(statement, "decorator_list", []))])
    return first, statement.end_lineno or statement.lineno


_cache: dict[tuple[Path, str], tuple[tuple[int, int], SourceFile]] = {}


def source_file(path: Path, module: str, *, package: bool) -> SourceFile:
    """Return the parsed file, from memory while its time and size stay the same.

    One that is no Python has no names, so it counts whole, byte by byte.
    """
    state = path.stat()
    stamp = (state.st_mtime_ns, state.st_size)
    known = _cache.get((path, module))
    if known is None or known[0] != stamp:
        content = path.read_bytes()
        try:
            found = SourceFile(decode_source(content), module, package=package)
        except (SyntaxError, ValueError):
            found = SourceFile("", module, package=package)
            found.take_whole(Part(digest_bytes(content), ()))
        known = _cache[path, module] = (stamp, found)
    return known[1]
