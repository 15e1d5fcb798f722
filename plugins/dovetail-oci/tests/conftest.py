"""Real registries: with basic and with token authentication."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dovetail_oci.container_registry import OciRegistry
from dovetail_oci.settings import OciRegistryConfig
from real_servers.oci_registry import PASSWORD, USER, TokenService, guarded_registry, token_registry


@pytest.fixture(scope="session")
def basic() -> Iterator[int]:
    """The port of a registry with one user."""
    with guarded_registry() as port:
        yield port


@pytest.fixture(scope="session")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TokenService]:
    service = TokenService(tmp_path_factory.mktemp("tokens"))
    yield service
    service.close()


@pytest.fixture(scope="session")
def bearer(tokens: TokenService) -> Iterator[int]:
    """The port of a registry that wants tokens."""
    with token_registry(tokens) as port:
        yield port


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., OciRegistry]]:
    """Make the component of a registry on this machine; a user logs in unless it is said otherwise."""
    made: list[OciRegistry] = []

    def make_one(port: int, **settings: Any) -> OciRegistry:
        values = {"address": f"127.0.0.1:{port}", "username": USER, "password": PASSWORD, **settings}
        made.append(OciRegistry("images", OciRegistryConfig(**values), home=tmp_path))
        return made[-1]

    yield make_one
    for each in made:
        each.close()
