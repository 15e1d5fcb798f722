"""An environment: what it is made of, where it is kept, and how it is made by uv."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

MADE = "made.json"
_HEADS = ("\N{MULTIPLICATION SIGN}", "error:")
_ATTEMPT = "DOVETAIL_ATTEMPT"
_NO_PYTHON = ("python-build-standalone", "No interpreter found", "Failed to inspect Python interpreter")
_UNREACHED = (
    "error sending request",
    "dns error",
    "Connection refused",
    "timed out",
    "HTTP status server error",
)
_TURNED_AWAY = ("401 Unauthorized", "403 Forbidden")
_DRAWN = " \n\N{MULTIPLICATION SIGN}\u2570\u2500\u25b6\u2502"


class BuildError(Exception):
    """uv could not make it; the text is what it said."""

    @property
    def hint(self) -> str:
        """Say what to do about it: another thing where uv got no answer than where it got a bad one."""
        if any(each in str(self) for each in _NO_PYTHON):
            return "install that Python on this machine, or name one that is there: `uv python list`"
        if any(each in str(self) for each in _UNREACHED):
            return "look at the network, index_url and the proxy; or use find_links with offline"
        if any(each in str(self) for each in _TURNED_AWAY):
            return "see to index_url, and to what uv logs in there with: variables UV_INDEX_* or a netrc file"
        return "correct the requirements of the step; `uv pip compile` tries them without a run"


@dataclass(frozen=True, slots=True)
class Environment:
    """What an environment is made of. `name` is that of its folder in `cache`, and differs with all of it.

    `python` is a version or a path, `lines` are those of a requirements file, `options` go to uv as they are.
    """

    name: str
    cache: str
    uv: str
    python: str
    lines: tuple[str, ...]
    options: tuple[str, ...] = ()

    @property
    def place(self) -> Path:
        """Return its folder."""
        return Path(self.cache) / self.name

    @property
    def interpreter(self) -> Path:
        """Return its Python."""
        return self.place / "bin" / "python"

    @property
    def made(self) -> bool:
        """Say whether it is there, whole, with the Python that it was made of."""
        return (self.place / MADE).is_file() and os.access(self.interpreter, os.X_OK)

    def to_json(self) -> str:
        """Return it as JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Environment:
        """Read what `to_json` gave."""
        found = json.loads(text)
        return cls(**{**found, "lines": tuple(found["lines"]), "options": tuple(found["options"])})

    def make(self) -> None:
        """Make it, unless somebody else has by now; uv says on standard error how it goes.

        It is made beside its place, and moved there when it is whole.

        Raises:
            BuildError: uv refuses; nothing is left of it then.
        """
        with self._alone():
            if self.made:
                return
            for old in Path(self.cache).glob(f".{self.name}-*"):  # of who was killed: the lock was free
                shutil.rmtree(old, ignore_errors=True)
            shutil.rmtree(self.place, ignore_errors=True)
            draft = Path(tempfile.mkdtemp(prefix=f".{self.name}-", dir=self.cache))
            try:
                self._fill(draft)
                (draft / MADE).write_text(self.to_json())
                draft.rename(self.place)
            finally:
                shutil.rmtree(draft, ignore_errors=True)

    def _fill(self, draft: Path) -> None:
        requirements = draft / "requirements.txt"
        requirements.write_text("\n".join((*self.lines, "")))
        self._call(
            "venv", "--allow-existing", "--relocatable", "--no-project", "--python", self.python, str(draft)
        )
        self._call(
            "pip",
            "install",
            "--python",
            str(draft / "bin" / "python"),
            *self.options,
            "-r",
            str(requirements),
        )

    def _call(self, *arguments: str) -> None:
        own = {key: value for key, value in os.environ.items() if _is_for_uv(key)}
        said: list[str] = []
        with subprocess.Popen(
            [self.uv, *arguments], stdin=subprocess.DEVNULL, stdout=sys.stderr, stderr=subprocess.PIPE,
            text=True, errors="replace", env={**own, "NO_COLOR": "1"}, cwd="/",
        ) as child:  # fmt: skip
            for line in child.stderr or ():
                said.append(line)
                sys.stderr.write(line)
                sys.stderr.flush()
        if child.returncode:
            raise BuildError(_plain_text(said))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        Path(self.cache).mkdir(parents=True, exist_ok=True)
        with (Path(self.cache) / f".{self.name}.lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                sys.stderr.write("waiting for another process, which makes this environment\n")
                sys.stderr.flush()
                fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _is_for_uv(variable: str) -> bool:
    """Say whether processes of uv see a variable: a build is code of others, and reads no secret of ours."""
    if variable == _ATTEMPT:  # by it they are found, and killed, when the keeper of the attempt is gone
        return True
    return variable not in {"VIRTUAL_ENV", "PYTHONPATH"} and not variable.startswith("DOVETAIL_")


def _plain_text(lines: list[str]) -> str:
    """Return what uv said as one line, without the drawing around it."""
    heads = [number for number, line in enumerate(lines) if line.lstrip().startswith(_HEADS)]
    words = " ".join(line.strip(_DRAWN) for line in lines[heads[0] if heads else 0 :])
    return " ".join(words.split()).removeprefix("error: ") or "uv said nothing"
