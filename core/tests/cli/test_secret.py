"""`dovetail secret`: where values come from, what is refused, and scopes."""

from __future__ import annotations

import os
import pty
import shutil
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
    answer = cli("secret", "update", "db", *changed, env={"V": "new1"})
    assert answer.out == "updated secret 'db': changed 'b'; added 'c'; removed 'a'\n"
    assert values(cli, "db") == {"b": "new1", "c": "new1"}


def test_a_misspelt_key_of_an_update_shows_as_added(cli: CommandLine) -> None:
    assert cli("secret", "register", "crm", "--from-env", "token=V", env={"V": "old1"}).code == 0
    answer = cli("secret", "update", "crm", "--from-env", "tokem=V", env={"V": "new1"})
    assert answer.out == "updated secret 'crm': added 'tokem'\n"


def registered_in_three_scopes(cli: CommandLine) -> None:
    for scope in ("global", "profile", "pipeline:sizes"):
        given = ("--scope", scope, "--from-env", "key=V")
        assert cli("secret", "register", "crm", *given, env={"V": VALUE}).code == 0


LOOKED_IN = "looked in: global, profile:default; others are asked for by --scope pipeline:NAME"


def test_list_and_export_say_which_scopes_they_looked_into(cli: CommandLine) -> None:
    registered_in_three_scopes(cli)
    passphrase = {"PASSPHRASE": "correct horse battery"}
    export = ("export", "--passphrase-env", "PASSPHRASE")
    for words in (("list",), ("list", "--json"), (*export, "one"), (*export, "two", "--json")):
        answer = cli("secret", *words, env=passphrase)
        assert answer.code == 0
        assert "pipeline" not in answer.out
        assert LOOKED_IN in answer.err
    for words in (("list",), (*export, "three")):
        asked = cli("secret", *words, "--scope", "pipeline:sizes", "--json", env=passphrase)
        assert [each["scope"] for each in asked.json()] == ["pipeline:sizes"]
        assert "looked in" not in asked.err


def test_import_says_the_scopes_of_what_would_be_replaced(cli: CommandLine) -> None:
    registered_in_three_scopes(cli)
    passphrase = ("--passphrase-env", "PASSPHRASE")
    for what in ("export", "import"):
        answer = cli("secret", what, "kept.json", *passphrase, env={"PASSPHRASE": "correct horse battery"})
    assert_message(answer, 6, "'crm', 'crm' of scope 'profile:default' would be replaced in 'local'")


def test_a_lost_key_is_told_alike_wherever_a_secret_is_asked_for(cli: CommandLine) -> None:
    cli.write("run.py", TWO_STEPS)
    assert cli("secret", "register", "db", "--from-env", "key=V", env={"V": VALUE}).code == 0
    (key,) = (cli.home / "keys").iterdir()
    shutil.rmtree(key.parent)
    path = "{{ secret.db.key }}"
    assert cli("artifact-store", "register", "hidden", "--flavor", "local", "--path", path).code == 0
    assert cli("stack", "register", "own", "-o", "local", "-a", "hidden").code == 0
    for words in (("secret", "get", "db"), ("run", "run.py"), ("run", "run.py", "--stack", "own")):
        answer = cli(*words)
        assert_message(answer, 8, f"the key '{key}' is not there")
        assert "restore it; without it nobody can read the secrets" in answer.err


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
    assert "`dovetail secret register db --key key` makes it" in answer.err
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
