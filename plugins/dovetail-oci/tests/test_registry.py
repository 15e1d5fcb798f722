from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import dovetail_oci
from dovetail.plugin import Image, Reach, StoreError
from dovetail.testing.container_registry import blobs, write_layout
from dovetail.testing.fault_proxy import FaultProxy, Request
from dovetail_oci.challenge import challenges
from dovetail_oci.container_registry import OciRegistry
from dovetail_oci.settings import OciRegistryConfig
from real_servers.presence import program

Make = Callable[..., OciRegistry]
real = pytest.mark.real
SECRET = "canary-5wordf1sh"


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    write_layout(tmp_path / "layout", os.urandom(2_000_000), b"small")
    return tmp_path / "layout"


@pytest.fixture
def proxy(basic: int) -> Iterator[FaultProxy]:
    with FaultProxy(f"http://127.0.0.1:{basic}") as made:
        yield made


@pytest.fixture
def behind(proxy: FaultProxy, make: Make) -> OciRegistry:
    return make(int(proxy.url.rsplit(":", 1)[1]))


def uploads(proxy: FaultProxy) -> int:
    return proxy.count("PUT", "/blobs/uploads/")


@real
def test_what_the_registry_has_is_not_sent_again(
    proxy: FaultProxy, behind: OciRegistry, layout: Path, tmp_path: Path
) -> None:
    behind.push(layout, "again", "one")
    assert uploads(proxy) == 3
    behind.push(layout, "again", "two")
    assert uploads(proxy) == 3
    largest = max(blobs(layout).values(), key=len)
    write_layout(tmp_path / "next", largest, b"changed")
    behind.push(tmp_path / "next", "again", "three")
    assert uploads(proxy) == 4


@real
def test_nothing_is_sent_with_wrong_credentials(proxy: FaultProxy, make: Make, layout: Path) -> None:
    for settings in ({"password": "guessed-wrong"}, {"username": None, "password": None}):
        stranger = make(int(proxy.url.rsplit(":", 1)[1]), **settings)
        with pytest.raises(StoreError, match="credentials") as caught:
            stranger.push(layout, "never", "one")
        assert "guessed-wrong" not in str(caught.value)
    assert {each.method for each in proxy.requests} == {"GET"}


@real
def test_a_registry_that_answers_another_digest_is_refused(
    proxy: FaultProxy, behind: OciRegistry, layout: Path
) -> None:
    proxy.rewritten = {"Docker-Content-Digest": "sha256:" + "1" * 64}
    with pytest.raises(StoreError, match="answers with digest"):
        behind.push(layout, "lying", "one")


@real
@pytest.mark.parametrize("part", ["/manifests/", "/blobs/"])
def test_a_registry_that_sends_something_else_is_refused_and_nothing_is_kept(
    proxy: FaultProxy, behind: OciRegistry, layout: Path, tmp_path: Path, part: str
) -> None:
    image = behind.push(layout, "other", "one")

    def asked(request: Request) -> bool:
        return request.method == "GET" and part in request.target

    proxy.answer(200, body=b'{"layers": []}', times=100, when=asked)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(StoreError, match=r"digest|bytes"):
        behind.pull(image, tmp_path / "pulled")
    assert sorted(tmp_path.iterdir()) == before


@real
def test_a_download_survives_cut_connections_and_a_busy_registry(
    proxy: FaultProxy, behind: OciRegistry, layout: Path, tmp_path: Path
) -> None:
    image = behind.push(layout, "cut", "one")

    def asked(request: Request) -> bool:
        return request.method == "GET" and "/blobs/" in request.target

    proxy.cut(sent=1000, when=asked)
    proxy.answer(503, when=asked, times=2)
    behind.pull(image, tmp_path / "pulled")
    assert blobs(tmp_path / "pulled") == blobs(layout)


@real
def test_a_manifest_cannot_lead_out_of_the_layout(behind: OciRegistry, layout: Path) -> None:
    with pytest.raises(StoreError, match="which is none"):
        behind.pull(Image("any", "sha256:../../../etc/passwd"), layout.parent / "pulled")
    index = json.loads((layout / "index.json").read_text())
    index["manifests"][0]["digest"] = "sha256:../../../../etc/hostname"
    (layout / "index.json").write_text(json.dumps(index))
    with pytest.raises(StoreError, match="which is none"):
        behind.push(layout, "out", "one")


