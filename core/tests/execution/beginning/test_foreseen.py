"""A step that the cache has results for needs no secret."""

from __future__ import annotations

from dovetail.testing.command_line import CommandLine, assert_message

SCRIPT = """
from dovetail import Secret, pipeline, step

@step
def load(key: Secret) -> int:
    return len(key.reveal())

@step
def other() -> int:
    return 1

@step
def both(first: int, second: int, key: Secret) -> int:
    return first + second + len(key.reveal())

@pipeline
def sums():
    both(load(key="{{ secret.db.key }}"), other(), key="{{ secret.db.key }}")
"""


def test_what_is_cached_needs_no_secret_and_what_is_computed_does(cli: CommandLine) -> None:
    cli.write("run.py", SCRIPT)
    given = cli("secret", "register", "db", "--from-env", "key=V", env={"V": "12"})
    assert given.code == 0
    assert cli("run", "run.py").code == 0
    assert cli("secret", "delete", "db", "--yes").code == 0
    again = cli("run", "run.py", "--json")
    assert again.code == 0, again.err
    assert {each["status"] for each in again.json()["steps"]} == {"cached"}
    assert_message(cli("run", "run.py", "--no-cache"), 5, "step 'load': there is no secret 'db'")
    cli.write("run.py", SCRIPT.replace("return 1", "return 2"))
    assert_message(cli("run", "run.py"), 5, "step 'both': there is no secret 'db'")
