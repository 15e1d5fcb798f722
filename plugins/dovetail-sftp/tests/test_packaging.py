from __future__ import annotations

from dovetail.testing.packaging import PackagingContract


class TestPackaging(PackagingContract):
    wheel = "dovetail-sftp"
    settings = {"sftp": {"host": "127.0.0.1", "path": "/srv/store"}}
