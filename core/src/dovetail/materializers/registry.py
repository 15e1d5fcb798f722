"""Which materializer stores a declared type: found by public names, without an import of any library."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path, PosixPath, WindowsPath
from types import MappingProxyType, UnionType
from typing import Any, Union, get_args, get_origin

from dovetail.components.flavor import Materializes
from dovetail.errors import MaterializerError, did_you_mean
from dovetail.materializers.base import BaseMaterializer
from dovetail.materializers.json_types import not_json
from dovetail.materializers.type_names import bare, class_names, public_module, type_name
from dovetail.records.plan import MaterializerRef
from dovetail.references import load

_ROOMS = "dovetail.materializers"
CUSTOM = "custom/"
JSON = MaterializerRef(name="builtin/json", reference=f"{_ROOMS}.json_value:JsonMaterializer")
TEXT = MaterializerRef(name="builtin/text", reference=f"{_ROOMS}.text:TextMaterializer")
BYTES = MaterializerRef(name="builtin/bytes", reference=f"{_ROOMS}.bytes_value:BytesMaterializer")
PATH = MaterializerRef(name="builtin/path", reference=f"{_ROOMS}.path:PathMaterializer")
PICKLE = MaterializerRef(name="builtin/pickle", reference=f"{_ROOMS}.pickle_value:PickleMaterializer")
CORE: Mapping[str, MaterializerRef] = MappingProxyType(
    {each.name: each for each in (JSON, TEXT, BYTES, PATH, PICKLE)}
)
# Exact types: a subclass would come back as its base.
_EXACT: Mapping[Any, MaterializerRef] = MappingProxyType(
    {str: TEXT, bytes: BYTES, bytearray: BYTES, Path: PATH, PosixPath: PATH, WindowsPath: PATH}
)


class Registry:
    """The materializers that are there.

    `announced` are pairs of a qualified name (`dovetail-numpy/array`) and an announcement. `suggest`
    returns which wheel stores a type, by its public name, None where no catalog knows.
    """

    def __init__(
        self,
        announced: Iterable[tuple[str, Materializes]] = (),
        suggest: Callable[[str], str | None] | None = None,
    ) -> None:
        self._suggest = suggest or (lambda _: None)
        self._known: dict[str, MaterializerRef] = dict(CORE)
        self._by_type: dict[str, list[str]] = {}
        self._public: dict[str, str] = {}
        own = {each.reference for each in CORE.values()}
        for name, each in announced:
            if each.implementation in own:
                continue
            self._known[name] = MaterializerRef(
                name=name, reference=each.implementation, version=each.version
            )
            for type_ in each.types:
                self._by_type.setdefault(type_, []).append(name)
                self._public[type_] = each.types[0]

    def type_name(self, annotation: Any) -> str:
        """Return an annotation as text; a class under the first name its materializer announces."""
        return type_name(annotation, self._public)

    def find(self, annotation: Any) -> MaterializerRef | None:
        """Return what stores values of this type, None where nothing does.

        Raises:
            MaterializerError: several wheels announce the type.
        """
        annotation = bare(annotation)
        if isinstance(annotation, type) and annotation in _EXACT:
            return _EXACT[annotation]
        if not_json(annotation) is None:
            return JSON
        if get_origin(annotation) in {Union, UnionType}:
            found = {self.find(each) for each in get_args(annotation)}
            return found.pop() if len(found) == 1 else None
        cls = get_origin(annotation) or annotation
        return self._announced(cls) if isinstance(cls, type) else None

    def require(self, annotation: Any, output: str) -> MaterializerRef:
        """Return what stores an output's type.

        Raises:
            MaterializerError: nothing does; the message names type, output, and the wheel that would.
        """
        if (found := self.find(annotation)) is not None:
            return found
        declared, culprit = self.type_name(annotation), self._culprit(annotation)
        because = "" if culprit is annotation else f", because of {self.type_name(culprit)!r}"
        raise MaterializerError(
            f"nothing stores type {declared!r} of output {output!r}{because}",
            hint=self._remedy(culprit, output, inside=bool(because)),
        )

    def _remedy(self, culprit: Any, output: str, *, inside: bool) -> str:
        wheel = self._wheel(culprit)
        install = f"install what stores it: dovetail integration install {wheel}" if wheel else ""
        if inside and (wheel or self.find(culprit)):
            alone = "return it as an output of its own"
            return f"{alone}, and {install}" if install and not self.find(culprit) else alone
        return install or f'return another type, or name a materializer: materializers={{"{output}": ...}}'

    def named(self, what: object) -> MaterializerRef:
        """Return the materializer that `@step(materializers=...)` names, by name or by class.

        Raises:
            MaterializerError: no such name, several of it, or no materializer.
        """
        if isinstance(what, str):
            return self._by_name(what)
        if not (isinstance(what, type) and issubclass(what, BaseMaterializer)):
            raise MaterializerError(
                f"{what!r} is no materializer",
                hint="name one as text, or give a subclass of BaseMaterializer",
            )
        reference = f"{public_module(what.__module__)}:{what.__qualname__}"
        for known in self._known.values():
            if known.reference == reference:
                return known
        return MaterializerRef(name=f"{CUSTOM}{what.__name__}", reference=reference, version=what.version)

    def load(self, ref: MaterializerRef, named: Iterable[MaterializerRef] = ()) -> BaseMaterializer:
        """Return the materializer to read an artifact with.

        `named` are those that the outputs of the artifact's plan name. Only they make pickle and
        materializers of the user's own code available: what a record alone says runs no code.

        Raises:
            MaterializerError: it is not there, or not to be used here.
        """
        wanted = ref in named
        if ref.name.startswith(CUSTOM):
            if wanted or ref.reference.partition(":")[0] in sys.modules:
                return load_materializer(ref)
            raise MaterializerError(
                f"materializer {ref.name!r} is in {ref.reference!r}, which is not loaded",
                hint=f"import {ref.reference.partition(':')[0]!r} first",
            )
        if ref.name == PICKLE.name and not wanted:
            raise MaterializerError(
                "an artifact is unpickled only where the plan of its run names pickle for the output",
                hint="read it from a step, or through the run that made it",
            )
        return load_materializer(self._installed(ref))

    def check(self, ref: MaterializerRef) -> None:
        """Refuse a reference that is not the one under which its wheel announces it; imports nothing.

        Raises:
            MaterializerError: it is not installed, or leads elsewhere.
        """
        known = self._installed(ref)
        if known.reference != ref.reference:
            raise MaterializerError(
                f"materializer {ref.name!r} is in {known.reference!r}, not in {ref.reference!r}",
                hint="another version of its wheel, or somebody, wrote that: compile the plan again",
            )

    def _installed(self, ref: MaterializerRef) -> MaterializerRef:
        if (known := self._known.get(ref.name)) is None:
            raise MaterializerError(
                f"materializer {ref.name!r} is not installed",
                hint=f"install its wheel: dovetail integration install {ref.name.partition('/')[0]}",
            )
        return known

    def _announced(self, cls: type) -> MaterializerRef | None:
        for name in class_names(cls):
            found = self._by_type.get(name, ())
            if len(found) > 1:
                raise MaterializerError(
                    f"type {name!r} is stored by several materializers: {', '.join(sorted(found))}",
                    hint=f'choose one in the step: materializers={{"output": "{min(found)}"}}',
                )
            if found:
                return self._known[found[0]]
        return None

    def _by_name(self, name: str) -> MaterializerRef:
        full = [each for each in self._known if name in {each, each.partition("/")[2]}]
        if len(full) == 1:
            return self._known[full[0]]
        if full:
            raise MaterializerError(
                f"materializer {name!r} is in several wheels", hint=f"use one of {', '.join(sorted(full))}"
            )
        raise MaterializerError(f"no materializer {name!r}", hint=did_you_mean(name, list(self._known)))

    def _culprit(self, annotation: Any) -> Any:
        """Return the type inside an annotation that makes it one that nothing stores."""
        declared = bare(annotation)
        members = get_args(declared) if get_origin(declared) in {Union, UnionType} else ()
        lacking = [each for each in members if self.find(each) is None]
        culprit = not_json(lacking[0] if lacking else declared)
        return annotation if culprit is declared else culprit

    def _wheel(self, culprit: Any) -> str | None:
        cls = get_origin(culprit) or culprit
        names = class_names(cls) if isinstance(cls, type) else iter((type_name(culprit),))
        return next(filter(None, map(self._suggest, names)), None)


def load_materializer(ref: MaterializerRef) -> BaseMaterializer:
    """Return the materializer of a reference that a plan names; its module is imported.

    One of the user's own code is looked up each time: a notebook may have defined it anew.

    Raises:
        MaterializerError: the reference leads to no materializer.
    """
    return _made(ref) if ref.name.startswith(CUSTOM) else _kept(ref)


@cache
def _kept(ref: MaterializerRef) -> BaseMaterializer:
    return _made(ref)


def _made(ref: MaterializerRef) -> BaseMaterializer:
    try:
        found = load(ref.reference)
    except Exception as error:  # a plugin's module, or the user's
        raise MaterializerError(
            f"materializer {ref.name!r} cannot be loaded from {ref.reference!r}: "
            f"{type(error).__name__}: {error}",
            hint="is its wheel, and what that needs, installed here as well?",
        ) from error
    if not (isinstance(found, type) and issubclass(found, BaseMaterializer)):
        raise MaterializerError(
            f"{ref.reference!r} is no materializer", hint="it has to name a subclass of BaseMaterializer"
        )
    made: BaseMaterializer = found()
    return made
