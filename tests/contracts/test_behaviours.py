"""The sentences that the core prints of behaviours are those of the pages."""

from __future__ import annotations

from pathlib import Path

from dovetail.references import load
from dovetail.testing import verdict


def test_the_kept_sentences_are_those_of_the_pages() -> None:
    text = load("behaviours:text")()
    assert Path(verdict.FILE).read_text(encoding="utf-8") == text, "run: python tests/contracts/behaviours.py"
