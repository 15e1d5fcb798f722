"""One pipeline, unchanged, on three stacks: this machine; S3 and PostgreSQL; SFTP, uv and MariaDB."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from dovetail.testing.command_line import Answer, CommandLine, assert_message
from real_servers.mariadb import MariadbServer, mariadb_server
from real_servers.postgresql import PostgresqlServer, postgresql_server
from real_servers.s3 import S3Server, s3_server
from real_servers.sshd import SshServer, ssh_server

pytestmark = [pytest.mark.real, pytest.mark.timeout(600)]

PROGRAM = Path(__file__).parent / "programs" / "works.py"
STEPS = ("greeting", "counted", "packed", "written", "signed")
# Long enough for every store, and of characters that no encoding changes: a literal search finds them.
CANARIES = {
    "signing.key": "canary-signing-81f3a07c55",
    "lake.id": "canarylakeid90d2b7",
    "lake.key": "canary-lake-key-5d1c22e8f0",
    "facts.password": "canary-facts-b0d94e7713",
    "depot.phrase": "canary-depot-2a6f1be4c9",
}


def hidden(data: bytes) -> list[str]:
    """Return which canaries are in plain sight."""
    return [name for name, value in CANARIES.items() if value.encode() in data]


@dataclass
class Place:
    """A stack in a project of its own: what is run there, all it said, and what it keeps elsewhere."""

    stack: str
    cli: CommandLine
    kept: Callable[[], Iterator[bytes]]
    """All that the servers of the stack hold, in pieces."""
    options: tuple[str, ...] = ()
    flavors: dict[str, str] = field(default_factory=dict)
    settings: dict[str, dict[str, object]] = field(default_factory=dict)
    said: list[Answer] = field(default_factory=list)

    def __call__(self, *words: str, code: int = 0) -> Answer:
        """Run a command that is to end with `code`."""
        answer = self.cli(*words, timeout=300)
        assert answer.code == code, answer
        self.said.append(answer)
        return answer

    def run(self, *options: str) -> dict[str, Any]:
        """Run the pipeline and return the run."""
        run: dict[str, Any] = self("run", "works.py", *self.options, *options, "--json").json()
        return run

    def register(self, kind: str, name: str, flavor: str, settings: dict[str, object]) -> None:
        """Register a component."""
        self.flavors[name], self.settings[name] = flavor, settings
        self(kind, "register", name, "--flavor", flavor, *flags(settings))

    def use(self, *parts: str) -> None:
        """Register the stack, make it the active one, and run the pipeline for the first time."""
        self("stack", "register", self.stack, "-o", "local", "--visualizer", "html", *parts)
        self("stack", "set", self.stack)
        self.run()

    def files(self) -> list[Path]:
        """All files of the project and of its home."""
        return [each for each in self.cli.directory.parent.rglob("*") if each.is_file()]


def new_project(root: Path, name: str) -> CommandLine:
    """Make a project with the pipeline, and a home in which the canaries are secrets."""
    cli = CommandLine(root / name / "project", root / name / "home")
    cli.directory.mkdir(parents=True)
    shutil.copy(PROGRAM, cli.directory)
    secrets: dict[str, dict[str, str]] = {}
    for full, value in CANARIES.items():
        secret, _, key = full.partition(".")
        secrets.setdefault(secret, {})[key] = value
    for secret, values in secrets.items():
        given = [part for key in values for part in ("--from-env", f"{key}=CANARY_{key}")]
        variables = {f"CANARY_{key}": value for key, value in values.items()}
        answer = cli("secret", "register", secret, *given, env=variables)
        assert answer.code == 0, answer.err
    return cli


def flags(settings: Mapping[str, object]) -> list[str]:
    """Return settings as a command line has them."""
    return [part for key, value in settings.items() for part in (f"--{key.replace('_', '-')}", str(value))]


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Server]:
    with s3_server() as running:
        yield running


@pytest.fixture(scope="module")
def postgresql() -> Iterator[PostgresqlServer]:
    """A server with a role whose password is asked for."""
    with postgresql_server() as running:
        running.execute(f"CREATE ROLE anna LOGIN PASSWORD '{CANARIES['facts.password']}'")
        rules = "host all anna 127.0.0.1/32 scram-sha-256\nhost all postgres 127.0.0.1/32 trust\n"
        (running.data / "pg_hba.conf").write_text(rules)
        running.execute("SELECT pg_reload_conf()")
        yield running


@pytest.fixture(scope="module")
def mariadb() -> Iterator[MariadbServer]:
    """A server with an account whose password is asked for."""
    with mariadb_server() as running:
        running.execute(f"CREATE USER anna@'127.0.0.1' IDENTIFIED BY '{CANARIES['facts.password']}'")
        yield running


@pytest.fixture(scope="module")
def sshd() -> Iterator[SshServer]:
    """A server, and a key that a canary locks."""
    with ssh_server() as running:
        shutil.copy(running.key, running.folder / "canary_key")
        change = ["ssh-keygen", "-q", "-p", "-P", "", "-N", CANARIES["depot.phrase"]]
        subprocess.run([*change, "-f", str(running.folder / "canary_key")], check=True, capture_output=True)
        yield running


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("stacks")


@pytest.fixture(scope="module")
def near(root: Path) -> Place:
    """Everything on this machine: orchestrator, artifacts and SQLite, which are files of the home."""
    place = Place("near", new_project(root, "near"), lambda: iter(()))
    place.use("-a", "local", "-m", "sqlite")
    return place


@pytest.fixture(scope="module")
def cloud(root: Path, s3: S3Server, postgresql: PostgresqlServer) -> Place:
    """Artifacts in a bucket, facts in PostgreSQL."""
    bucket, database = s3.new_bucket(), postgresql.new_database()
    postgresql.execute(f"ALTER DATABASE {database} OWNER TO anna")

    def kept() -> Iterator[bytes]:
        yield from s3.objects(bucket).values()
        with psycopg.connect(postgresql.url(database)) as connection:
            names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            for (name,) in names.fetchall():
                rows = connection.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(name)))
                yield from values(rows.fetchall())

    place = Place("cloud", new_project(root, "cloud"), kept)
    place.register("artifact-store", "lake", "s3", lake_settings(s3, bucket))
    place.register("metadata-store", "facts", "postgresql", facts_settings(postgresql, database))
    place.use("-a", "lake", "-m", "facts")
    return place


@pytest.fixture(scope="module")
def far(root: Path, sshd: SshServer, mariadb: MariadbServer) -> Place:
    """Artifacts by SFTP, facts in MariaDB, and every step in an environment of uv."""
    depot, database = root / "depot", mariadb.new_database()
    mariadb.execute(f"GRANT ALL ON {database}.* TO anna@'127.0.0.1'")

    def kept() -> Iterator[bytes]:
        yield from (each.read_bytes() for each in depot.rglob("*") if each.is_file())
        for (name,) in mariadb.execute("SHOW TABLES", database):
            yield from values(mariadb.execute(f"SELECT * FROM `{name}`", database))  # noqa: S608

    place = Place("far", new_project(root, "far"), kept, ("--config", "far.yaml"))
    steps = {each: {"step_operator": True} for each in STEPS}
    place.cli.write("far.yaml", json.dumps({"steps": steps}))
    place.register("artifact-store", "depot", "sftp", depot_settings(sshd, depot))
    place.register("metadata-store", "facts", "mysql", facts_settings(mariadb, database))
    place.register("step-operator", "isolated", "uv", {})
    place.use("-a", "depot", "-m", "facts", "-s", "isolated")
    return place


def values(rows: list[tuple[Any, ...]]) -> Iterator[bytes]:
    for row in rows:
        for value in row:
            yield value if isinstance(value, bytes) else str(value).encode()


def lake_settings(s3: S3Server, bucket: str) -> dict[str, object]:
    return {
        "url": f"s3://{bucket}/team",
        "endpoint_url": s3.url,
        "region": "us-east-1",
        "attempts": 1,
        "access_key_id": "{{ secret.lake.id }}",
        "secret_access_key": "{{ secret.lake.key }}",
    }


def facts_settings(server: PostgresqlServer | MariadbServer, database: str) -> dict[str, object]:
    place = {"host": "127.0.0.1", "port": server.port, "dbname": database}
    return {**place, "user": "anna", "password": "{{ secret.facts.password }}"}


def depot_settings(sshd: SshServer, folder: Path) -> dict[str, object]:
    return {
        "url": sshd.url(folder),
        "private_key": sshd.folder / "canary_key",
        "passphrase": "{{ secret.depot.phrase }}",
        "known_hosts": sshd.known_hosts,
        "attempts": 1,
    }


@pytest.fixture(scope="module", params=["near", "cloud", "far"])
def place(request: pytest.FixtureRequest) -> Place:
    found: Place = request.getfixturevalue(request.param)
    return found


def digests(place: Place) -> dict[tuple[str, str], str]:
    listed = place("artifact", "list", "--json").json()
    return {(each["step"], each["output"]): each["digest"] for each in listed}


def test_what_steps_make_is_the_same_on_every_stack(near: Place, cloud: Place, far: Place) -> None:
    assert len(digests(near)) == len(STEPS) + 1  # one step has two outputs
    assert digests(near) == digests(cloud) == digests(far)


def test_a_second_run_executes_nothing(place: Place) -> None:
    run = place.run()
    shown = place("run", "show", run["name"], "--json").json()
    assert [(each["name"], each["status"]) for each in shown["steps"]] == [(each, "cached") for each in STEPS]


def test_a_run_is_told_and_its_artifacts_are_whole(place: Place) -> None:
    first = place("run", "list", "--json").json()[-1]["name"]
    shown = place("run", "show", first, "--json").json()
    assert (shown["status"], shown["stack"]) == ("completed", place.stack)
    assert {each["status"] for each in shown["steps"]} == {"completed"}
    logs = place("run", "logs", first).out
    assert "a text is made" in logs
    assert "signed with ********" in logs
    place("artifact", "verify", "--all")


def test_no_canary_is_anywhere(place: Place) -> None:
    first = place("run", "list", "--json").json()[-1]["name"]
    for words in (("show",), ("logs",), ("explain", "signed"), ("page", "-o", "page.html")):
        place("run", words[0], first, *words[1:])
    for words in (("stack", "describe"), ("stack", "export", place.stack), ("pipeline", "list")):
        place(*words)
    elsewhere = list(place.kept())
    files = {each: each.read_bytes() for each in place.files()}
    everything = [*elsewhere, *files.values()]
    for made in ("signed with ********", "{{ secret.signing.key }}", "Größe \U0001f600"):
        assert any(made.encode() in each for each in everything), made  # it is looked for where it would be
    assert bool(elsewhere) is (place.stack != "near")
    assert [name for data in elsewhere for name in hidden(data)] == []
    assert {str(file): hidden(data) for file, data in files.items() if hidden(data)} == {}
    assert [name for each in place.said for name in hidden((each.out + each.err).encode())] == []


def test_an_environment_asks_no_index_for_what_is_ours(far: Place) -> None:
    first = far("run", "list", "--json").json()[-1]["name"]
    told = [each.strip() for each in far("run", "logs", first).out.splitlines()]
    ours = [each for each in told if each.startswith("+ dovetail")]
    assert {each.split("==")[0] for each in ours} == {"+ dovetail", "+ dovetail-sftp"}
    assert [each for each in ours if "(from file://" not in each] == []


ELSEWHERE = 9  # nobody listens there
REFUSED = 8
WRONG: dict[str, tuple[str, str, dict[str, object], int, str]] = {
    "no such key": ("cloud", "facts", {"password": "{{ secret.facts.pass }}"}, 5, "no key 'pass'"),
    "no such secret": ("cloud", "lake", {"secret_access_key": "{{ secret.lack.key }}"}, 5, "'lack'"),
    "wrong password": ("cloud", "facts", {"password": "{{ secret.lake.key }}"}, 8, "password"),
    "no such database": ("cloud", "facts", {"dbname": "nowhere"}, 8, "no such database"),
    "no PostgreSQL": ("cloud", "facts", {"port": ELSEWHERE}, 8, "cannot be reached"),
    "no such bucket": ("cloud", "lake", {"url": "s3://no-such-bucket"}, 8, "no bucket 'no-such-bucket'"),
    "no S3": ("cloud", "lake", {"endpoint_url": f"http://127.0.0.1:{ELSEWHERE}"}, 8, "does not answer"),
    "wrong passphrase": ("far", "depot", {"passphrase": "{{ secret.lake.key }}"}, 8, "canary_key"),
    "no sshd": ("far", "depot", {"url": f"sftp://anna@127.0.0.1:{ELSEWHERE}/depot"}, 8, f"{ELSEWHERE}"),
    "no MariaDB": ("far", "facts", {"port": ELSEWHERE}, 8, "cannot be reached"),
    "wrong password of MariaDB": ("far", "facts", {"password": "{{ secret.lake.key }}"}, 8, "password"),
}
KINDS = {"lake": "artifact-store", "depot": "artifact-store", "facts": "metadata-store"}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_one_message_and_nothing_is_half_done(
    case: str, request: pytest.FixtureRequest
) -> None:
    stack, component, change, code, part = WRONG[case]
    place: Place = request.getfixturevalue(stack)
    before = {each["id"] for each in place("run", "list", "--json").json()}
    made, kept = digests(place), sorted(place.kept())
    wrong = flags({**place.settings[component], **change})
    kind, name = KINDS[component], f"wrong-{len(place.said)}"
    place(kind, "register", name, "--flavor", place.flavors[component], *wrong)
    place("stack", "copy", stack, name)
    place("stack", "update", name, f"--{kind}", name)
    answer = place("run", "works.py", *place.options, "--no-cache", "--stack", name, code=code)
    assert_message(answer, code, part)
    assert len(re.findall(r"^error: ", answer.err, flags=re.MULTILINE)) == 1, answer.err
    assert hidden(answer.err.encode()) == []
    runs = place("run", "list", "--json").json()
    new = [each["status"] for each in runs if each["id"] not in before]
    # An artifact store is asked first by the first step, whose run has begun then, and can be resumed.
    assert new == (["failed"] if kind == "artifact-store" and code == REFUSED else [])
    assert new or sorted(place.kept()) == kept
    assert digests(place) == made
