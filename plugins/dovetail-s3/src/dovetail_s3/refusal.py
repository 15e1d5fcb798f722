"""What a refusal of the service means to a user: which setting is wrong, and how to mend it."""

from __future__ import annotations

from collections.abc import Iterator

from botocore import exceptions

from dovetail.plugin import StoreError
from dovetail_s3.settings import S3ArtifactStoreConfig

_REGION = frozenset({
    "301", "302", "307", "308", "PermanentRedirect", "TemporaryRedirect", "AuthorizationHeaderMalformed",
    "IllegalLocationConstraintException", "InvalidLocationConstraint", "IncorrectEndpoint",
})  # fmt: skip
_TOKEN = frozenset({"ExpiredToken", "ExpiredTokenException", "InvalidToken", "TokenRefreshRequired"})
_FORBIDDEN = frozenset({"403", "AccessDenied", "AllAccessDisabled", "AccountProblem", "Forbidden"})
_BUSY = frozenset({
    "429", "503", "SlowDown", "ServiceUnavailable", "TooManyRequests", "TooManyRequestsException",
    "Throttling", "ThrottlingException", "RequestLimitExceeded",
})  # fmt: skip
_FULL = frozenset({"507", "XMinioStorageFull", "QuotaExceeded", "InsufficientStorage"})
_SILENT = (
    exceptions.EndpointConnectionError,
    exceptions.ConnectTimeoutError,
    exceptions.ReadTimeoutError,
    exceptions.ConnectionClosedError,
    exceptions.ProxyConnectionError,
)


def response_of(error: BaseException) -> dict[str, object]:
    """Return what the service said, as botocore has it; empty where it did not speak."""
    for each in _chain(error):
        if isinstance(response := getattr(each, "response", None), dict):
            return response
    return {}


def code_of(error: BaseException) -> str:
    """Return the service's word for an error, such as `NoSuchBucket`; empty where it said none."""
    found = response_of(error).get("Error")
    return str(found.get("Code", "")) if isinstance(found, dict) else ""


def _chain(error: BaseException) -> Iterator[BaseException]:
    each: BaseException | None = error
    while each is not None:
        yield each
        each = each.__cause__


def is_unsaid(code: str) -> bool:
    """Say whether the service gave a number and no word, as it does to HEAD, and would say more if asked."""
    return code in {"BadRequest", "Forbidden"} or (code.isdigit() and code not in _BUSY)


class Refusal:
    """Writes errors for a store of these settings; `what` says store, file and need."""

    def __init__(self, config: S3ArtifactStoreConfig, name: str) -> None:
        self._config = config
        self._update = f"`dovetail artifact-store update {name} --"

    def told(self, error: Exception, what: str) -> StoreError | None:
        """Return what `error` means; None where nobody knows better than its own words."""
        code = code_of(error)
        found = self._of_code(code, error) or self._of_class(error)
        if found is None:
            said = code and f"the service answered {code}"
            found = (said, "look it up in the service's documentation") if said else None
        return StoreError(f"{what}: {found[0]}", hint=found[1]) if found else None

    def _of_code(self, code: str, error: Exception) -> tuple[str, str] | None:
        config = self._config
        if code in _REGION:
            return self._wrong_region(error)
        if code in _TOKEN:
            return "the session token is no longer valid", f"get new keys: {self._identity('session_token')}"
        if code in _FORBIDDEN:
            return f"{self._who()} may not do that", (
                "it needs s3:ListBucket, s3:ListBucketMultipartUploads on the bucket and s3:GetObject, "
                f"s3:PutObject, s3:DeleteObject, s3:AbortMultipartUpload on {config.url}/*"
            )
        if code in _BUSY:
            return f"the service is busy, also at try {config.attempts}", (
                f"raise setting 'attempts' or lower 'concurrency': {self._update}attempts 10`"
            )
        if code in _FULL:
            return "no space left there", "free space there, then `dovetail run resume last`"
        return {
            "NoSuchBucket": (
                f"there is no bucket {config.bucket!r} at {self._service()}",
                f"make the bucket, or mend setting 'url': {self._update}url s3://...`",
            ),
            "InvalidBucketName": (
                f"{config.bucket!r} is no name of a bucket",
                f"mend setting 'url': {self._update}url s3://...`",
            ),
            "InvalidAccessKeyId": (
                f"{self._service()} does not know the access key of {self._who()}",
                f"mend it: {self._identity('access_key_id')}",
            ),
            "SignatureDoesNotMatch": (
                f"the secret key of {self._who()} is wrong",
                f"mend it: {self._identity('secret_access_key')}",
            ),
            "RequestTimeTooSkewed": (
                "the clock of this machine differs from that of the service",
                "set the clock, best by NTP",
            ),
            "NotImplemented": (
                "the service cannot do that",
                f"if it lacks conditional writes: {self._update}conditional-writes no`, and see the limits",
            ),
            "InvalidObjectState": ("the object is archived", "restore it from its storage class first"),
        }.get(code)

    def _of_class(self, error: Exception) -> tuple[str, str] | None:
        for each in _chain(error):
            if isinstance(each, exceptions.ProfileNotFound):
                return f"there is no profile {self._config.profile!r} in the AWS configuration files", (
                    f"mend setting 'profile': {self._update}profile NAME`, or `aws configure --profile NAME`"
                )
            if isinstance(each, exceptions.NoCredentialsError | exceptions.PartialCredentialsError):
                return "nobody says who asks: no keys were found", (
                    f"give {self._identity('access_key_id')} and 'secret_access_key', "
                    "or setting 'profile', or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment"
                )
            if isinstance(each, exceptions.SSLError):
                return f"{self._service()} shows no certificate that is trusted ({each})", (
                    f"mend setting 'endpoint_url', or name its authority: {self._update}ca-bundle FILE`"
                )
            if isinstance(each, _SILENT):
                return f"{self._service()} does not answer, also at try {self._config.attempts} ({each})", (
                    "check network and service, or mend setting 'endpoint_url': "
                    f"{self._update}endpoint-url URL`"
                )
        return None

    def _wrong_region(self, error: Exception) -> tuple[str, str]:
        response = response_of(error)
        metadata = response.get("ResponseMetadata")
        headers = metadata.get("HTTPHeaders", {}) if isinstance(metadata, dict) else {}
        said = response.get("Error")
        inside = said.get("Region") if isinstance(said, dict) else None
        right = headers.get("x-amz-bucket-region") or inside
        ours = f"setting 'region' is {self._config.region!r}" if self._config.region else "no region is set"
        where = f"is in region {right!r}" if right else "is in another region"
        return f"bucket {self._config.bucket!r} {where}, and {ours}", (
            f"mend setting 'region': {self._update}region {right or 'NAME'}`"
        )

    def _service(self) -> str:
        return self._config.endpoint_url or "AWS"

    def _who(self) -> str:
        if self._config.access_key_id is not None:
            return "setting 'access_key_id'"
        if self._config.profile is not None:
            return f"profile {self._config.profile!r}"
        return "the default chain of the AWS tools"

    def _identity(self, setting: str) -> str:
        """Return where what is wrong was said."""
        if self._config.access_key_id is not None or self._config.profile is None:
            return f"setting {setting!r}"
        return f"profile {self._config.profile!r} of the AWS configuration files (setting 'profile')"
