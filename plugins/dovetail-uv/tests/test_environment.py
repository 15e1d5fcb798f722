"""What uv is told by the environment around it, and what is made of what it says."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from dovetail.plugin import StepSubmission, new_id
from dovetail_uv.environment import BuildError
from dovetail_uv.operator import UvStepOperator

UNKNOWN_HOST = {
    "0.13.9": """Request failed after 3 retries in 8.8s
        cause: Failed to fetch: https://pypi.invalid/simple/iniconfig/
        cause: error sending request for url (https://pypi.invalid/simple/iniconfig/)
        cause: client error (Connect)
        cause: dns error
        cause: error resolving DNS
        cause: failed to lookup address information: Name or service not known""",
    "0.8.0": """Failed to fetch: `https://pypi.invalid/simple/iniconfig/`
        Caused by: Request failed after 3 retries
        Caused by: error sending request for url (https://pypi.invalid/simple/iniconfig/)
        Caused by: client error (Connect)
        Caused by: dns error
        Caused by: failed to lookup address information: Name or service not known""",
}


def submission(**fields: Any) -> StepSubmission:
    return StepSubmission(
        run_id=new_id(), run_name="r", step="s", attempt=new_id(), command=["python", "-c", ""], **fields
    )


@pytest.mark.parametrize("version", UNKNOWN_HOST)
def test_an_unknown_host_is_no_fault_of_the_requirements(version: str) -> None:
    assert BuildError(UNKNOWN_HOST[version]).hint.startswith("look at the network, index_url and the proxy")


@pytest.mark.parametrize(
    "said",
    [
        "cause: Failed to download `https://x/python-build-standalone/y`\n cause: dns error",
        "error: No interpreter found for Python 3.13 in managed installations or search path",
        "error: Failed to inspect Python interpreter from first executable in the search path",
    ],
)
def test_a_python_that_is_not_here_is_no_fault_of_the_requirements_either(said: str) -> None:
    assert "`uv python list`" in BuildError(said).hint


def test_what_is_not_on_the_index_is_a_fault_of_the_requirements() -> None:
    assert BuildError("No solution found when resolving dependencies").hint.startswith(
        "correct the requirements"
    )


@pytest.mark.real
def test_an_index_that_cannot_be_reached_is_told_as_such(
    make: Callable[..., UvStepOperator], monkeypatch: pytest.MonkeyPatch, ended: Any
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    operator = make(index_url=f"http://127.0.0.1:{port}/simple")
    handle = operator.submit(submission(requirements=["surely-not-cached-anywhere"]))
    assert ended(operator, handle).exit_code == 74
    assert "hint: look at the network, index_url and the proxy" in operator.logs(handle).decode()


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], str]]:
    """Starts a package index that answers everything with one status; returns its address."""
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with ExitStack() as started:

        def start(status: int) -> str:
            class Answer(BaseHTTPRequestHandler):
                def do_GET(self) -> None:
                    self.send_response(status)
                    self.send_header("Content-Length", "0")
                    self.end_headers()

                def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - its name there
                    """Say nothing."""

            server = started.enter_context(ThreadingHTTPServer(("127.0.0.1", 0), Answer))
            started.callback(server.shutdown)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            return f"http://127.0.0.1:{server.server_port}/simple"

        yield start


@pytest.mark.real
@pytest.mark.parametrize(
    ("status", "hint"),
    [
        (401, "see to index_url, and to what uv logs in there with"),
        (403, "see to index_url, and to what uv logs in there with"),
        (404, "correct the requirements of the step"),
        (500, "look at the network, index_url and the proxy"),
    ],
)
def test_what_an_index_answers_decides_on_the_hint(
    make: Callable[..., UvStepOperator], index: Callable[[int], str], ended: Any, status: int, hint: str
) -> None:
    operator = make(index_url=index(status))
    handle = operator.submit(submission(requirements=["surely-not-cached-anywhere"]))
    assert ended(operator, handle).exit_code == 74
    assert f"hint: {hint}" in operator.logs(handle).decode()


@pytest.mark.real
def test_processes_of_uv_see_no_secrets_of_dovetail(
    make: Callable[..., UvStepOperator], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ended: Any
) -> None:
    seen, curious = tmp_path / "seen", tmp_path / "curious-uv"
    curious.write_text(f"#!/bin/sh\nenv > {seen}\nexit 1\n")
    curious.chmod(0o755)
    monkeypatch.setenv("DOVETAIL_SECRETS_MANAGER_VAULT_PASSPHRASE", "hunter2")
    monkeypatch.setenv("DOVETAIL_SECRET_DB__PASSWORD", "hunter2")
    monkeypatch.setenv("UV_INDEX_MINE_USERNAME", "bob")
    operator = make(uv=curious)
    ended(operator, operator.submit(submission()))
    variables = dict(line.split("=", 1) for line in seen.read_text().splitlines() if "=" in line)
    assert "hunter2" not in variables.values()
    assert variables["UV_INDEX_MINE_USERNAME"] == "bob"
    assert [each for each in variables if each.startswith("DOVETAIL_")] == ["DOVETAIL_ATTEMPT"]
    assert variables["PATH"] == os.environ["PATH"]
