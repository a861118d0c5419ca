"""Calls to AWS, and their errors in words that say what to do."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

from lakemill.errors import LakemillError, UsageError

try:
    import boto3
    from botocore.config import Config
    from botocore.exceptions import (
        BotoCoreError,
        ClientError,
        ConnectionError as NotConnected,
        CredentialRetrievalError,
        HTTPClientError,
        NoCredentialsError,
        PartialCredentialsError,
        ProfileNotFound,
        SSOError,
        TokenRetrievalError,
    )
except ImportError:
    raise UsageError("Submitting to EMR needs boto3: pip install 'lakemill[emr]', then run again.") from None

TRIES = 10
ERRORS = (BotoCoreError, ClientError)
NO_CREDENTIALS = (
    *(NoCredentialsError, PartialCredentialsError, CredentialRetrievalError, ProfileNotFound),
    *(SSOError, TokenRetrievalError),
)
BAD_CREDENTIALS = frozenset(
    "ExpiredToken ExpiredTokenException InvalidClientTokenId UnrecognizedClientException SignatureDoesNotMatch "
    "InvalidAccessKeyId AuthFailure RequestExpired".split()
)
DENIED = frozenset("AccessDenied AccessDeniedException UnauthorizedOperation 403".split())
Found = TypeVar("Found")
FIX_CREDENTIALS = "Sign in (`aws sso login`, `aws configure`), or set AWS_PROFILE, then run again."


@dataclass(frozen=True)
class Call:
    """One request, exactly as boto3 gets it: what --dry-run prints is what a run sends."""

    service: str
    operation: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True)
class Aws:
    """One region, with whoever's credentials boto3 finds."""

    region: str

    def do(self, call: Call, again: bool = True) -> dict[str, Any]:
        """Send it; `again`: boto3 may send it once more where the answer was lost. Raises what boto3 does."""
        answer = getattr(self._client(call.service, again), call.operation)(**call.parameters)
        return dict(answer)

    def ask(self, service: str, operation: str, **parameters: Any) -> dict[str, Any]:
        """A question that changes nothing; raises LakemillError where there is no answer."""
        with in_words():
            return self.do(Call(service, operation, parameters))

    def each(self, service: str, operation: str, items: str, **parameters: Any) -> Iterator[dict[str, Any]]:
        """Every item of a list that comes in pages; raises LakemillError where there is no answer."""
        with in_words():
            for page in self._client(service, True).get_paginator(operation).paginate(**parameters):
                yield from page.get(items, [])

    def _client(self, service: str, again: bool) -> Any:
        return _client(service, self.region, again, os.environ.get("AWS_PROFILE"))


@cache
def _client(service: str, region: str, again: bool, profile: str | None) -> Any:
    retries = {"mode": "adaptive", "max_attempts": TRIES} if again else {"total_max_attempts": 1}
    return boto3.Session(profile_name=profile).client(
        service, region_name=region, config=Config(retries=retries, connect_timeout=10, read_timeout=60)
    )


@contextmanager
def in_words() -> Iterator[None]:
    """What boto3 raises inside becomes a LakemillError."""
    try:
        yield
    except ERRORS as error:
        raise words(error) from None


def words(error: Exception, place: str = "") -> LakemillError:
    """An error of boto3 in words, with the place that was asked for."""
    if isinstance(error, NO_CREDENTIALS):
        return UsageError(f"There are no AWS credentials ({error}). {FIX_CREDENTIALS}")
    if isinstance(error, ClientError):
        details = error.response.get("Error", {})
        if details.get("Code") in BAD_CREDENTIALS:
            return UsageError(f"AWS does not take the credentials: {details.get('Message')} {FIX_CREDENTIALS}")
        at = f"{place}: " if place else ""
        return LakemillError(
            f"{at}AWS refused {error.operation_name}: {details.get('Message')} ({details.get('Code')})."
        )
    return LakemillError(f"AWS could not be asked: {error} Check the network and the region, then run again.")


def code(error: Exception) -> str:
    """AWS's own short name of an error."""
    return str(error.response.get("Error", {}).get("Code")) if isinstance(error, ClientError) else ""


def passing(error: Exception) -> bool:
    """Whether it may be gone in a minute: throttled, not reached, or AWS's own fault."""
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return status >= 500 or any(sign in code(error) for sign in ("Throttl", "TooMany", "SlowDown", "RequestLimit"))
    return isinstance(error, NotConnected | HTTPClientError)


def once(
    do: Callable[[], Found], find: Callable[[], Found | None], sleep: Callable[[float], None], tries: int = 6
) -> Found:
    """Do what must not be done twice although its answer may be lost: look for it before each further try."""
    for number in range(tries):
        try:
            return do()
        except ERRORS as error:
            if not passing(error) or number == tries - 1:
                raise words(error) from None
        sleep(2**number)
        made = find()
        if made is not None:
            return made
    raise AssertionError("unreachable")
