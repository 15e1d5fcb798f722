"""`dovetail secret`: where values come from, what is refused, and scopes."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dovetail.testing.command_line import CommandLine, assert_message

VALUE = "canary-of-the-commands"


@pytest.fixture
def cli(tmp_path: Path) -> CommandLine:
    project = tmp_path / "project"
    project.mkdir()
    return CommandLine(project, tmp_path / "home")


def values(cli: CommandLine, name: str, *options: str) -> dict[str, str]:
    found: dict[str, str] = cli("secret", "get", name, "--reveal", "--json", *options).json()["values"]
    return found


def test_values_come_from_files_variables_and_input(cli: CommandLine) -> None:
    cli.write("token", f"{VALUE}\n")
    options = ("--from-file", "one=token", "--from-env", "two=OTHER")
    assert cli("secret", "register", "mixed", *options, env={"OTHER": "two"}).code == 0
    assert values(cli, "mixed") == {"one": VALUE, "two": "two"}
    done = subprocess.run(
        [sys.executable, "-m", "dovetail", "secret", "register", "piped", "--stdin"],
        input='{"a": "1", "b": "2"}', text=True, capture_output=True, check=True,
        cwd=cli.directory, env=cli.environment(),
    )  # fmt: skip
    assert "'a' has fewer than 4 characters and is not masked" in done.stderr
    assert values(cli, "piped") == {"a": "1", "b": "2"}


def test_a_person_types_values_unseen(cli: CommandLine) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "dovetail", "secret", "register", "typed"],
        stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
        cwd=cli.directory, env=cli.environment(),
    )  # fmt: skip
    os.close(theirs)
    seen, deadline = b"", time.monotonic() + 60
    while b"value of value" not in seen and time.monotonic() < deadline:
        seen += os.read(ours, 4096)
    time.sleep(0.2)
    os.write(ours, f"{VALUE}\n".encode())
    try:
        while piece := os.read(ours, 4096):
            seen += piece
    except OSError:
        pass
    assert process.wait(60) == 0, seen
    os.close(ours)
    assert VALUE.encode() not in seen
    assert values(cli, "typed") == {"value": VALUE}


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("register", "new"), 2, "nobody is there to type the value of value"),
        (("register", "new", "--schema", "aws", "--from-env", "x=KEPT"), 2, "nobody is there to type"),
        (("register", "new", "--schema", "awss", "--stdin"), 5, "no secret schema 'awss'"),
        (("register", "new", "--from-file", f"token={VALUE}"), 4, "the file for key 'token' cannot be read"),
        (("register", "new", "--from-env", f"token={VALUE}"), 4, "the variable for key 'token' is not set"),
        (("register", "new", "--from-env", VALUE), 2, "not of the form KEY=PLACE"),
        (("register", "new", "--scope", "planet", "--stdin"), 4, "'planet' is no scope"),
        (("register", "../new", "--from-env", "x=KEPT"), 4, "'../new' cannot name a secret"),
        (("register", "kept", "--from-env", "x=KEPT"), 6, "secret 'kept' is there already"),
        (("get", "kepd"), 5, "no secret 'kepd'"),
        (("get", "kept", "--key", "y"), 5, "no key 'y'"),
        (("update", "kept"), 2, "nothing to change"),
        (("update", "kept", "--remove", "y"), 5, "no key 'y'"),
        (("delete", "nobody", "--yes"), 5, "no secret 'nobody'"),
        (("delete", "kept"), 2, "nobody is there to say"),
        (("import", "nowhere.json", "--passphrase-env", "KEPT"), 4, "'nowhere.json' is not there"),
        (("export", "out.json", "--passphrase-env", "EMPTY"), 2, "a passphrase is needed"),
    ],
)
def test_what_cannot_be_done_is_one_message_without_a_value(
    cli: CommandLine, words: tuple[str, ...], code: int, said: str
) -> None:
    assert cli("secret", "register", "kept", "--from-env", "x=KEPT", env={"KEPT": VALUE}).code == 0
    answer = cli("secret", *words, env={"KEPT": VALUE})
    assert_message(answer, code, said)
    assert VALUE not in answer.err
    assert values(cli, "kept") == {"x": VALUE}


def test_update_changes_some_keys_and_keeps_the_others(cli: CommandLine) -> None:
    assert (
        cli("secret", "register", "db", "--from-env", "a=V", "--from-env", "b=V", env={"V": "old1"}).code == 0
    )
    changed = ("--from-env", "b=V", "--from-env", "c=V", "--remove", "a")
    assert cli("secret", "update", "db", *changed, env={"V": "new1"}).code == 0
    assert values(cli, "db") == {"b": "new1", "c": "new1"}


def test_the_most_specific_scope_gives_the_value(cli: CommandLine) -> None:
    cli.write(
        "run.py",
        "from dovetail import Secret, pipeline, step\n"
        "@step\ndef size(key: Secret) -> int:\n    print(f'size={len(key.reveal())}.')\n    return 1\n"
        "@pipeline\ndef sizes():\n    size(key='{{ secret.db.key }}')\n",
    )
    for number, scope in enumerate(("global", "profile", "pipeline:sizes"), 5):
        given = ("--scope", scope, "--from-env", "key=V")
        assert cli("secret", "register", "db", *given, env={"V": "x" * number}).code == 0
        ran = cli("run", "run.py", "--no-cache")
        assert f"size={number}." in ran.err
    shown = cli("secret", "list", "--json").json()
    assert [each["scope"] for each in shown] == ["global", "profile:default"]


def test_a_setting_refers_to_a_secret_also_in_the_process_of_a_step(cli: CommandLine) -> None:
    assert (
        cli("secret", "register", "place", "--from-env", "name=V", env={"V": "confidential-name"}).code == 0
    )
    path = f"{cli.directory}/{{{{ secret.place.name }}}}"
    assert cli("artifact-store", "register", "hidden", "--flavor", "local", "--path", path).code == 0
    for words in (("copy", "default", "own"), ("update", "own", "-a", "hidden"), ("set", "own")):
        assert cli("stack", *words).code == 0
    cli.write(
        "run.py",
        "from dovetail import pipeline, step\n"
        "@step\ndef one() -> int:\n    print('at confidential-name')\n    return 1\n"
        "@pipeline\ndef ones():\n    one()\n",
    )
    ran = cli("run", "run.py")
    assert ran.code == 0, ran.err
    assert (cli.directory / "confidential-name").is_dir()
    assert "at ********" in ran.err
    assert cli("artifact-store", "show", "hidden", "--json").json()["config"]["path"] == path
    assert "confidential-name" not in cli("run", "show", "last", "--json").out


TWO_STEPS = (
    "from dovetail import Secret, pipeline, step\n"
    "@step\ndef one() -> int:\n    print('begun')\n    return 1\n"
    "@step\ndef size(key: Secret, before: int) -> int:\n    return len(key.reveal()) + before\n"
    "@pipeline\ndef sizes():\n    size(key='{{ secret.db.key }}', before=one())\n"
)


def test_a_secret_that_a_late_step_misses_is_told_before_the_run(cli: CommandLine) -> None:
    cli.write("run.py", TWO_STEPS)
    answer = cli("run", "run.py")
    assert_message(answer, 5, "step 'size': there is no secret 'db' in secrets manager 'local'")
    assert "looked in: pipeline:sizes, profile:default, global" in answer.err
    assert cli("secret", "register", "db", "--from-env", "keys=V", env={"V": "12"}).code == 0
    answer = cli("run", "run.py")
    assert_message(answer, 5, "step 'size': secret 'db' has no key 'key'")
    assert "did you mean 'keys'?" in answer.err
    assert cli("run", "list", "--json").json() == []
    assert cli("secret", "update", "db", "--from-env", "key=V", env={"V": "123"}).code == 0
    assert cli("run", "run.py").code == 0


def test_a_step_that_is_not_to_run_may_miss_its_secret(cli: CommandLine) -> None:
    cli.write("run.py", TWO_STEPS)
    answer = cli("run", "run.py", "--to", "one")
    assert answer.code == 0, answer.err
