"""One line says what happened to a run whose process died, and what to type."""

from __future__ import annotations

from dovetail.execution.interruption import going_on, interruption, resumption


def test_the_line_can_be_typed_whatever_the_name() -> None:
    assert going_on("fit-1") == "to go on where it stopped: dovetail run resume fit-1"
    assert going_on("my run") == "to go on where it stopped: dovetail run resume 'my run'"


def test_several_runs_are_one_line_about_the_newest() -> None:
    assert interruption("c", "b", "a") == (
        "3 runs were interrupted: their processes died; to go on with the newest: dovetail run resume c"
    )


def test_going_on_tells_what_had_happened() -> None:
    assert resumption("c") == "run c was interrupted: its process died; it goes on where it stopped"
