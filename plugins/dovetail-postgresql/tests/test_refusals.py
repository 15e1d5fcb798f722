"""What goes wrong is one clear message, and no secret is in it."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from dovetail.plugin import ConfigurationError, DovetailError, MetadataStore, RunQuery, StoreError
from dovetail.testing.begun_run import begun, done
from dovetail.testing.run_facts import completed
from dovetail_postgresql.settings import PostgresqlMetadataStoreConfig
from dovetail_postgresql.store import PostgresqlMetadataStore
from real_servers.loopback import free_port
from real_servers.postgresql import PostgresqlServer

pytestmark = pytest.mark.real


def store_with(tmp_path: Path, settings: dict[str, Any], **changes: Any) -> PostgresqlMetadataStore:
    config = PostgresqlMetadataStoreConfig(**{**settings, **changes})
    return PostgresqlMetadataStore("pg", config, home=tmp_path)


def refused(store: MetadataStore) -> DovetailError:
    with pytest.raises(StoreError) as caught:
        store.open()
    assert "pg" in caught.value.message
    assert caught.value.hint
    return caught.value


@pytest.fixture
def guarded(server: Any, tmp_path: Path) -> Iterator[dict[str, Any]]:
    """A server of its own that asks for passwords, and has signed its certificate itself."""
    with tempfile.TemporaryDirectory(prefix="dovetail-pg-", ignore_cleanup_errors=True) as directory:
        made = PostgresqlServer(Path(directory), free_port(), options=("ssl=on",))
        made.initialise()
        data = made.directory / "data"
        request = ["openssl", "req", "-new", "-x509", "-days", "2", "-nodes", "-subj", "/CN=localhost"]
        request += ["-addext", "subjectAltName=DNS:localhost", "-out", str(data / "server.crt")]
        subprocess.run([*request, "-keyout", str(data / "server.key")], check=True, capture_output=True)
        for name in ("server.crt", "server.key"):
            (data / name).chmod(0o600)
            os.chown(data / name, data.stat().st_uid, data.stat().st_gid)
        made.start()
        made.execute("CREATE ROLE anna LOGIN PASSWORD 'right-horse'")
        made.execute("CREATE DATABASE facts OWNER anna")
        (data / "pg_hba.conf").write_text(
            "hostssl all anna all scram-sha-256\nhost all postgres 127.0.0.1/32 trust\n"
        )
        made.execute("SELECT pg_reload_conf()")
        certificate = tmp_path / "root.crt"
        certificate.write_bytes((data / "server.crt").read_bytes())
        yield {
            "host": "localhost", "port": made.port, "dbname": "facts", "user": "anna",
            "password": "right-horse", "sslmode": "verify-full", "sslrootcert": certificate,
        }  # fmt: skip
        made.stop()


def test_a_connection_is_encrypted_and_the_certificate_checked(
    tmp_path: Path, guarded: dict[str, Any]
) -> None:
    with store_with(tmp_path, guarded) as store:
        store.open()
        with store.database.reading() as cursor:
            cursor.execute("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
            assert cursor.fetchall() == [(True,)]
        done(store)
    plain = refused(store_with(tmp_path, guarded, sslmode="disable", sslrootcert=None))
    assert "lets nobody in from here" in plain.message
    other_name = refused(store_with(tmp_path, guarded, host="127.0.0.1"))
    assert "encrypted connection was refused" in other_name.message
    nowhere = tmp_path / "nowhere.crt"
    for changed in ({"sslrootcert": nowhere}, {"sslcert": nowhere, "sslkey": nowhere}):
        with pytest.raises(ConfigurationError, match=r"nowhere\.crt"):
            store_with(tmp_path, guarded, **changed).open()


def test_a_wrong_password_is_told_and_not_shown(tmp_path: Path, guarded: dict[str, Any]) -> None:
    error = refused(store_with(tmp_path, guarded, password="wrong-horse"))
    assert "wrong user or password" in error.message
    assert "horse" not in f"{error} {error.hint}"
    assert "horse" not in repr(PostgresqlMetadataStoreConfig(**guarded))


def test_a_server_that_is_not_there_is_told(tmp_path: Path, settings: dict[str, Any]) -> None:
    error = refused(store_with(tmp_path, settings, port=free_port()))
    assert "cannot be reached" in error.message


def test_a_database_that_is_not_there_is_told(tmp_path: Path, settings: dict[str, Any]) -> None:
    assert "no such database" in refused(store_with(tmp_path, settings, dbname="nowhere")).message


def test_a_role_that_is_not_there_is_told(tmp_path: Path, settings: dict[str, Any]) -> None:
    assert "no such role" in refused(store_with(tmp_path, settings, user="nobody")).message


def test_the_port_of_another_program_is_told(tmp_path: Path, settings: dict[str, Any]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(100)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        answering = threading.Thread(target=answer)
        answering.start()
        error = refused(store_with(tmp_path, settings, port=listening.getsockname()[1], sslmode="disable"))
        answering.join()
    assert "no PostgreSQL server" in error.message


def test_a_role_that_may_only_read_can_look_and_is_refused_to_write(
    tmp_path: Path, settings: dict[str, Any], server: Any, database: str
) -> None:
    with store_with(tmp_path, settings) as store:
        store.open()
        run = done(store)
    server.execute("CREATE ROLE reader LOGIN")
    server.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader", database)
    with store_with(tmp_path, settings, user="reader") as reader:
        reader.open()
        assert [each.id for each in reader.runs(RunQuery())] == [run.id]
        with pytest.raises(StoreError, match="may not do that"):
            reader.acquire(run.id)
    with store_with(tmp_path, settings, user="reader", schema_name="fresh") as fresh:
        assert "may not do that" in refused(fresh).message
    server.execute("DROP OWNED BY reader; DROP ROLE reader", database)


def test_a_database_of_another_program_is_not_touched(
    tmp_path: Path, settings: dict[str, Any], server: Any, database: str
) -> None:
    server.execute("CREATE TABLE runs (x int)", database)
    assert "another program" in refused(store_with(tmp_path, settings)).message
    with store_with(tmp_path, settings, schema_name="own_schema") as store:
        store.open()
        done(store)
    found = server.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'", database)
    assert found == [(1,)]


def test_a_full_disk_of_the_server_is_told_and_what_was_recorded_stays(
    tmp_path: Path, settings: dict[str, Any], server: Any
) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    small = server.directory / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=12m,mode=0777", "none", str(small)], check=False
    )
    if mounted.returncode:
        pytest.skip("file systems cannot be mounted here")
    os.chown(small, server.directory.stat().st_uid, server.directory.stat().st_gid)
    try:
        server.execute(f"CREATE TABLESPACE small LOCATION '{small}'")
        server.execute("CREATE DATABASE crammed TABLESPACE small TEMPLATE template0")
        with store_with(tmp_path, settings, dbname="crammed") as store:
            store.open()
            run, lease = begun(store)
            store.record(completed(run, "load"), lease)
            many = (completed(run, f"step_{n}", error=os.urandom(300_000).hex()) for n in range(1000))
            with pytest.raises(StoreError, match="no space left"):
                any(store.record(each, lease) for each in many)
            assert store.steps(run.id)[0].step == "load"
            lease.release()
    finally:
        server.execute("DROP DATABASE IF EXISTS crammed WITH (FORCE)")
        server.execute("DROP TABLESPACE IF EXISTS small")
        subprocess.run(["umount", "-l", str(small)], check=True)


def test_a_statement_that_takes_too_long_is_given_up(tmp_path: Path, settings: dict[str, Any]) -> None:
    with store_with(tmp_path, settings, statement_timeout=0.2) as store:
        store.open()
        with pytest.raises(StoreError, match="too long"), store.database.reading() as cursor:
            cursor.execute("SELECT pg_sleep(20)")


@pytest.mark.parametrize(
    "changes",
    [
        {"url": "postgresql://anna:horse@localhost/facts"},
        {"url": "postgresql://localhost/facts?password=horse"},
        {"url": "postgresql://localhost/facts", "host": "localhost"},
        {"url": "mysql://localhost/facts"},
        {"schema_name": 'x"; drop'},
        {"port": 0},
    ],
)
def test_settings_that_cannot_be_meant_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        PostgresqlMetadataStoreConfig(**changes)


@pytest.mark.parametrize(
    ("changes", "reach"),
    [
        ({"host": "127.0.0.1"}, "HOST"),
        ({"host": "::1"}, "HOST"),
        ({"host": "/run/postgresql"}, "HOST"),
        ({"url": "postgresql://localhost/x"}, "HOST"),
        ({"host": "db.example.org"}, "NETWORK"),
        ({"url": "postgresql://db.example.org/x"}, "NETWORK"),
    ],
)
def test_a_server_on_loopback_is_reached_from_this_host_only(
    tmp_path: Path, changes: dict[str, Any], reach: str
) -> None:
    assert store_with(tmp_path, {}, **changes).reach.name == reach
