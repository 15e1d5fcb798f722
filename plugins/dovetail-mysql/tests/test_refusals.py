"""What goes wrong is one clear message, and no secret is in it."""

from __future__ import annotations

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
from dovetail_mysql.settings import MysqlMetadataStoreConfig
from dovetail_mysql.store import MysqlMetadataStore
from real_servers.loopback import free_port
from real_servers.mariadb import MariadbServer

pytestmark = pytest.mark.real


def store_with(tmp_path: Path, settings: dict[str, Any], **changes: Any) -> MysqlMetadataStore:
    config = MysqlMetadataStoreConfig(**{**settings, **changes})
    return MysqlMetadataStore("my", config, home=tmp_path)


def refused(store: MetadataStore) -> DovetailError:
    with pytest.raises(StoreError) as caught:
        store.open()
    assert "'my'" in caught.value.message
    assert caught.value.hint
    return caught.value


@pytest.fixture(scope="module")
def certified(server: Any) -> Iterator[Any]:
    """A server of its own that encrypts with a certificate that it has signed itself."""
    with tempfile.TemporaryDirectory(prefix="dovetail-my-", ignore_cleanup_errors=True) as directory:
        key, certificate = (Path(directory) / name for name in ("server.key", "server.crt"))
        request = ["openssl", "req", "-new", "-x509", "-days", "2", "-nodes", "-subj", "/CN=localhost"]
        request += ["-addext", "subjectAltName=DNS:localhost", "-out", str(certificate)]
        subprocess.run([*request, "-keyout", str(key)], check=True, capture_output=True)
        made = MariadbServer(Path(directory), free_port(), (f"--ssl-cert={certificate}", f"--ssl-key={key}"))
        made.initialise()
        made.start()
        made.new_database()
        yield made
        made.stop()


def test_a_connection_is_encrypted_and_the_certificate_checked(tmp_path: Path, certified: Any) -> None:
    settings = {
        "host": "localhost", "port": certified.port, "dbname": "test_1", "user": "root",
        "sslmode": "verify-full", "sslrootcert": certified.directory / "server.crt",
    }  # fmt: skip
    with store_with(tmp_path, settings) as store:
        store.open()
        with store.database.reading() as cursor:
            cursor.execute("SHOW STATUS LIKE 'Ssl_cipher'")
            assert cursor.fetchall()[0][1]
        done(store)
    error = refused(store_with(tmp_path, settings, host="127.0.0.1"))
    assert "certificate" in error.message.lower()
    nowhere = tmp_path / "nowhere.crt"
    for changed in ({"sslrootcert": nowhere}, {"sslcert": nowhere, "sslkey": nowhere}):
        with pytest.raises(ConfigurationError, match=r"nowhere\.crt"):
            store_with(tmp_path, settings, **changed).open()


def test_a_wrong_password_is_told_and_not_shown(
    tmp_path: Path, settings: dict[str, Any], server: Any, database: str
) -> None:
    server.execute("CREATE OR REPLACE USER anna@'127.0.0.1' IDENTIFIED BY 'right-horse'")
    server.execute(f"GRANT ALL ON {database}.* TO anna@'127.0.0.1'")
    with store_with(tmp_path, settings, user="anna", password="right-horse") as store:
        store.open()
    error = refused(store_with(tmp_path, settings, user="anna", password="wrong-horse"))
    assert "wrong user or password" in error.message
    assert "horse" not in f"{error} {error.hint}"


def test_a_server_that_is_not_there_is_told(tmp_path: Path, settings: dict[str, Any]) -> None:
    assert "cannot be reached" in refused(store_with(tmp_path, settings, port=free_port())).message


def test_a_database_that_is_not_there_is_told(tmp_path: Path, settings: dict[str, Any]) -> None:
    assert "no such database" in refused(store_with(tmp_path, settings, dbname="nowhere")).message


def test_the_port_of_another_program_is_told(tmp_path: Path, settings: dict[str, Any]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        answering = threading.Thread(target=answer)
        answering.start()
        error = refused(store_with(tmp_path, settings, port=listening.getsockname()[1]))
        answering.join()
    assert "no MySQL or MariaDB server" in error.message


def test_an_account_that_may_only_read_can_look_and_is_refused_to_write(
    tmp_path: Path, settings: dict[str, Any], server: Any, database: str
) -> None:
    server.execute("CREATE OR REPLACE USER reader@'127.0.0.1'")
    server.execute(f"GRANT SELECT ON {database}.* TO reader@'127.0.0.1'")
    assert "may not do that" in refused(store_with(tmp_path, settings, user="reader")).message
    with store_with(tmp_path, settings) as store:
        store.open()
        run = done(store)
    with store_with(tmp_path, settings, user="reader") as reader:
        reader.open()
        assert [each.id for each in reader.runs(RunQuery())] == [run.id]
        with pytest.raises(StoreError, match="may not do that"):
            reader.acquire(run.id)


def test_a_database_of_another_program_is_not_touched(
    tmp_path: Path, settings: dict[str, Any], server: Any, database: str
) -> None:
    server.execute("CREATE TABLE runs (x int)", database)
    assert "another program" in refused(store_with(tmp_path, settings)).message
    assert server.execute("SHOW TABLES", database) == [("runs",)]


def test_what_is_larger_than_the_server_takes_is_told_and_the_rest_stays(
    tmp_path: Path, settings: dict[str, Any]
) -> None:
    with store_with(tmp_path, settings) as store:
        store.open()
        run, lease = begun(store)
        store.record(completed(run, "load"), lease)
        with pytest.raises(StoreError, match="larger than the server takes") as caught:
            store.record(completed(run, "train", error="x" * (17 << 20)), lease)
        assert "max_allowed_packet" in str(caught.value.hint)
        assert [each.step for each in store.steps(run.id)] == ["load"]


def test_a_creation_that_was_interrupted_is_taken_up(
    tmp_path: Path, settings: dict[str, Any], server: Any, database: str
) -> None:
    with store_with(tmp_path, settings) as store:
        store.open()
    server.execute("DELETE FROM alembic_version", database)
    server.execute("DROP TABLE step_runs", database)
    server.execute("DROP INDEX runs_plan ON runs", database)
    with store_with(tmp_path, settings) as store:
        store.open()
        done(store)
        assert store.schema_version() == store.schema.version
    found = server.execute("SHOW INDEX FROM runs", database)
    assert "runs_plan" in {row[2] for row in found}


@pytest.mark.parametrize(
    "changes", [{"dbname": "a/b"}, {"port": 0}, {"sslmode": "verify-full"}, {"sslmode": "perhaps"}]
)
def test_settings_that_cannot_be_meant_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        MysqlMetadataStoreConfig(**{"dbname": "facts", "user": "anna", **changes})


def test_a_lock_has_a_name_that_the_server_takes(tmp_path: Path, settings: dict[str, Any]) -> None:
    store = store_with(tmp_path, settings, dbname="d" * 64)
    assert len(store._lock_name("r" * 26)) <= 64
