"""Requests to a registry: credentials only for whom they are meant, and a clear error for every refusal."""

from __future__ import annotations

import os
import threading
from base64 import b64encode
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from dovetail.plugin import StoreError, tls_context
from dovetail_oci.challenge import Challenge, challenges
from dovetail_oci.settings import OciRegistryConfig, is_loopback

_AGAIN = Retry(
    total=4,
    connect=1,
    other=0,  # a certificate that is not trusted once is not trusted the next time
    backoff_factor=0.2,
    status_forcelist=(429, 502, 503, 504),
    allowed_methods=("GET", "HEAD"),
    raise_on_status=False,
)
_LONGEST_TOLD = 200
_NONE: Mapping[str, str] = MappingProxyType({})


class Request(NamedTuple):
    """What is asked of a registry.

    `path` is below its origin, or a URL that it gave; `need` says in messages what it is for; `scope` is what
    a token must allow, `repository:<name>:pull,push`. `body` opens what is sent, perhaps twice.
    """

    method: str
    path: str
    need: str
    scope: str = ""
    headers: Mapping[str, str] = _NONE
    body: Callable[[], AbstractContextManager[Any]] = nullcontext


class _Session(requests.Session):
    """Takes no credentials from `~/.netrc`, and keeps those of a registry from where it redirects to."""

    def rebuild_auth(self, prepared_request: requests.PreparedRequest, response: requests.Response) -> None:
        old, new = response.request.url or "", prepared_request.url or ""
        if _origin(old) != _origin(new):
            prepared_request.headers.pop("Authorization", None)


