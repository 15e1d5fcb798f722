"""Pipelines on a stack whose artifacts lie in a bucket, the way a user runs them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from dovetail.testing.command_line import Answer, CommandLine
from dovetail.testing.fault_proxy import FaultProxy
from dovetail_s3.store import S3ArtifactStore

pytestmark = pytest.mark.emulated

SECRET = "canary-5f0c3a-secret-key"
KEYS = {
    "DOVETAIL_ARTIFACT_STORE_LAKE_ACCESS_KEY_ID": "AKIACANARY",
    "DOVETAIL_ARTIFACT_STORE_LAKE_SECRET_ACCESS_KEY": SECRET,
}
PIPELINE = """
from dovetail import pipeline, step

@step
def numbers() -> list[int]:
    print("numbers are made")
    return list(range(50))

@step
def total(numbers: list[int]) -> int:
    return sum(numbers)

@pipeline
def summing():
    total(numbers())

if __name__ == "__main__":
    summing.run()
"""


@pytest.fixture
def dovetail(tmp_path: Path) -> CommandLine:
    (tmp_path / "project").mkdir()
    commands = CommandLine(tmp_path / "project", tmp_path / "home")
    commands.write("sums.py", PIPELINE)
    return commands


@pytest.fixture
def stack(dovetail: CommandLine, bucket: str, proxy: FaultProxy) -> str:
    """Register what a user registers; no key stands on a command line."""
    lake = ("--flavor", "s3", "--url", f"s3://{bucket}/team", "--endpoint_url", proxy.url)
    settings = (*lake, "--region", "us-east-1", "--attempts", "1")
    done = dovetail("artifact-store", "register", "lake", *settings)
    assert done.code == 0, done.err
    done = dovetail("stack", "register", "team", "-o", "local", "-a", "lake", "-m", "sqlite")
    assert done.code == 0, done.err
    assert dovetail("stack", "set", "team").code == 0
    return "team"


def run(dovetail: CommandLine, stack: str, **more: str) -> Answer:
    return dovetail("run", "sums.py", "--stack", stack, env={**KEYS, **more})


def test_a_pipeline_runs_is_cached_verified_and_read_back(
    dovetail: CommandLine, stack: str, made: Callable[..., S3ArtifactStore], tmp_path: Path
) -> None:
    first = run(dovetail, stack)
    assert first.code == 0, first.err
    second = run(dovetail, stack)
    assert second.code == 0, second.err
    shown = dovetail("run", "show", "last", "--json", env=KEYS)
    assert shown.out.count('"cached"') >= 2, shown.out
    verified = dovetail("artifact", "verify", "--all", env=KEYS)
    assert verified.code == 0, verified.err
    older = dovetail("run", "list", "--json", env=KEYS).json()[-1]["name"]
    logs = dovetail("run", "logs", older, env=KEYS)
    assert "numbers are made" in logs.out, logs.err
    values = [path for path, _ in made().entries("artifacts") if path.endswith("value.json")]
    assert {json.dumps(json.loads(made().get(path))) for path in values} == {
        json.dumps(list(range(50))),
        "1225",
    }
    told = "".join(each.out + each.err for each in (first, second, shown, verified, logs))
    assert SECRET not in told
    files = [each for each in tmp_path.rglob("*") if each.is_file()]
    assert len(files) > 3
    assert not [each for each in files if SECRET.encode() in each.read_bytes()]
    assert not [path for path, _ in made().entries() if SECRET.encode() in made().get(path)]


@pytest.mark.parametrize(
    ("code", "setting"),
    [("SignatureDoesNotMatch", "secret_access_key"), ("InvalidAccessKeyId", "access_key_id")],
)
def test_a_wrong_key_is_one_message(
    dovetail: CommandLine, stack: str, proxy: FaultProxy, code: str, setting: str
) -> None:
    proxy.answer(403, body=f"<Error><Code>{code}</Code></Error>".encode(), times=999)
    done = run(dovetail, stack)
    assert done.code != 0
    assert f"setting '{setting}'" in done.err
    assert "Traceback" not in done.err
    assert SECRET not in done.out + done.err


def test_a_missing_bucket_is_one_message(dovetail: CommandLine, stack: str) -> None:
    assert dovetail("artifact-store", "update", "lake", "--url", "s3://no-such-bucket").code == 0
    done = run(dovetail, stack)
    assert done.code != 0
    assert "there is no bucket 'no-such-bucket'" in done.err
    assert "Traceback" not in done.err


def test_a_service_that_is_not_there_is_one_message(dovetail: CommandLine, stack: str) -> None:
    assert dovetail("artifact-store", "update", "lake", "--endpoint_url", "http://127.0.0.1:9").code == 0
    done = run(dovetail, stack)
    assert done.code != 0
    assert "http://127.0.0.1:9 does not answer" in done.err
    assert "Traceback" not in done.err


def test_a_key_on_the_command_line_is_refused(dovetail: CommandLine) -> None:
    done = dovetail(
        "artifact-store",
        "register",
        "x",
        "--flavor",
        "s3",
        "--url",
        "s3://bucket",
        "--secret_access_key",
        "k",
    )
    assert done.code != 0
    assert "'secret_access_key' is a secret" in done.err
