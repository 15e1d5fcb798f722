"""The command line as a child process, the way a user meets it."""

# ruff: noqa: S101 - assert is what tests do

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command printed and how it left."""

    code: int
    out: str
    err: str

    def json(self) -> Any:  # noqa: ANN401 - whatever it printed
        """Return its standard output read as JSON."""
        return json.loads(self.out)


@dataclass(frozen=True, slots=True)
class CommandLine:
    """Runs `dovetail ...` and scripts in `directory`, with a home of its own."""

    directory: Path
    home: Path

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return the environment of the children: that of this process, less Dovetail's variables."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("DOVETAIL_")}
        return {**kept, "DOVETAIL_HOME": str(self.home), **(extra or {})}

    def __call__(self, *arguments: str, env: Mapping[str, str] | None = None, timeout: float = 120) -> Answer:
        """Run `dovetail` with these arguments."""
        return self.python("-m", "dovetail", *arguments, env=env, timeout=timeout)

    def python(self, *arguments: str, env: Mapping[str, str] | None = None, timeout: float = 120) -> Answer:
        """Run this interpreter with these arguments."""
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.directory,
            env=self.environment(env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    def spawn(self, *arguments: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """Start `dovetail` with these arguments and do not wait; the caller ends it."""
        return subprocess.Popen(
            [sys.executable, "-m", "dovetail", *arguments],
            cwd=self.directory,
            env=self.environment(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def write(self, name: str, text: str) -> Path:
        """Write a file below the directory."""
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path


def assert_message(answer: Answer, code: int, *parts: str) -> None:
    """Fail unless a command ended with `code` and an error that says these parts and what to do about it."""
    assert answer.code == code, answer
    assert answer.out.strip(" ") == "", answer  # a question of click before 8.4 leaves a blank there
    assert "Traceback" not in answer.err, answer.err
    assert "hint: " in answer.err, answer.err
    for each in parts:
        assert each in answer.err, answer.err
