"""The settings: what they refuse, and that they do not show it."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from dovetail.testing.command_line import CommandLine
from dovetail_uv.settings import UvStepOperatorConfig

REFUSED = [
    "https://bob:hunter2@pypi.invalid/simple",
    "https://:hunter2@pypi.invalid/simple",
    "https://hunter2:@pypi.invalid/simple",
    "https:bob:hunter2@pypi.invalid/simple",
    "https://bob:hunt/hunter2@pypi.invalid/simple",
    "https://bob:[hunter2@pypi.invalid/simple",
    "https://bob:{{ secret.index.hunter2 }}@pypi.invalid/simple",
    "{{ secret.index.hunter2 }}",
]


@pytest.mark.parametrize("url", REFUSED)
def test_an_index_with_a_password_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(ValidationError, match="'index_url'") as caught:
        UvStepOperatorConfig(index_url=url)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["https://pypi.invalid:8443/@scope/simple", "http://me@[::1]:8/simple", "/srv/index"]
)
def test_an_index_without_one_is_taken(url: str) -> None:
    assert UvStepOperatorConfig(index_url=url).index_url == url


@pytest.mark.parametrize("url", [REFUSED[0], REFUSED[6]])
def test_registering_says_where_passwords_belong(tmp_path: Path, url: str) -> None:
    cli = CommandLine(tmp_path, tmp_path / "home")
    answer = cli("step-operator", "register", "isolated", "--flavor", "uv", "--index-url", url)
    assert answer.code != 0
    assert "UV_INDEX_*, or a netrc file" in answer.err
    assert "hunter2" not in answer.out + answer.err
    kept = [each for each in tmp_path.rglob("*") if each.is_file() and b"hunter2" in each.read_bytes()]
    assert kept == []
