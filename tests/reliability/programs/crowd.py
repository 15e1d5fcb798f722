"""A pipeline of many small steps, COUNT of them: some in a chain, the others beside each other."""

from __future__ import annotations

import os

from dovetail import pipeline, step
from dovetail.testing.witness import attest

COUNT = int(os.environ.get("COUNT", "10"))


@step
def begin() -> int:
    attest()
    return 1


@step
def follow(number: int, place: int) -> int:
    attest()
    return number + place


@pipeline
def crowd() -> None:
    number = begin()
    for place in range(1, COUNT):
        made = follow.with_options(name=f"follow_{place}")(number, place=place)
        if place % 3 == 0:
            number = made


if __name__ == "__main__":
    crowd.run()
