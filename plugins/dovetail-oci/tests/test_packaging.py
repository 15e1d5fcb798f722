from __future__ import annotations

from dovetail.testing.packaging import PackagingContract


class TestPackaging(PackagingContract):
    wheel = "dovetail-oci"
    settings = {"oci": {"address": "127.0.0.1:5000", "username": "user"}}
