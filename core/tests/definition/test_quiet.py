"""An error that nobody catches is shown as a message, and never with a secret in it."""

from __future__ import annotations

import subprocess
import sys
import traceback

import pytest

from dovetail import redaction
from dovetail.definition.quiet import without_secrets
from dovetail.errors import StepError, StoreError

CANARY = "c4n4ry-of-all-secrets"


@pytest.fixture(autouse=True)
def _one_known(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_values", "_forms", "_starts", "_expression", "_listeners"):
        monkeypatch.setattr(redaction, name, type(getattr(redaction, name))())
    redaction.register(CANARY)


def raised(cause: Exception) -> StoreError:
    error = StoreError(f"cannot connect with {CANARY}", hint=f"try {CANARY}")
    error.add_note(f"tried {CANARY}")
    error.__cause__ = cause
    return error


def test_g13_an_error_of_a_component_is_masked_with_its_cause() -> None:
    error = without_secrets(raised(OSError(f"driver said {CANARY}")))
    assert CANARY not in "".join(traceback.format_exception(error)) + repr(error)
    assert error.message == "cannot connect with ********"
    assert error.__cause__ is None


def test_a_cause_that_tells_nothing_stays() -> None:
    cause = OSError("refused")
    assert without_secrets(raised(cause)).__cause__ is cause


def test_the_traceback_of_a_step_is_masked() -> None:
    error = without_secrets(StepError("failed", traceback=f"ValueError: {CANARY}"))
    assert isinstance(error, StepError)
    assert error.traceback == "ValueError: ********"


def test_g13_what_ends_a_script_is_masked() -> None:
    program = (
        "from dovetail import redaction\nfrom dovetail.definition.quiet import leave_quietly\n"
        "from dovetail.errors import StoreError\n"
        f"value = {CANARY!r}\nredaction.register(value)\nleave_quietly()\n"
        "raise StoreError(f'cannot connect with {value}', hint=f'not {value}')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "error: cannot connect with ********\n  hint: not ********" in done.stderr
    assert CANARY not in done.stderr
