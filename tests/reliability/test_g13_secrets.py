"""A canary in a secret: steps do with it what people do by mistake, and every byte is searched for it."""

from __future__ import annotations

import base64
import json
import os
import pty
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import pytest

from dovetail.testing.command_line import Answer, CommandLine

CANARY = 'c4n4ry/+ "of=all" \\ secrets\u00fc'
TOKEN = "t0ken-canary-0123456789"
MODES = {
    "processes": ([], {}),
    "spawned": ([], {"DOVETAIL_START_METHOD": "spawn"}),
    "in_process": (["--in-process"], {}),
    "operated": ([], {}),
}
PIPELINES = {"talkative": 0, "raising": 1, "dying": 1, "returning": 1}


def forms(value: str) -> dict[str, bytes]:
    """Return what a canary looks like: by transformation, bytes that give it away."""
    data = value.encode()
    cores = {
        f"base64 behind {size}": base64.b64encode(bytes(size) + data)[4 if size else 0 : -4]
        for size in range(3)
    }
    return {
        "literal": data,
        "a part of it": data[:12],
        "url": quote(value, safe="").encode(),
        "url with slashes": quote(value).encode(),
        "json": json.dumps(value)[1:-1].encode(),
        "repr": repr(value)[1:-1].encode(),
        "hex": data.hex().encode(),
        "upper hex": data.hex().upper().encode(),
        **cores,
    }


FORMS = [each for value in (CANARY, TOKEN) for each in forms(value).items()]


def found_in(data: bytes) -> list[str]:
    return [name for name, form in FORMS if form in data]


def leaks(*places: Path) -> tuple[int, list[str]]:
    """Return how many files there are below the places, and which of them hold a canary in which form."""
    files = [file for place in places for file in place.rglob("*") if file.is_file()]
    return len(files), [f"{file}: {name}" for file in files for name in found_in(file.read_bytes())]


@pytest.fixture
def kept(cli: CommandLine) -> CommandLine:
    """The command line of a project whose secret is registered."""
    cli.write("confidential.py", (Path(__file__).parent / "programs" / "confidential.py").read_text("utf-8"))
    given = {"CANARY": CANARY, "TOKEN": TOKEN}
    options = ("--from-env", "password=CANARY", "--from-env", "token=TOKEN")
    answer = cli("secret", "register", "db", *options, env=given)
    assert answer.code == 0, answer.err
    return cli


def said(answer: Answer) -> list[str]:
    return found_in(answer.out.encode() + answer.err.encode())


def operated(kept: CommandLine) -> None:
    """Let all steps go to a step operator, one of whose own settings is the secret."""
    text = (kept.directory / "confidential.py").read_text(encoding="utf-8")
    kept.write(
        "confidential.py",
        text.replace("@step\n", "@step()\n").replace("@step(", "@step(step_operator=True, "),
    )
    variables = '{"OPERATORS_OWN": "{{ secret.db.password }}"}'
    for words in (
        ("step-operator", "register", "apart", "--flavor", "subprocess", "--environment", variables),
        ("stack", "register", "away", "-o", "local", "-a", "local", "-s", "apart"),
        ("stack", "set", "away"),
    ):
        answer = kept(*words)
        assert answer.code == 0, answer.err


@pytest.mark.parametrize("mode", MODES)
def test_g13_a_canary_is_in_no_file_and_no_output_whatever_a_step_does_with_it(
    kept: CommandLine, mode: str, tell: Callable[[str], None]
) -> None:
    options, variables = MODES[mode]
    if mode == "operated":
        operated(kept)
    commands = [
        ("run", "show", "last"),
        ("run", "logs", "last"),
        ("run", "explain", "last"),
        ("artifact", "list"),
    ]
    answers, masks = [], 0
    for name, code in PIPELINES.items():
        ran = kept("run", f"confidential.py:{name}", *options, env=variables)
        ends_the_command = mode == "in_process" and name == "dying"
        assert ran.code == (9 if ends_the_command else code), ran
        answers += [ran, *(kept(*each) for each in commands)]
        answers += [kept(*each, "--json") for each in commands if each[1] != "logs"]
        answers.append(kept("run", "page", "last", "-o", f"{name}.html"))
        masks += ran.out.count("********") + ran.err.count("********")
    assert masks > 40
    assert [name for answer in answers for name in said(answer)] == []
    count, found = leaks(kept.home, kept.directory)
    assert found == []
    assert any("holds a secret" in each.err for each in answers)
    tell(
        f"{mode}: {count} files and {len(answers)} outputs x {len(FORMS)} forms, 0 leaks, {masks} masks shown"
    )


def test_g13_a_plan_a_record_and_a_page_hold_the_reference_only(kept: CommandLine) -> None:
    assert kept("pipeline", "compile", "confidential.py:talkative", "-o", "plan.yaml").code == 0
    assert "{{ secret.db.password }}" in (kept.directory / "plan.yaml").read_text(encoding="utf-8")
    assert kept("run", "confidential.py:talkative").code == 0
    shown = kept("run", "show", "last", "--json").json()
    steps = {each["name"]: each for each in shown["steps"]}
    assert steps["says"]["parameters"]["password"] == "{{ secret.db.password }}"
    assert steps["says"]["parameters"]["settings"]["token"] == "{{ secret.db.token }}"
    assert steps["notes"]["metrics"] == {"metric ********": 1.0}
    assert leaks(kept.directory, kept.home)[1] == []


def test_g13_a_cache_key_does_not_depend_on_the_value(kept: CommandLine) -> None:
    assert kept("run", "confidential.py:talkative").code == 0
    keys = [each["key"] for each in kept("run", "show", "last", "--json").json()["steps"]]
    changed = kept("secret", "update", "db", "--from-env", "password=OTHER", env={"OTHER": "another value"})
    assert changed.code == 0, changed.err
    assert kept("run", "confidential.py:talkative").code == 0
    again = kept("run", "show", "last", "--json").json()["steps"]
    assert [each["key"] for each in again] == keys
    assert {each["status"] for each in again} == {"cached"}


