"""What is confidential is found in every form, in one piece and in many, and nothing else is touched."""

from __future__ import annotations

import base64
import html
import json
import random
import re
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote, quote_plus, urlencode

import pytest

from dovetail import redaction

VALUES = (
    "hunter2-hunter2",
    'k+/=? "quoted" \\ & <b>',
    "lines of\na key\r\nwith ends",
    "ünïcode \N{SNOWMAN} %41",
    "four",
)
FORMS: dict[str, Callable[[str], str]] = {
    "literal": str,
    "json": json.dumps,
    "json as it is": lambda value: json.dumps(value, ensure_ascii=False),
    "repr": repr,
    "ascii": ascii,
    "html": html.escape,
    "url": lambda value: quote(value, safe=""),
    "url with slashes": quote,
    "form": quote_plus,
    "query": lambda value: urlencode({"q": value}),
    "lower url": lambda value: quote(value.lower(), safe="").lower() if value.islower() else value,
    "hex": lambda value: value.encode().hex(),
    "upper hex": lambda value: value.encode().hex().upper(),
    "hex with colons": lambda value: value.encode().hex(":"),
    "base64 first": lambda value: base64.b64encode(value.encode()).decode(),
    "base64 second": lambda value: base64.b64encode(b"u" + value.encode() + b"x").decode(),
    "base64 third": lambda value: base64.b64encode(b"u:" + value.encode() + b"xy").decode(),
    "url base64": lambda value: base64.urlsafe_b64encode(b"u:" + value.encode()).decode(),
}


@pytest.fixture(autouse=True)
def _nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_values", "_forms", "_starts", "_expression", "_listeners"):
        monkeypatch.setattr(redaction, name, type(getattr(redaction, name))())


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("value", VALUES)
def test_g13_every_form_of_a_secret_is_masked_whole_and_in_pieces(value: str, form: str) -> None:
    assert redaction.register(value)
    written = f"before {FORMS[form](value)} after"
    masked = redaction.mask(written)
    assert redaction.MASK in masked
    assert value not in masked
    data = written.encode()
    for cut in range(len(data) + 1):
        stream = redaction.Stream()
        assert (stream.feed(data[:cut]) + stream.feed(data[cut:]) + stream.flush()).decode() == masked
    stream = redaction.Stream()
    assert b"".join([*(stream.feed(bytes([each])) for each in data), stream.flush()]).decode() == masked


def test_what_is_held_back_is_only_what_may_become_a_secret() -> None:
    redaction.register("hunter2-hunter2")
    stream = redaction.Stream()
    assert stream.feed(b"password? ") == b"password? "
    assert stream.feed(b"it is hunt") == b"it is "
    assert stream.feed(b"ing") == b"hunting"
    assert stream.feed(b"hunter2-hunter") == b""
    assert stream.flush() == b"hunter2-hunter"


def test_of_two_secrets_that_begin_alike_the_longer_is_masked_whole() -> None:
    for value in ("hunter", "hunter22"):
        redaction.register(value)
    stream = redaction.Stream()
    assert stream.feed(b"a hunter") + stream.feed(b"22 b") == b"a ******** b"
    assert stream.feed(b"a hunter") + stream.flush() == b"a ********"


def test_random_pieces_of_random_text_come_out_as_the_whole_does() -> None:
    chance = random.Random(13)
    for value in ("abab", "aabaab", "bbbb"):
        redaction.register(value)
    for _ in range(500):
        text = bytes(chance.choice(b"ab") for _ in range(60))
        stream, shown, at = redaction.Stream(), b"", 0
        while at < len(text):
            size = chance.randint(1, 9)
            shown += stream.feed(text[at : at + size])
            at += size
        assert (shown + stream.flush()).decode() == redaction.mask(text.decode())


def test_a_secret_within_the_beginning_of_another_is_masked() -> None:
    for value in ("xxxxSECR", "tail", "SECRtail-and-more"):
        redaction.register(value)
    stream = redaction.Stream()
    assert stream.feed(b"xxxxSECRtail") + stream.feed(b" |") == b"**************** |"


def test_random_secrets_are_found_as_an_alternation_finds_them() -> None:
    chance = random.Random(7)
    for _ in range(12):
        redaction.register("".join(chance.choice("ab.") for _ in range(chance.randint(4, 9))))
    plain = b"|".join(map(re.escape, redaction._forms))
    for _ in range(300):
        text = "".join(chance.choice("ab.") for _ in range(50))
        assert redaction.mask(text).encode() == re.sub(plain, redaction._MASK, text.encode())


def test_secrets_registered_by_many_threads_are_all_masked() -> None:
    values = [f"canary-{number}-{number**3}" for number in range(64)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(redaction.register, values))
    assert redaction.mask(" ".join(values)) == " ".join([redaction.MASK] * 64)


def test_a_listener_hears_of_a_value_once() -> None:
    heard: list[str] = []
    redaction.register("known before")
    redaction.listen(heard.append)
    for _ in range(3):
        redaction.register("hunter2")
    assert heard == ["known before", "hunter2"]


def test_lines_of_a_long_secret_are_masked_singly() -> None:
    redaction.register("-----BEGIN KEY-----\nMIIEvQIBADANBg\nkqhkiG9w0BAQEF\n-----END KEY-----")
    assert redaction.mask("line 2 is kqhkiG9w0BAQEF") == "line 2 is ********"


@pytest.mark.parametrize("value", ["", "a", "abc"])
def test_a_value_too_short_to_be_told_from_words_is_not_masked(value: str) -> None:
    assert not redaction.register(value)
    assert redaction.mask(f"abc {value}") == f"abc {value}"


def test_plain_values_are_masked_with_their_keys() -> None:
    redaction.register("hunter2")
    found = redaction.masked({"hunter2": ["a hunter2", 3, None, ("hunter2",)]})
    assert found == {"********": ["a ********", 3, None, ("********",)]}


def test_without_secrets_nothing_is_held_compiled_or_imported() -> None:
    program = (
        "import sys; from dovetail import redaction\n"
        "stream = redaction.Stream()\n"
        "assert (stream.feed(b'x'), redaction.mask('y'), redaction.active()) == (b'x', 'y', False)\n"
        "assert not {'dovetail.disguises', 'base64', 'html', 'urllib.parse'} & sys.modules.keys()\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
