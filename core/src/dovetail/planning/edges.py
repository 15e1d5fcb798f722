"""Types across an edge: whether what one step gives is what the next one takes."""

from __future__ import annotations

import builtins
import types
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

from dovetail.materializers.type_names import bare

# PEP 484: where a float is wanted an int will do.
_TOWER: dict[Any, tuple[type, ...]] = {float: (int,), complex: (int, float)}
_PAIR = 2


def assignable(given: Any, wanted: Any) -> bool:  # noqa: ANN401 - any annotations
    """Say whether a value of type `given` may go where `wanted` is declared.

    The same type, a subclass, anything to or from Any, every member of a union, Optional; a protocol by
    its members; generics by their arguments, which only have to fit one way, as nobody changes an
    artifact. Where only a type checker could tell, the answer is yes.
    """
    given, wanted = _resolved(given), _resolved(wanted)
    if given is wanted or Any in (given, wanted) or wanted is object:
        return True
    for split in (_members(given),):
        if split is not None:
            return all(assignable(each, wanted) for each in split)
    if (members := _members(wanted)) is not None:
        return any(assignable(given, each) for each in members)
    if get_origin(given) is Literal:
        return _literal_fits(get_args(given), wanted)
    if get_origin(wanted) is Literal:
        return False
    return _class_fits(given, wanted)


def _resolved(annotation: Any) -> Any:  # noqa: ANN401 - any annotation
    """Return the type behind aliases, and what stands for a type variable."""
    annotation = bare(annotation)
    while isinstance(annotation, TypeVar):
        bounds = annotation.__constraints__ or (annotation.__bound__ or Any,)
        annotation = bare(Union[bounds])  # noqa: UP007 - made of a tuple
    return annotation


def _members(annotation: Any) -> tuple[Any, ...] | None:  # noqa: ANN401 - any annotation
    return get_args(annotation) if get_origin(annotation) in {Union, types.UnionType} else None


def _literal_fits(values: tuple[Any, ...], wanted: Any) -> bool:  # noqa: ANN401 - any annotation
    if get_origin(wanted) is Literal:
        allowed = [(type(each), each) for each in get_args(wanted)]
        return all((type(each), each) in allowed for each in values)
    return all(assignable(type(each), wanted) for each in values)


def _class_fits(given: Any, wanted: Any) -> bool:  # noqa: ANN401 - any annotations
    given_class, wanted_class = get_origin(given) or given, get_origin(wanted) or wanted
    if not isinstance(given_class, type) or not isinstance(wanted_class, type):
        return True
    if hasattr(wanted_class, "__required_keys__"):  # a TypedDict is a class only for type checkers
        return given_class is wanted_class
    if hasattr(given_class, "__required_keys__"):
        given, given_class = dict[str, Any], dict
    if not _is_subclass(given_class, wanted_class) and not issubclass(
        given_class, _TOWER.get(wanted_class, ())
    ):
        return False
    return _arguments_fit(given, wanted, given_class, wanted_class)


def _is_subclass(given: type, wanted: type) -> bool:
    try:
        return issubclass(given, wanted)
    except TypeError:  # a protocol that cannot be asked
        names = {
            name
            for cls in wanted.__mro__
            if getattr(cls, "_is_protocol", False)
            for name in vars(cls)
            if not name.startswith("_") and not hasattr(builtins.object, name)
        }
        return all(hasattr(given, name) for name in names)


def _arguments_fit(given: Any, wanted: Any, given_class: type, wanted_class: type) -> bool:  # noqa: ANN401
    have, want = get_args(given), get_args(wanted)
    if not have or not want:
        return True
    if given_class is tuple:
        return _tuple_fits(have, want, wanted_class)
    if len(have) != len(want):
        return True
    if any(isinstance(each, list) or each is Ellipsis for each in (*have, *want)):
        return True
    return all(assignable(*pair) for pair in zip(have, want, strict=True))


def _tuple_fits(have: tuple[Any, ...], want: tuple[Any, ...], wanted_class: type) -> bool:
    endless = len(have) == _PAIR and have[1] is Ellipsis
    items = have[:1] if endless else have
    if wanted_class is not tuple:
        return len(want) != 1 or all(assignable(each, want[0]) for each in items)
    if len(want) == _PAIR and want[1] is Ellipsis:
        return all(assignable(each, want[0]) for each in items)
    return (
        not endless
        and len(have) == len(want)
        and all(assignable(*pair) for pair in zip(have, want, strict=True))
    )
