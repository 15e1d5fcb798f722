"""What errors of the server and its driver mean, in words and for what is done next."""

from __future__ import annotations

import pymysql
from pymysql.constants import CR, ER

from dovetail.plugin import StoreError

_COLLIDED = {ER.LOCK_DEADLOCK, ER.DUP_ENTRY, ER.CHECKREAD}
_SHUTDOWN = {ER.SERVER_SHUTDOWN, ER.CON_COUNT_ERROR, 1927, 4031}
"""Shutting down; too many connections; killed; ended because nothing was heard for long."""

_CLIENT_ERRORS = range(2000, 3000)
_CLOSED = {0}
"""The driver's number for a connection that it has closed itself."""

_AWAY = ("the server cannot be reached", "check `host` and `port`, and whether the server runs")
_RIGHTS = ("the account may not do that", "grant it all rights on the database")
_FULL = (
    "no space left on the server",
    "free space there, then try again; what was recorded before is intact",
)
_WORDS = {
    CR.CR_CONN_HOST_ERROR: _AWAY,
    CR.CR_CONNECTION_ERROR: _AWAY,
    CR.CR_SERVER_GONE_ERROR: ("the connection was lost", _AWAY[1]),
    CR.CR_SERVER_LOST: (
        "what answers there is no MySQL or MariaDB server, or the connection was lost",
        _AWAY[1],
    ),
    ER.ACCESS_DENIED_ERROR: ("wrong user or password", "check `user` and `password`"),
    ER.DBACCESS_DENIED_ERROR: _RIGHTS,
    ER.TABLEACCESS_DENIED_ERROR: _RIGHTS,
    ER.SPECIFIC_ACCESS_DENIED_ERROR: _RIGHTS,
    ER.BAD_DB_ERROR: ("there is no such database", "make it with CREATE DATABASE, or check `dbname`"),
    ER.OPTION_PREVENTS_STATEMENT: (
        "the server is read-only",
        "runs can be looked at; to run pipelines, use the primary server",
    ),
    ER.NET_PACKET_TOO_LARGE: (
        "what is to be recorded is larger than the server takes",
        "raise the server's max_allowed_packet",
    ),
    ER.CON_COUNT_ERROR: ("the server has too many connections", "raise its max_connections, or end some"),
    ER.DISK_FULL: _FULL,
    ER.RECORD_FILE_FULL: _FULL,
    ER.LOCK_WAIT_TIMEOUT: (
        "others kept the rows busy",
        "look for a process that hangs in the middle of a transaction",
    ),
    ER.HANDSHAKE_ERROR: (_AWAY[0], _AWAY[1]),
}


def code_of(error: BaseException) -> int | None:
    """Return the number of an error, None where it has none."""
    cause = getattr(error, "orig", None) or error
    if isinstance(cause, pymysql.err.InternalError) and "Packet sequence" in str(cause):
        return int(CR.CR_SERVER_LOST)  # what came is no answer to what was asked
    first = cause.args[0] if isinstance(cause, pymysql.Error) and cause.args else None
    return first if isinstance(first, int) else None


def lost(error: BaseException) -> bool:
    """Say whether the connection is gone, or could not be made."""
    code = code_of(error)
    if code is None:
        return False
    return code in _CLOSED or code in _CLIENT_ERRORS or code in _SHUTDOWN


def collided(error: BaseException) -> bool:
    """Say whether the transaction met another one, so that it may be tried again at once."""
    return code_of(error) in _COLLIDED


def refusal(what: str, error: Exception) -> StoreError:
    """Return the error in Dovetail's words."""
    cause = getattr(error, "orig", None) or error
    said = " ".join(str(cause.args[-1] if cause.args else cause).split())
    words, hint = _WORDS.get(code_of(error) or -1, ("", "see the log of the server"))
    return StoreError(f"{what}: {words}: {said}" if words else f"{what}: {said}", hint=hint)
