"""A pipeline whose outputs are of every kind of file, and the same whenever they are made."""

# ruff: noqa: T201

import json
from pathlib import Path
from typing import Annotated

from dovetail import Secret, pipeline, step


@step
def greeting(name: str = "Größe \U0001f600") -> str:
    print("a text is made")
    return f"{name}\n" * 3


@step
def counted(text: str) -> Annotated[dict[str, list[float]], "counts"]:
    return {"lengths": [len(line) / 2 for line in text.splitlines()]}


@step
def packed(counts: dict[str, list[float]]) -> tuple[Annotated[bytes, "raw"], Annotated[int, "size"]]:
    raw = bytes(range(256)) * 4096 + json.dumps(counts).encode()
    return raw, len(raw)


@step
def written(raw: bytes) -> Path:
    place = Path("written")
    place.mkdir(exist_ok=True)
    (place / "one.bin").write_bytes(raw[:1000])
    (place / "two.txt").write_text("two")
    return place


@step
def signed(place: Path, size: int, key: Secret) -> str:
    print("signed with", key.reveal())
    names = sorted(each.name for each in place.rglob("*") if each.is_file())
    return f"{size} {names} {len(key.reveal())}"


@pipeline
def works() -> None:
    raw, size = packed(counted(greeting()))
    signed(written(raw), size, key="{{ secret.signing.key }}")


if __name__ == "__main__":
    works.run()
