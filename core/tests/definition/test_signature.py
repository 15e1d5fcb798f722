from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple, Optional

import pytest

from dovetail.definition.outputs import Output, outputs
from dovetail.definition.signature import StepSignature
from dovetail.definition.step import BaseStep, step
from dovetail.errors import DefinitionError


class Parts(NamedTuple):
    train: list[int]
    test: list[int]


@outputs
@dataclass
class Scores:
    mean: float
    best: int


@dataclass
class Model:
    weight: float


@step
def early() -> Later:
    return Later()


Untyped = namedtuple("Untyped", "a b")  # noqa: PYI024 - that it has no types is the point


def signature(function: Callable[..., Any]) -> StepSignature:
    return step(function).signature


def named(function: Callable[..., Any]) -> list[tuple[str, Any]]:
    return [(each.name, each.annotation) for each in signature(function).outputs]


def problem(function: Callable[..., Any]) -> DefinitionError:
    with pytest.raises(DefinitionError) as raised:
        signature(function)
    return raised.value


def test_arguments_are_read_with_their_types_and_defaults_although_annotations_are_text() -> None:
    def train(data: list[float], epochs: int = 3, name: Optional[str] = None) -> None: ...  # noqa: UP045

    found = signature(train).arguments
    assert [each.annotation for each in found.values()] == [list[float], int, str | None]
    assert [each.default for each in found.values()][1:] == [3, None]


def test_an_annotation_may_name_what_only_the_surrounding_function_knows() -> None:
    class Inner:
        pass

    Alias = dict[str, Inner]  # noqa: N806 - a type

    @step
    def make(value: Alias) -> list[Inner]:
        return [*value.values()]

    assert make.signature.annotations() == {"value": dict[str, Inner]}
    assert make.signature.outputs[0].annotation == list[Inner]


def test_a_class_step_too() -> None:
    class Inner:
        pass

    class Make(BaseStep):
        def entrypoint(self, value: int) -> Inner:
            return Inner()

    assert Make.dovetail_definition.signature.outputs[0].annotation is Inner


class Later:
    pass


def test_an_annotation_may_name_what_is_defined_later() -> None:
    assert early.signature.outputs[0].annotation is Later


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        ("int", [("output", int)]),
        ("tuple[int, str]", [("output_0", int), ("output_1", str)]),
        ("tuple[int, ...]", [("output", tuple[int, ...])]),
        ("tuple", [("output", tuple)]),
        ("Output(a=int, b='Later')", [("a", int), ("b", Later)]),
        ("Parts", [("train", list[int]), ("test", list[int])]),
        ("Scores", [("mean", float), ("best", int)]),
        ("Model", [("output", Model)]),
        ("None", []),
        ("Annotated[int, 'size']", [("size", int)]),
        ("Annotated[tuple[int, str], 'pair']", [("pair", tuple[int, str])]),
        ("tuple[Annotated[int, 'size'], str]", [("size", int), ("output_1", str)]),
    ],
)
def test_the_forms_of_outputs(annotation: str, expected: list[tuple[str, Any]]) -> None:
    def make() -> None: ...  # annotated below

    make.__annotations__["return"] = annotation
    assert named(make) == expected


@pytest.mark.parametrize(
    ("annotation", "value", "expected"),
    [
        (int, 3, {"output": 3}),
        (None, None, {}),
        (tuple[int, str], (1, "a"), {"output_0": 1, "output_1": "a"}),
        (tuple[int, str], [1, "a"], {"output_0": 1, "output_1": "a"}),
        (Output(a=int, b=int), (1, 2), {"a": 1, "b": 2}),
        (Output(a=tuple), (1, 2), {"a": (1, 2)}),
        (Parts, Parts([1], [2]), {"train": [1], "test": [2]}),
        (Parts, ([1], [2]), {"train": [1], "test": [2]}),
        (Scores, Scores(0.5, 1), {"mean": 0.5, "best": 1}),
    ],
)
def test_a_returned_value_is_taken_apart(annotation: Any, value: Any, expected: Any) -> None:
    def make() -> None: ...  # annotated below

    make.__annotations__["return"] = annotation
    assert signature(make).split(value) == expected


@pytest.mark.parametrize(
    ("annotation", "value", "said"),
    [
        (None, 3, "it returned int but is annotated with `-> None`"),
        (tuple[int, int], (1, 2, 3), "it returned 3 values for 2 outputs (output_0, output_1)"),
        (tuple[int, int], 1, "it returned one int for 2 outputs"),
        (Scores, 1, "it returned int, which lacks mean, best"),
    ],
)
def test_a_value_that_is_not_what_was_declared_is_refused(annotation: Any, value: Any, said: str) -> None:
    def make() -> None: ...  # annotated below

    make.__annotations__["return"] = annotation
    with pytest.raises(DefinitionError, match=r"test_signature\.py:\d+") as raised:
        signature(make).split(value)
    assert said in raised.value.message


def test_everything_that_is_not_annotated_is_named_at_once() -> None:
    def train(data, epochs: int, rate=1): ...  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202

    found = problem(train)
    assert found.message == (
        "step 'train': argument 'data' has no annotation; argument 'rate' has no annotation; "
        "the result has no annotation; a step that returns nothing says `-> None`"
    )
    assert found.where == f"{__file__}:{train.__code__.co_firstlineno}"
    assert found.hint


def test_what_cannot_be_a_step_is_refused() -> None:
    def stars(*values: int, **more: int) -> None: ...
    def positional(value: int, /) -> None: ...
    async def later() -> None: ...
    def generator() -> list[int]:  # type: ignore[misc] # that is the point
        yield 1

    assert "*values takes any number" in problem(stars).message
    assert "**more takes any number" in problem(stars).message
    assert "positional only" in problem(positional).message
    assert "async" in problem(later).message
    assert "generator" in problem(generator).message


def test_an_annotation_that_means_nothing_is_refused() -> None:
    def unknown(value: Nowhere) -> None: ...  # type: ignore[name-defined] # noqa: F821 - that is the point
    def value(value: 5) -> None: ...  # type: ignore[valid-type]
    def untyped() -> Untyped: ...

    assert "'Nowhere' cannot be resolved: name 'Nowhere' is not defined" in problem(unknown).message
    assert "the annotation 5 is a value, not a type" in problem(value).message
    assert "Untyped says no type for a, b" in problem(untyped).message


@pytest.mark.parametrize("name", ["after", "class", "_hidden", "with space"])
def test_a_name_that_a_handle_cannot_give_is_no_output(name: str) -> None:
    def make() -> None: ...  # annotated below

    make.__annotations__["return"] = Output(**{name: int})
    assert f"{name!r} cannot name an output" in problem(make).message


def test_two_outputs_of_one_name_are_refused() -> None:
    def make() -> tuple[Annotated[int, "a"], Annotated[int, "a"]]: ...

    assert "two outputs are named 'a'" in problem(make).message


def test_a_parameter_class_and_a_context_are_known_by_their_mark() -> None:
    class Config:
        dovetail_step_config = True

    class Context:
        dovetail_step_context = True

    @step
    def train(value: int, config: Config, context: Context) -> None: ...

    assert [each.kind for each in train.signature.arguments.values()] == ["value", "config", "context"]
