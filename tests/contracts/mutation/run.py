"""How many mutants of the core implementations the contracts kill: `python tests/contracts/mutation/run.py`.

Those that survive are kept with a reason each in survivors.txt; `--write` adds new ones there.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mutants import Mutant, mutants
from sandbox import Sandbox

HERE = Path(__file__).parent
SURVIVORS = HERE / "survivors.txt"
MOST = 40
LEAST_KILLED = 0.8
_TARGETS = {  # type, contract classes in tests/contracts/planted, files that are mutated
    "artifact_store:local": ("builtin/local_artifact_store.py",),
    "artifact_store:memory": ("builtin/memory_artifact_store.py",),
    "metadata_store:sqlite": (
        "builtin/sqlite.py",
        "components/sql/recording.py",
        "components/sql/queries.py",
    ),
    "orchestrator:local": ("builtin/local_orchestrator.py",),
    "secrets_manager:variables,document": ("builtin/env_secrets_manager.py",),
    "secrets_manager:local": ("builtin/local_secrets_manager.py",),
    "step_operator:subprocess,detached": ("components/process_operator.py",),
    "visualizer:html": ("builtin/html_visualizer.py",),
}
_TICK = 0.01
_PATIENCE = 20.0
"""Seconds beyond twice what the longest test takes without a mutant."""


@dataclass(frozen=True)
class Result:
    """What became of one mutant; `killer` is the test that failed, empty for a survivor."""

    kit: str
    mutant: Mutant
    killer: str

    @property
    def kind(self) -> str:
        """The component type."""
        return self.kit.partition(":")[0]


def preload(kits: list[str]) -> None:
    """Import what every fork would import again: all but the package itself, and what knows it."""
    kinds = {f"planted.{kit.partition(':')[0]}" for kit in kits}
    program = f"import sys, {', '.join(sorted(kinds))}\nprint(*sys.modules, sep='\\n')"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=HERE.parent, stdout=subprocess.PIPE, text=True, check=True
    )
    for name in done.stdout.splitlines():
        if name.partition(".")[0] not in {"dovetail", "planted", "__main__"}:
            with suppress(ImportError):
                importlib.import_module(name)


def references(kit: str) -> tuple[str, ...]:
    """Return where the contract classes on a correct implementation are."""
    kind, _, names = kit.partition(":")
    return tuple(f"planted.{kind}:CORRECT.{name}" for name in names.split(","))


def baseline(sandbox: Sandbox, kit: str) -> dict[str, float]:
    """Return how long each test takes without a mutant; all of them pass."""
    sandbox.start(references(kit), seconds={})
    while (code := sandbox.ended(600.0)) is None:
        time.sleep(_TICK)
    if code != 0:
        sys.exit(f"{kit} fails without a mutant: {(sandbox.folder / 'log').read_text()[-2000:]}")
    return {name: float(took) for name, took in sandbox.outcome()["took"].items()}


def tried(sandboxes: list[Sandbox], kit: str, found: list[Mutant]) -> Iterator[Result]:
    """Run the contract against each mutant, in all sandboxes at a time."""
    seconds = baseline(sandboxes[0], kit)
    patience = _PATIENCE + 2 * max(seconds.values())
    waiting, running = list(reversed(found)), dict[int, Mutant]()
    while waiting or running:
        for number, sandbox in enumerate(sandboxes):
            if number in running and (code := sandbox.ended(patience)) is not None:
                yield Result(kit, running.pop(number), _killer(sandbox, code))
            if number not in running and waiting:
                mutant = running[number] = waiting.pop()
                sandbox.start(references(kit), seconds=seconds, file=mutant.file, code=mutant.code)
        time.sleep(_TICK)


def _killer(sandbox: Sandbox, code: int) -> str:
    if code == 0:
        return ""
    if code == 1:
        return str(sandbox.outcome()["failed"])
    return "no end" if code < 0 else "no beginning"


def told(results: list[Result]) -> list[str]:
    """Return a line for each type: what tests/contracts counted, where it did, and the mutants."""
    made = Counter(each.kind for each in results)
    killed = Counter(each.kind for each in results if each.killer)
    file = os.environ.get("DOVETAIL_CONTRACTS")
    counted = json.loads(Path(file).read_text(encoding="utf-8")) if file else {}
    lines = []
    for kind in sorted({*counted, *made}):
        found = counted.get(kind, {})
        parts = [
            f"{found[what]} {what}"
            for what in ("behaviours", "planted", "caught", "modelled")
            if what in found
        ]
        parts += [f"passed by {found['implementations']}"] if "implementations" in found else []
        parts += [f"{killed[kind]} of {made[kind]} mutants killed"] if made[kind] else []
        lines.append(f"{kind:<20}{', '.join(parts)}")
    return lines


def explained() -> dict[str, str]:
    """Return the survivors that are known, with their reasons."""
    lines = SURVIVORS.read_text(encoding="utf-8").splitlines() if SURVIVORS.exists() else []
    pairs = (line.partition(" | ") for line in lines if line and not line.startswith("#"))
    return {name: reason for reason, _, name in pairs}


def main() -> int:
    """Try all mutants; say how many are killed, and which survive without a reason."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kits", nargs="*", help="only these, such as artifact_store:local")
    parser.add_argument("--write", action="store_true", help="note new survivors in survivors.txt")
    parser.add_argument("--most", type=int, default=MOST, help="mutants of each implementation")
    options = parser.parse_args()
    preload(options.kits or list(_TARGETS))
    package = Path(str(importlib.util.find_spec("dovetail").origin)).parent  # type: ignore[union-attr]
    results: list[Result] = []
    with tempfile.TemporaryDirectory(prefix="dovetail-mutants-", ignore_cleanup_errors=True) as folder:
        places = (Path(folder, str(each)) for each in range(min(os.cpu_count() or 1, 4)))
        sandboxes = [Sandbox(place, package, HERE.parent) for place in places]
        for kit, files in _TARGETS.items():
            if kit in (options.kits or _TARGETS):
                most = -(-options.most // len(files))
                found = [one for file in files for one in mutants(sandboxes[0].copy / file, file, most)]
                for number, result in enumerate(tried(sandboxes, kit, found), 1):
                    results.append(result)
                    if number % 20 == 0 or number == len(found):
                        print(f"{kit}: {number} of {len(found)}", file=sys.stderr, flush=True)
    if not options.kits:
        gone = explained().keys() - {each.mutant.name for each in results if not each.killer}
        print(*(f"has a reason and does not survive: {name}" for name in sorted(gone)), sep="\n")
    return _judged(results, write=options.write)


def _judged(results: list[Result], *, write: bool) -> int:
    known = explained()
    survivors = [each.mutant.name for each in results if not each.killer]
    new = [name for name in survivors if name not in known]
    print(*told(results), sep="\n")
    if write:
        with SURVIVORS.open("a", encoding="utf-8") as file:
            file.writelines(f"? | {name}\n" for name in new)
    ways = Counter(each.killer for each in results if each.killer.startswith("no "))
    print(*(f"{count} mutants had {way}" for way, count in ways.items()), sep="\n")
    for name in new:
        print("survives without a reason:", name)
    killed = Counter(each.kind for each in results if each.killer)
    made = Counter(each.kind for each in results)
    few = [kind for kind in made if killed[kind] < LEAST_KILLED * made[kind]]
    return 1 if new or few else 0


if __name__ == "__main__":
    sys.exit(main())