class Conversation:
    """Speaks with one registry; several threads may."""

    def __init__(self, name: str, config: OciRegistryConfig) -> None:
        self._name, self._config = name, config
        self._sessions: dict[tuple[int, int], requests.Session] = {}
        self._tokens: dict[str, str] = {}
        # Said with each request: what a session says counts less than variables of the environment.
        self._trusted = str(config.certificate_authority) if config.certificate_authority else None

    @property
    def what(self) -> str:
        """The registry, as messages name it."""
        return f"container registry {self._name!r} at {self._config.address!r}"

    def ask(
        self, request: Request, *, expected: tuple[int, ...] = (200,), stream: bool = False
    ) -> requests.Response:
        """Return the answer of the registry, logging in where it asks for that.

        Args:
            request: What is asked.
            expected: The states that are an answer; every other one is an error.
            stream: Whether the body of the answer is read by the caller.

        Raises:
            StoreError: the registry cannot be reached, refuses the credentials, or answers otherwise.
        """
        url = self._checked(urljoin(self._config.origin, request.path), request.need)
        ours = _origin(url) == _origin(self._config.origin)
        known = self._tokens.get(request.scope) if ours else None
        answer = self._send(request, url, known, stream=stream)
        if answer.status_code == requests.codes.unauthorized and ours:
            answer.close()
            known = self._tokens[request.scope] = self._credentials(answer, request.scope, request.need)
            answer = self._send(request, url, known, stream=stream)
        if answer.status_code not in expected:
            with answer:
                raise self._refused(answer, request.need)
        return answer

    def unreadable(self, error: Exception, need: str) -> StoreError:
        """Return the error for an answer that broke off, or was none."""
        if isinstance(error, requests.exceptions.SSLError):
            said = f"its certificate is not trusted, or it speaks plain HTTP ({_short(error)})"
            hint = "name the file of its authority in 'certificate_authority'; for plain HTTP say 'insecure'"
        elif isinstance(error, requests.exceptions.Timeout):
            said = f"no answer within {self._config.timeout:g} seconds"
            hint = "check that it is up, or raise 'timeout'"
        else:
            said, hint = f"it cannot be reached ({_short(error)})", "check the address, and that it is up"
        return StoreError(f"{self.what}: cannot {need}: {said}", hint=hint)

    def _send(
        self, request: Request, url: str, authorization: str | None, *, stream: bool
    ) -> requests.Response:
        headers = {**request.headers, **({"Authorization": authorization} if authorization else {})}
        try:
            with request.body() as body:
                return self._session().request(
                    request.method,
                    url,
                    headers=headers,
                    data=body,
                    auth=_as_it_is,
                    stream=stream,
                    timeout=self._config.timeout,
                    verify=self._trusted,
                )
        except requests.RequestException as error:
            raise self.unreadable(error, request.need) from error

    def close(self) -> None:
        """Close the connections of this process; those it was forked with are its parent's."""
        for (process, _), session in self._sessions.items():
            if process == os.getpid():
                session.close()
        self._sessions.clear()

    def _session(self) -> requests.Session:
        """Return the connections of this thread of this process: neither shares them with another."""
        place = os.getpid(), threading.get_ident()
        if place not in self._sessions:
            if (
                self._config.certificate_authority is not None
            ):  # what requests says of a bad one names no file
                tls_context(authorities=self._config.certificate_authority)
            session = _Session()
            for scheme in ("http://", "https://"):
                session.mount(scheme, HTTPAdapter(max_retries=_AGAIN))
            self._sessions[place] = session
        return self._sessions[place]

    def _checked(self, url: str, need: str) -> str:
        """Refuse a place to which nothing may be sent in plain text."""
        parts = urlsplit(url)
        plain_allowed = self._config.insecure or is_loopback(parts.hostname or "")
        if parts.scheme == "https" or (parts.scheme == "http" and plain_allowed):
            return url
        raise StoreError(
            f"{self.what}: cannot {need}: it sends us to {parts.scheme}://{parts.netloc.rpartition('@')[2]}, "
            "where everybody on the way could read along",
            hint="have it use HTTPS; or say 'insecure', if the network is yours alone",
        )

    def _credentials(self, answer: requests.Response, scope: str, need: str) -> str:
        """Return the header that logs in as the registry asks for it."""
        offered = challenges(answer.headers.get("WWW-Authenticate", ""))
        for each in offered:
            if each.scheme == "bearer" and "realm" in each.parameters:
                return f"Bearer {self._token(each, scope, need)}"
            if each.scheme == "basic" and self._config.username is not None:
                pair = f"{self._config.username}:{self._password()}"
                return f"Basic {b64encode(pair.encode()).decode()}"
        if self._config.username is None:
            raise self._unwelcome("it wants credentials, and there are none", need)
        ways = ", ".join(each.scheme for each in offered) or "none"
        raise self._unwelcome(f"of its ways to log in ({ways}) none is known here", need)

    def _token(self, challenge: Challenge, scope: str, need: str) -> str:
        given = challenge.parameters
        realm = self._checked(urljoin(self._config.origin, given["realm"]), need)
        asked = {"service": given.get("service"), "scope": scope or given.get("scope")}
        user = self._config.username
        try:
            answer = self._session().get(
                realm,
                params={key: value for key, value in asked.items() if value},
                auth=_as_it_is if user is None else (user, self._password()),
                timeout=self._config.timeout,
                verify=self._trusted,
            )
            if answer.status_code in {requests.codes.unauthorized, requests.codes.forbidden}:
                raise self._unwelcome("its token service refuses " + self._who(), need)
            answer.raise_for_status()
            said = answer.json()
            token = said.get("token") or said.get("access_token")
        except (requests.RequestException, AttributeError) as error:
            raise StoreError(
                f"{self.what}: cannot {need}: its token service gives no token ({_short(error)})",
                hint="check that the token service it names is up and reachable from here",
            ) from error
        if not isinstance(token, str) or not token:
            raise self._unwelcome("its token service gives no token", need)
        return token

    def _password(self) -> str:
        return self._config.password.get_secret_value() if self._config.password else ""

    def _who(self) -> str:
        user = self._config.username
        return "those without credentials" if user is None else f"the credentials of user {user!r}"

    def _unwelcome(self, said: str, need: str) -> StoreError:
        return StoreError(
            f"{self.what}: cannot {need}: {said}", hint="set 'username' and 'password', or correct them"
        )

    def _refused(self, answer: requests.Response, need: str) -> StoreError:
        codes = requests.codes
        if answer.status_code == codes.unauthorized:
            return self._unwelcome(f"it refuses {self._who()}", need)
        if answer.status_code == codes.forbidden:
            return StoreError(
                f"{self.what}: cannot {need}: it forbids that to {self._who()}{_reasons(answer)}",
                hint="have its owner give that right, or use another repository",
            )
        if answer.status_code == codes.not_found:
            return StoreError(
                f"{self.what}: cannot {need}: there is no such repository or image{_reasons(answer)}",
                hint="check repository and tag, and that the address is that of a registry",
            )
        if answer.status_code == codes.bad_request and "HTTPS server" in answer.text[:_LONGEST_TOLD]:
            return StoreError(
                f"{self.what}: cannot {need}: it speaks HTTPS, and was asked in plain HTTP",
                hint="name the file of its authority in 'certificate_authority', and do not say 'insecure'",
            )
        return StoreError(
            f"{self.what}: cannot {need}: it answers {answer.status_code} {answer.reason}{_reasons(answer)}",
            hint="see the log of the registry",
        )


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Add nothing: without this requests looks into ~/.netrc."""
    return request


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _reasons(answer: requests.Response) -> str:
    """Return what the registry says itself, as the specification shapes it."""
    try:
        said = "; ".join(f"{each['code']}: {each['message']}" for each in answer.json()["errors"])
    except (requests.RequestException, KeyError, TypeError, ValueError):
        return ""
    return f" ({''.join(each for each in said if each.isprintable())[:_LONGEST_TOLD]})" if said else ""


def _short(error: Exception) -> str:
    """Return the innermost cause, without addresses of objects."""
    reason: Any = error.args[0] if error.args else error
    while getattr(reason, "reason", None) is not None and isinstance(reason.reason, Exception):
        reason = reason.reason
    text = str(getattr(reason, "strerror", None) or reason).rpartition(">: ")[2]
    return f"{type(reason).__name__}: {text[:_LONGEST_TOLD]}"
