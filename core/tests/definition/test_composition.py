from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dovetail.definition.composition import Composition
from dovetail.definition.handle import Handle
from dovetail.definition.outputs import Output
from dovetail.definition.pipeline import PipelineDefinition
from dovetail.definition.step import BaseStep, step
from dovetail.errors import DefinitionError, IllegalNameError


@step
def load() -> Output(a=int, b=str):  # type: ignore[valid-type] # the classic form
    return 1, "x"


@step
def train(value: int, epochs: int = 3) -> float:
    return float(value * epochs)


@step
def tell(value: Any = None) -> None: ...


def compose(body: Callable[..., Any], *args: Any, **kwargs: Any) -> Composition:
    return PipelineDefinition(body).compose(*args, **kwargs)


def names(composition: Composition) -> list[str]:
    return [node.name for node in composition.nodes]


def problem(body: Callable[..., Any], *args: Any, **kwargs: Any) -> DefinitionError:
    with pytest.raises(DefinitionError) as raised:
        compose(body, *args, **kwargs)
    assert str(raised.value.where).startswith(__file__)
    return raised.value


def test_calls_become_nodes_in_their_order_with_their_arguments() -> None:
    def body(epochs: int = 5) -> None:
        a, b = load()
        tell(b)
        tell(train(a, epochs=epochs))

    found = compose(body)
    assert names(found) == ["load", "tell", "train", "tell_2"]
    assert found.nodes[2].arguments == {"value": Handle(found.nodes[0], "a"), "epochs": 5}
    assert found.nodes[0].where == f"{__file__}:{body.__code__.co_firstlineno + 1}"
    assert compose(body, epochs=7).nodes[2].arguments["epochs"] == 7


def test_the_classic_form_takes_steps_as_arguments_and_calls_them_by_these_names() -> None:
    def body(importer: Any, trainer: Any, teller: Any) -> None:
        a, b = importer()
        trainer(value=a)
        teller(b)

    found = compose(body, importer=load, trainer=train(epochs=1), teller=tell.with_options(name="said"))
    assert names(found) == ["importer", "trainer", "said"]
    assert found.nodes[1].arguments["epochs"] == 1


def test_a_step_may_be_called_in_a_loop_and_an_output_used_twice_or_never() -> None:
    def body() -> None:
        outputs = load()
        for epochs in range(3):
            train(outputs.a, epochs=epochs)

    assert names(compose(body)) == ["load", "train", "train_2", "train_3"]


def test_outputs_are_taken_by_name_by_position_and_by_unpacking() -> None:
    def body() -> None:
        found = load()
        assert [*found] == [found.a, found.b] == [found["a"], found[1]]
        assert train(found.a).output.output is not None  # type: ignore[attr-defined]

    def wrong() -> None:
        train(load().c)

    compose(body)
    assert "has no output 'c'" in problem(wrong).message


@pytest.mark.parametrize(
    "use",
    [
        bool,
        lambda handle: handle == 3,
        lambda handle: [*handle],
        lambda handle: train(handle)[0],
    ],
)
def test_a_handle_has_no_value_yet(use: Callable[[Any], Any]) -> None:
    def body() -> None:
        use(train(1))

    problem(body)


def test_explicit_names_are_kept_and_must_be_different() -> None:
    def body() -> None:
        tell.with_options(name="first")()
        tell()
        tell.with_options(name="first")()

    found = problem(body)
    assert "two steps are named 'first'" in found.message
    assert str(body.__code__.co_firstlineno + 1) in found.message


def test_an_automatic_name_makes_way_for_an_explicit_one() -> None:
    def body() -> None:
        tell.with_options(name="tell_2")()
        tell()
        tell()

    assert names(compose(body)) == ["tell_2", "tell", "tell_3"]


def test_a_name_that_is_none_is_refused_with_its_place() -> None:
    with pytest.raises(IllegalNameError):
        PipelineDefinition(lambda: None)
    with pytest.raises(IllegalNameError):
        PipelineDefinition(compose, name="a b")


def after_by_handle() -> None:
    first = tell()
    tell.after(first)()


