"""Keep the sentences of docs/contracts for the core to say: `python tests/contracts/behaviours.py`."""

from __future__ import annotations

import json
import re
from pathlib import Path

from dovetail.testing import verdict

PAGES = Path(__file__).resolve().parents[2] / "docs" / "contracts"
_NUMBERED = re.compile(r"^(\d+)\. (?:\*\*)?(.+?)(?=^\d+\. |^#|^\n(?! )|\Z)", re.MULTILINE | re.DOTALL)


def sentence(text: str) -> str:
    """Return the first sentence of a numbered behaviour, as plain text."""
    plain = re.sub(r"[*`]", "", " ".join(text.split()))
    return re.split(r"(?<=[a-z)])[.:](?: |$)", plain)[0].strip(" .,")


def text() -> str:
    """Return number and sentence of each behaviour, by the name of its page."""
    found = {
        page.stem.replace("-", "_"): {
            number: sentence(body) for number, body in _NUMBERED.findall(page.read_text(encoding="utf-8"))
        }
        for page in sorted(PAGES.glob("*.md"))
    }
    return json.dumps(found, indent=1) + "\n"


if __name__ == "__main__":
    verdict.FILE.write_text(text(), encoding="utf-8")
