"""The frame around every page: it asks nothing of anybody, and may not."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from dovetail.builtin.page.markup import text

# Says to the browser what the page keeps anyway: no script, and no request to anywhere.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def document(title: str, body: str) -> str:
    """Return a whole page around `body`."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{text(title)}</title>\n<style>\n{_style()}</style>\n</head>\n<body><main>\n{body}"
        "<footer>drawn by Dovetail from its own records</footer>\n</main></body>\n</html>\n"
    )


@cache
def _style() -> str:
    return files(__package__).joinpath("style.css").read_text("utf-8")
