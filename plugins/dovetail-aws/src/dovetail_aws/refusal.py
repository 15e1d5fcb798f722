"""What a refusal of the service means to a user. Words of the service are left out: they may hold a value."""

from __future__ import annotations

from botocore import exceptions

from dovetail.plugin import StoreError
from dovetail_aws.settings import AwsSecretsManagerConfig

_NO_KEYS = (exceptions.NoCredentialsError, exceptions.PartialCredentialsError)
_NO_REGION = (exceptions.NoRegionError, exceptions.InvalidRegionError)
_SILENT = (exceptions.HTTPClientError, exceptions.ConnectionError)
_UNKNOWN_KEY = frozenset(
    {"UnrecognizedClientException", "InvalidClientTokenId", "MissingAuthenticationToken"}
)
_BUSY = frozenset({
    "429", "500", "502", "503", "504", "InternalFailure", "InternalServiceError", "RequestLimitExceeded",
    "ServiceUnavailable", "ServiceUnavailableException", "Throttling",
    "ThrottlingException", "TooManyRequestsException",
})  # fmt: skip
_OURS = frozenset({
    "CreateSecret", "DeleteSecret", "DescribeSecret", "GetSecretValue", "ListSecrets", "RestoreSecret",
    "UpdateSecret",
})  # fmt: skip


def code_of(error: Exception) -> str:
    """Return the service's word for an error, such as `AccessDeniedException`; empty where it said none."""
    return str(_said(error).get("Code", ""))


def is_scheduled(error: Exception) -> bool:
    """Say whether a request was refused because the secret is to be deleted when its time is over."""
    return code_of(error) == "InvalidRequestException" and "delet" in str(_said(error).get("Message", ""))


def _said(error: Exception) -> dict[str, object]:
    return dict(error.response.get("Error", {})) if isinstance(error, exceptions.ClientError) else {}


class Refusal:
    """Writes errors for a manager of these settings; `what` says manager, secret and need."""

    def __init__(self, config: AwsSecretsManagerConfig, name: str) -> None:
        self._config = config
        self._update = f"`dovetail secrets-manager update {name} --"

    def told(self, error: Exception, what: str, place: str) -> StoreError:
        """Return what `error` means for the secret, or the beginning of names, that AWS knows as `place`."""
        if isinstance(error, exceptions.ClientError):
            message, hint = self._of_answer(error, place)
        else:
            message, hint = self._of_silence(error)
        return StoreError(f"{what}: {message}", hint=hint)

    def _of_answer(self, error: exceptions.ClientError, place: str) -> tuple[str, str]:
        code, operation, said = code_of(error), error.operation_name, str(_said(error).get("Message", ""))
        if operation not in _OURS:
            return f"{self._who()} leads to {operation}, which was refused ({code})", (
                "see to the AWS configuration: `aws sts get-caller-identity` shows whether it works"
            )
        if code in {"AccessDeniedException", "AccessDenied"}:
            return self._forbidden(operation, place, kms="KMS" in said)
        if code in {"InvalidSignatureException", "SignatureDoesNotMatch"} and "scoped to" in said:
            return f"{self._service()} is not of {self._region()}", (
                f"mend setting 'region': {self._update}region NAME`"
            )
        if code in _BUSY:
            return f"the service is busy or broken ({code}), also at try {self._config.attempts}", (
                f"try again later, or raise setting 'attempts': {self._update}attempts 10`"
            )
        return self._of_identity(code) or {
            "EncryptionFailure": self._kms(code),
            "DecryptionFailure": self._kms(code),
            "LimitExceededException": (
                "a quota of the account is used up",
                "see to the quotas of Secrets Manager: number of secrets, and versions of one secret",
            ),
            "InvalidRequestException": (
                f"the state of {place!r} in AWS does not allow {operation}",
                "it may be a replica, or another service of AWS may keep it: see the console",
            ),
        }.get(code, (f"the service answered {code} to {operation}", "look it up in AWS' documentation"))

    def _of_identity(self, code: str) -> tuple[str, str] | None:
        if code in _UNKNOWN_KEY:
            return f"{self._service()} does not know the access key of {self._who()}", (
                f"mend it: {self._identity('access_key_id')}; or the region, which is {self._region()}"
            )
        if code in {"ExpiredTokenException", "ExpiredToken"}:
            return "the session token is no longer valid", f"get new keys: {self._identity('session_token')}"
        if code in {"InvalidSignatureException", "SignatureDoesNotMatch", "IncompleteSignature"}:
            return f"the secret key of {self._who()} is wrong", (
                f"mend it: {self._identity('secret_access_key')}; or the clock of this machine"
            )
        return None

    def _forbidden(self, operation: str, place: str, *, kms: bool) -> tuple[str, str]:
        if kms:
            return self._kms("no right to it")
        where = "*" if operation == "ListSecrets" else f"{place}*"
        return f"{self._who()} may not do that", f"it needs secretsmanager:{operation} on {where!r}"

    def _kms(self, why: str) -> tuple[str, str]:
        key = self._config.kms_key_id or "that the account or the secret names"
        return f"the key of KMS cannot be used ({why})", (
            f"see to the key {key}: it needs kms:Decrypt and kms:GenerateDataKey, and has to be enabled"
        )

    def _of_silence(self, error: Exception) -> tuple[str, str]:
        if isinstance(error, exceptions.ProfileNotFound):
            return f"there is no profile {self._config.profile!r} in the AWS configuration files", (
                f"mend setting 'profile': {self._update}profile NAME`, or `aws configure --profile NAME`"
            )
        if isinstance(error, _NO_KEYS):
            return "nobody says who asks: no keys were found", (
                f"give {self._identity('access_key_id')} and 'secret_access_key', or setting 'profile', "
                "or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment"
            )
        if isinstance(error, _NO_REGION):
            return f"{self._region()} names no region of AWS", (
                f"mend setting 'region': {self._update}region NAME`, or set AWS_DEFAULT_REGION"
            )
        if isinstance(error, exceptions.SSLError):
            return f"{self._service()} shows no certificate that is trusted", (
                f"mend setting 'endpoint_url', or name its authority: {self._update}ca-bundle FILE`"
            )
        if isinstance(error, _SILENT):
            setting = "endpoint_url" if self._config.endpoint_url else "region"
            return f"{self._service()} does not answer, also at try {self._config.attempts}", (
                f"check network and service, or mend setting {setting!r}: {self._update}{setting} ...`"
            )
        return f"the AWS tools cannot ask ({type(error).__name__})", (
            "see to the AWS configuration: `aws sts get-caller-identity` shows whether it works"
        )

    def _service(self) -> str:
        return self._config.endpoint_url or f"AWS Secrets Manager of {self._region()}"

    def _region(self) -> str:
        return f"region {self._config.region!r}" if self._config.region else "the default region"

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
