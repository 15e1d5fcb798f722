"""What errors of PostgreSQL and its driver mean, in words and for what is done next."""

from __future__ import annotations

import re

import psycopg
from psycopg import errors

from dovetail.plugin import StoreError

_COLLIDED = (
    errors.SerializationFailure,
    errors.DeadlockDetected,
    errors.UniqueViolation,
    errors.DuplicateTable,
)
_LOST_CLASS = "08"
_LOST = {"57P01", "57P02", "57P03", "53300"}
"""Shut down by its administrator, crashed, starting up; too many connections."""

_WORDS = {
    "42501": (
        "the role may not do that",
        "grant it CREATE and USAGE on the schema, and all rights on its tables",
    ),
    "25006": (
        "the database is read-only here",
        "runs can be looked at; to run pipelines, use the primary server",
    ),
    "53100": (
        "no space left on the server",
        "free space there, then try again; what was recorded before is intact",
    ),
    "53300": ("the server has too many connections", "raise its max_connections, or end some"),
    "57014": ("a statement took too long", "raise `statement_timeout`, or look at what the server waits for"),
    "55P03": ("others kept the schema busy", "look for a process that hangs while it makes or migrates it"),
    "57P03": ("the server is starting up or shutting down", "try again in a moment"),
}
_AT_THE_DOOR = (
    (
        r"password authentication failed|no password supplied",
        "wrong user or password",
        "check `user` and `password`",
    ),
    (
        r'database "[^"]*" does not exist',
        "there is no such database",
        "make it with `createdb`, or check `dbname`",
    ),
    (r'role "[^"]*" does not exist', "there is no such role", "make it with `createuser`, or check `user`"),
    (
        r"invalid response|server closed the connection unexpectedly|expected authentication request",
        "what answers there is no PostgreSQL server, or it closed the connection",
        "check `host` and `port`",
    ),
    (r"certificate|SSL|TLS", "the encrypted connection was refused", "check `sslmode` and the certificates"),
    (
        r"no pg_hba.conf entry",
        "the server lets nobody in from here",
        "add this host and role to its pg_hba.conf",
    ),
    (r"too many (clients|connections)", *_WORDS["53300"]),
    (r"starting up|shutting down", *_WORDS["57P03"]),
    (
        r"refused|timeout|timed out|could not translate|resolve|No route|unreachable|No such file",
        "the server cannot be reached",
        "check `host` and `port`, and whether the server runs",
    ),
)


def lost(error: BaseException) -> bool:
    """Say whether the connection is gone, or could not be made."""
    cause = getattr(error, "orig", None) or error
    if not isinstance(cause, psycopg.OperationalError | psycopg.InterfaceError):
        return False
    state = cause.sqlstate
    return state is None or state.startswith(_LOST_CLASS) or state in _LOST


def collided(error: BaseException) -> bool:
    """Say whether the transaction met another one, so that it may be tried again at once."""
    return isinstance(getattr(error, "orig", None) or error, _COLLIDED)


def refusal(what: str, error: Exception) -> StoreError:
    """Return the error in Dovetail's words."""
    cause = getattr(error, "orig", None) or error
    said = " ".join(str(cause).split())
    state = getattr(cause, "sqlstate", None)
    if state in _WORDS:
        words, hint = _WORDS[state]
        return StoreError(f"{what}: {words}: {said}", hint=hint)
    if lost(error):
        for pattern, words, hint in _AT_THE_DOOR:
            if re.search(pattern, said):
                return StoreError(f"{what}: {words}: {said}", hint=hint)
    return StoreError(f"{what}: {said}", hint="see the log of the server")