@real
def test_a_token_is_asked_for_the_repository_only(
    bearer: int, tokens: Any, make: Make, layout: Path, tmp_path: Path
) -> None:
    registry = make(bearer)
    tokens.asked.clear()
    image = registry.push(layout, "scoped", "one")
    registry.pull(image, tmp_path / "pulled")
    scopes = [each.get("scope") for each in tokens.asked]
    assert scopes == [None, ["repository:scoped:pull,push"], ["repository:scoped:pull"]]
    with pytest.raises(StoreError, match="token service refuses the credentials of user 'ada'"):
        make(bearer, password="wrong").authenticate()


@real
def test_skopeo_reads_what_was_pushed_and_pushes_what_is_pulled(
    basic: int, make: Make, layout: Path, tmp_path: Path
) -> None:
    program("skopeo", "apt-get install skopeo")
    registry = make(basic)
    image = registry.push(layout, "shared/ours", "one")
    login = tmp_path / "auth.json"
    environment = {**os.environ, "REGISTRY_AUTH_FILE": str(login)}

    def skopeo(*arguments: str, given: str = "") -> str:
        command = ["skopeo", *arguments]
        done = subprocess.run(
            command, env=environment, input=given, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    place = f"127.0.0.1:{basic}"
    skopeo("login", "--tls-verify=false", "-u", "ada", "--password-stdin", place, given=SECRET)
    said = skopeo("inspect", "--raw", "--tls-verify=false", f"docker://{place}/shared/ours:one")
    assert json.loads(said) == json.loads(blobs(layout)[image.digest])
    skopeo(
        "copy",
        "--preserve-digests",
        "--dest-tls-verify=false",
        f"oci:{layout}",
        f"docker://{place}/shared/theirs:two",
    )
    theirs = registry.resolve("shared/theirs", "two")
    assert theirs is not None
    assert theirs.digest == image.digest
    registry.pull(theirs, tmp_path / "pulled")
    skopeo("copy", "--preserve-digests", f"oci:{tmp_path / 'pulled'}", f"oci:{tmp_path / 'copied'}")
    assert blobs(tmp_path / "copied") == blobs(layout)


@real
def test_no_credentials_are_in_a_message_a_representation_or_an_address(basic: int, make: Make) -> None:
    registry = make(basic)
    for text in (repr(registry), repr(registry.config), str(registry.config), registry.address):
        assert SECRET not in text
    assert SECRET not in json.dumps(registry.config.model_dump(mode="json"))


def test_plain_text_goes_to_another_machine_only_when_that_is_said() -> None:
    def origin(**settings: Any) -> str:
        return OciRegistryConfig(**settings).origin

    assert origin(address="127.0.0.1:5000") == "http://127.0.0.1:5000"
    assert origin(address="[::1]:5000/x") == "http://[::1]:5000"
    assert origin(address="ghcr.io/acme") == "https://ghcr.io"
    assert origin(address="127.0.0.1.example.org") == "https://127.0.0.1.example.org"
    assert origin(address="depot:5000", insecure=True) == "http://depot:5000"


@real
def test_a_token_service_that_would_read_the_password_in_plain_text_is_not_asked(
    proxy: FaultProxy, behind: OciRegistry
) -> None:
    header = {"WWW-Authenticate": 'Bearer realm="http://tokens.example.org/token",service="x"'}
    proxy.answer(401, headers=header)
    with pytest.raises(StoreError, match=r"sends us to http://tokens\.example\.org"):
        behind.authenticate()


def test_reach_follows_the_address(make: Make) -> None:
    assert make(5000).reach is Reach.HOST
    assert make(5000, address="ghcr.io/acme").reach is Reach.NETWORK


@pytest.mark.parametrize("address", ["http://x", "ada:pw@x", "x/", "x:y", "", "x/UPPER"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="an address is"):
        OciRegistryConfig(address=address)


def test_challenges_are_read_as_they_come() -> None:
    header = 'Bearer realm="https://a/t",service="s, t",scope="repository:x:pull,push", Basic realm="y"'
    bearer, basic = challenges(header)
    assert bearer.scheme == "bearer"
    assert bearer.parameters["service"] == "s, t"
    assert bearer.parameters["scope"] == "repository:x:pull,push"
    assert basic == ("basic", {"realm": "y"})
    assert challenges("") == []


def test_announcing_and_registering_import_no_requests() -> None:
    for module in ("dovetail_oci", "dovetail_oci.settings"):
        program = f"import sys, {module}; print('requests' in sys.modules)"
        child = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        assert child.stdout.strip() == "False"
    (flavor,) = dovetail_oci.dovetail_container_registries()
    assert (flavor.name, flavor.contract) == ("oci", 1)
