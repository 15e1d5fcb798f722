from __future__ import annotations

import socket
from collections.abc import Callable

import pytest

from dovetail.testing.container_registry import ContainerRegistryContract
from dovetail_oci.container_registry import OciRegistry

pytestmark = pytest.mark.real
Make = Callable[..., OciRegistry]


class TestWithBasicAuthentication(ContainerRegistryContract):
    @pytest.fixture
    def registry(self, basic: int, make: Make) -> OciRegistry:
        return make(basic)

    @pytest.fixture
    def broken(self, basic: int, make: Make) -> OciRegistry:
        return make(basic, password="wrong")


class TestWithTokens(ContainerRegistryContract):
    @pytest.fixture
    def registry(self, bearer: int, make: Make) -> OciRegistry:
        return make(bearer)

    @pytest.fixture
    def broken(self, make: Make) -> OciRegistry:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            return make(taken.getsockname()[1])


class TestBelowAPath(ContainerRegistryContract):
    @pytest.fixture
    def registry(self, basic: int, make: Make) -> OciRegistry:
        return make(basic, address=f"127.0.0.1:{basic}/team/ml")

    @pytest.fixture
    def broken(self, bearer: int, make: Make) -> OciRegistry:
        return make(bearer, username=None, password=None)