def arguments() -> Iterator[bytes]:
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            yield place.read_bytes()
        except OSError:
            continue


@pytest.mark.skipif(os.name == "nt", reason="needs a terminal")
@pytest.mark.parametrize("mode", ["processes", "in_process"])
def test_g13_the_live_display_of_a_terminal_shows_no_canary(kept: CommandLine, mode: str) -> None:
    options, variables = MODES[mode]
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "dovetail", "run", "confidential.py:talkative", *options],
        cwd=kept.directory, env=kept.environment({**variables, "TERM": "xterm", "COLUMNS": "300"}),
        stdin=theirs, stdout=theirs, stderr=theirs,
    )  # fmt: skip
    os.close(theirs)
    seen = b""
    with suppress(OSError):
        while piece := os.read(ours, 1 << 16):
            seen += piece
    os.close(ours)
    assert process.wait(60) == 0, seen
    assert b"********" in seen
    assert found_in(seen) == []


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="looks into /proc")
@pytest.mark.parametrize("method", ["fork", "spawn", "operated"])
def test_g13_no_process_has_a_canary_among_its_arguments(
    kept: CommandLine, method: str, tell: Callable[[str], None]
) -> None:
    variables = {"HOLD": "1"} if method == "operated" else {"HOLD": "1", "DOVETAIL_START_METHOD": method}
    if method == "operated":
        operated(kept)
    process = kept.spawn("run", "confidential.py:talkative", env=variables)
    seen, found = 0, []
    while process.poll() is None:
        for each in arguments():
            seen += 1
            found += found_in(each)
        time.sleep(0.01)
    out, err = process.communicate()
    assert process.returncode == 0, err
    assert found == found_in(out.encode() + err.encode()) == []
    tell(f"{method}: {seen} command lines looked at, 0 leaks")


def test_g13_the_commands_of_secrets_show_a_value_only_where_it_is_asked_for(kept: CommandLine) -> None:
    for words in (
        ("get", "db"),
        ("get", "db", "--json"),
        ("get", "db", "--key", "token"),
        ("list",),
        ("list", "--json"),
    ):
        answer = kept("secret", *words)
        assert answer.code == 0, answer.err
        assert said(answer) == []
    assert kept("secret", "get", "db", "--key", "token", "--reveal").out == f"{TOKEN}\n"
    assert kept("secret", "get", "db", "--reveal", "--json").json()["values"]["password"] == CANARY


def test_g13_an_export_is_sealed_and_opens_with_its_passphrase_only(kept: CommandLine) -> None:
    passphrase = {"PASSPHRASE": "correct horse battery", "WRONG": "staple"}
    exported = kept("secret", "export", "kept.json", "--passphrase-env", "PASSPHRASE", env=passphrase)
    assert exported.code == 0, exported.err
    assert leaks(kept.directory)[1] == []
    assert (kept.directory / "kept.json").stat().st_mode & 0o777 == 0o600
    assert kept("secret", "delete", "db", "--yes").code == 0
    refused = kept("secret", "import", "kept.json", "--passphrase-env", "WRONG", env=passphrase)
    assert refused.code == 8
    assert "does not open" in refused.err
    assert kept("secret", "import", "kept.json", "--passphrase-env", "PASSPHRASE", env=passphrase).code == 0
    assert kept("secret", "get", "db", "--reveal", "--json").json()["values"] == {
        "password": CANARY,
        "token": TOKEN,
    }


def test_g13_a_plain_value_in_place_of_a_reference_is_refused_and_not_shown(kept: CommandLine) -> None:
    program = (
        "from confidential import *\n"
        f"@pipeline\ndef wrong():\n    logs(password={CANARY!r})\n"
        "if __name__ == '__main__':\n    wrong.run()\n"
    )
    kept.write("wrong.py", program)
    for answer in (kept("run", "wrong.py"), kept("run", "wrong.py", "--debug"), kept.python("wrong.py")):
        assert answer.code != 0
        assert "dovetail secret register" in answer.err
        shown = answer.err.replace(
            f"logs(password={CANARY!r})", ""
        )  # a traceback shows the line of the source
        assert found_in(shown.encode()) == []
    (kept.directory / "wrong.py").unlink()
    assert leaks(kept.home)[1] == []


def test_g13_a_run_without_secrets_imports_and_scans_nothing_for_them(cli: CommandLine) -> None:
    cli.write(
        "plain.py",
        "import sys\nfrom dovetail import pipeline, step\n"
        "@step\ndef names() -> list[str]:\n    print(*sys.modules)\n    return sorted(sys.modules)\n"
        "@pipeline\ndef plain():\n    names()\n",
    )
    for options in ([], ["--in-process"]):
        ran = cli("run", "plain.py", "--no-cache", *options)
        assert ran.code == 0, ran.err
        # The line is longer than what is shown of one while the step runs.
        loaded = set(cli("run", "logs", "last", "names").out.split())
        assert "dovetail.redaction" in loaded
        heavy = {"cryptography", "keyring", "dovetail.disguises", "dovetail.builtin.local_secrets_manager"}
        assert not heavy & loaded


def test_g13_what_would_leak_would_be_seen(kept: CommandLine) -> None:
    kept.write("leaky.py", f"import confidential\nVALUE = {TOKEN!r}\n")
    assert leaks(kept.directory)[1] != []
    assert found_in(os.fsencode(TOKEN)) == [
        "literal",
        "a part of it",
        "url",
        "url with slashes",
        "json",
        "repr",
    ]