def after_by_name() -> None:
    tell.after("tell_2")()
    tell()


def after_by_step() -> None:
    train(1)
    tell.after(train)()


def after_by_handle_later() -> None:
    first, second = tell(), tell()
    first.after(second)  # type: ignore[func-returns-value, attr-defined]


def after_as_statement() -> None:
    train(1)
    tell()
    tell.after(train)


def after_with_options() -> None:
    train(1)
    tell()
    tell.after(train).with_options(name="last")()


@pytest.mark.parametrize(
    ("body", "node", "waits"),
    [
        (after_by_handle, 1, "tell"),
        (after_by_name, 0, "tell_2"),
        (after_by_step, 1, "train"),
        (after_by_handle_later, 0, "tell_2"),
        (after_as_statement, 1, "train"),
        (after_with_options, 2, "train"),
    ],
)
def test_a_step_may_wait_for_another_without_an_input(
    body: Callable[[], None], node: int, waits: str
) -> None:
    found = compose(body)
    assert [each.after for each in found.nodes] == [
        [waits] if place == node else [] for place in range(len(found.nodes))
    ]


def test_waiting_for_what_is_no_step_is_refused() -> None:
    def misspelled() -> None:
        tell.after("trian")()
        train(1)

    def unused() -> None:
        tell()
        tell()
        tell.after("tell")

    def elsewhere() -> None:
        tell.after(train)()

    assert problem(misspelled).hint == "did you mean 'train'?"
    assert "is not called" in problem(unused).message
    assert "is no call in pipeline" in problem(elsewhere).message


def test_an_argument_that_is_neither_value_nor_output_is_refused() -> None:
    kept: list[Any] = []

    def leak() -> None:
        kept.append(train(1))

    def foreign() -> None:
        tell(kept[0])

    def whole() -> None:
        tell(load())

    def nothing() -> None:
        tell(tell())  # type: ignore[func-returns-value]

    def uncalled() -> None:
        tell(train)

    def hidden() -> None:
        tell({"all": [train(1)]})

    def bound() -> None:
        tell.configure(value=train(1))

    compose(leak)
    assert "an output of another pipeline" in problem(foreign).message
    assert "has outputs a, b" in problem(whole).message
    assert "has no outputs" in problem(nothing).message
    assert "a step itself" in problem(uncalled).message
    assert "inside a dict" in problem(hidden).message
    assert "output of another step" in problem(bound).message


def test_a_pipeline_without_steps_is_an_error() -> None:
    def body() -> None: ...

    assert "has no steps" in problem(body).message


def test_arguments_of_a_pipeline_are_checked() -> None:
    def body(importer: Any, epochs: int = 1) -> None:
        importer()

    assert problem(body, importr=load).hint == "did you mean 'importer'?"
    assert "missing a required argument: 'importer'" in problem(body).message
    assert "it takes importer, epochs" in str(problem(body, 1, 2, 3).hint)


def test_an_annotated_step_is_the_only_one_admitted() -> None:
    def body(teller: tell) -> None:  # type: ignore[valid-type] # the classic form
        teller()  # type: ignore[misc]

    body.__annotations__["teller"] = tell  # text, for this module postpones annotations
    compose(body, tell())
    assert "wants step 'tell'" in problem(body, load()).message


def test_attributes_set_on_a_step_object_do_not_get_lost_silently() -> None:
    class Fit(BaseStep):
        def entrypoint(self, value: int) -> int:
            return value

    def body(fit: Any) -> None:
        fit(1)

    made = Fit()
    made.size = 3  # type: ignore[attr-defined] # that is the point
    assert "was given size" in str(compose_error(body, made))


def compose_error(body: Callable[..., Any], *args: Any) -> DefinitionError:
    with pytest.raises(DefinitionError) as raised:
        compose(body, *args)
    return raised.value


def test_what_the_body_raises_comes_out_as_it_is_and_leaves_nothing_behind() -> None:
    def body() -> None:
        tell()
        raise KeyError("mine")

    with pytest.raises(KeyError):
        compose(body)
    with pytest.raises(DefinitionError, match="called outside of a pipeline"):
        tell.configure()()
