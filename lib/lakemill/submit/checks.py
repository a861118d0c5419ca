"""What would make a run fail, asked before anything is created: credentials, buckets, roles, release, cluster."""

from typing import Any

from lakemill.errors import UsageError, did_you_mean
from lakemill.lake.session import NEEDS_DELTA, NEEDS_SPARK, numbers
from lakemill.submit.aws import DENIED, ERRORS, Aws, Call, code, words
from lakemill.submit.emr import ACTIVE, find_cluster
from lakemill.submit.settings import EMR, S3, Settings

NEEDS = {"Spark": NEEDS_SPARK, "Delta": NEEDS_DELTA}


def check(aws: Aws, settings: Settings) -> None:
    """Raise UsageError for the first thing that is not as a run needs it; everything asked is only read."""
    _account(aws, settings)
    _buckets(aws, settings)
    _roles(aws, settings)
    _release(aws, settings)
    if settings.environment == EMR:
        _cluster(aws, settings)
    else:
        _application(aws, settings)


def _account(aws: Aws, settings: Settings) -> None:
    account = aws.ask("sts", "get_caller_identity")["Account"]
    if account != settings.account:
        raise UsageError(
            f"{settings.file}: the run is for the account {settings.account}, and the credentials are of {account}. "
            "Sign in to the other one (AWS_PROFILE), or change `account`; nothing was created."
        )


def _buckets(aws: Aws, settings: Settings) -> None:
    """That for code must be the account's own; the others must be there, whoever's they are."""
    others = {match["bucket"] for match in (S3.fullmatch(place) for place in settings.places) if match}
    own = settings.code.bucket
    _bucket(aws, settings, own, {"ExpectedBucketOwner": settings.account})
    for bucket in sorted((others | {settings.logs.bucket}) - {own}):
        _bucket(aws, settings, bucket, {})


def _bucket(aws: Aws, settings: Settings, bucket: str, owner: dict[str, str]) -> None:
    refused = _refused(aws, Call("s3", "head_bucket", {"Bucket": bucket, **owner}), "404", "NoSuchBucket", "403")
    if refused == "403" and not owner:
        return  # the run's role may read what the caller may not
    if refused:
        what = "it is another account's, or you may not use it" if refused == "403" else "there is no such bucket"
        raise UsageError(f"{settings.file}: s3://{bucket}: {what}. Nothing was created.")


def _roles(aws: Aws, settings: Settings) -> None:
    asked = [("get_role", "RoleName", settings.role.split("/")[-1])] if settings.role else []
    if settings.new_cluster:
        asked.append(("get_role", "RoleName", settings.new_cluster.service_role.split("/")[-1]))
        profile = settings.new_cluster.instance_profile
        asked.append(("get_instance_profile", "InstanceProfileName", profile))
    for operation, key, name in asked:
        if _refused(aws, Call("iam", operation, {key: name}), "NoSuchEntity"):
            kind = "role" if operation == "get_role" else "instance profile"
            raise UsageError(
                f"{settings.file}: there is no {kind} {name} in the account {settings.account}. "
                "Create it, or name another; nothing was created."
            )


def _release(aws: Aws, settings: Settings) -> None:
    call = Call("emr", "describe_release_label", {"ReleaseLabel": settings.release})
    try:
        release = aws.do(call)
    except ERRORS as error:
        if code(error) in DENIED:
            return
        if code(error) not in ("ValidationException", "InvalidRequestException"):
            raise words(error) from None
        known = aws.ask("emr", "list_release_labels").get("ReleaseLabels", [])
        raise UsageError(
            f"{settings.file}: EMR has no release {settings.release} in {settings.region}. "
            f"{did_you_mean(settings.release, known)} Nothing was created."
        ) from None
    has = {app["Name"]: app.get("Version", "") for app in release.get("Applications", [])}
    for name, needed in NEEDS.items():
        if name in has and numbers(has[name]) < needed:
            raise UsageError(
                f"{settings.file}: the release {settings.release} has {name} {has[name]}; lakemill needs "
                f"{'.'.join(map(str, needed))} or newer, as emr-spark-8.0.0 has. Nothing was created."
            )


def _cluster(aws: Aws, settings: Settings) -> None:
    if settings.new_cluster:
        return
    if settings.cluster and _refused(
        aws,
        Call("emr", "describe_cluster", {"ClusterId": settings.cluster}),
        "InvalidRequestException",
        "ValidationException",
    ):
        raise UsageError(
            f"{settings.file}: there is no cluster {settings.cluster} in {settings.region}. Nothing was created."
        )
    cluster = find_cluster(aws, settings)
    name, state = cluster["Id"], cluster["Status"]["State"]
    if state not in ACTIVE:
        raise UsageError(f"{settings.file}: the cluster {name} is {state}; name a running one. Nothing was created.")
    if cluster.get("ReleaseLabel") != settings.release:
        raise UsageError(_other_release(settings, f"cluster {name}", str(cluster.get("ReleaseLabel"))))
    if not _has_delta(cluster, settings):
        raise UsageError(
            f"{settings.file}: the cluster {name} was made without Delta: the classification delta-defaults with "
            'delta.enabled: "true" makes one with it. Or name its jars under spark as spark.jars: '
            "/usr/share/aws/delta/lib/delta-spark.jar,/usr/share/aws/delta/lib/delta-storage.jar. Nothing was created."
        )


def _has_delta(cluster: dict[str, Any], settings: Settings) -> bool:
    made_with = {conf.get("Classification"): conf.get("Properties", {}) for conf in cluster.get("Configurations", [])}
    enabled = made_with.get("delta-defaults", {}).get("delta.enabled") == "true"
    confs = {**made_with.get("spark-defaults", {}), **settings.spark}
    return enabled or any("delta" in confs.get(key, "") for key in ("spark.jars", "spark.driver.extraClassPath"))


def _application(aws: Aws, settings: Settings) -> None:
    call = Call("emr-serverless", "get_application", {"applicationId": settings.application})
    if _refused(aws, call, "ResourceNotFoundException"):
        raise UsageError(
            f"{settings.file}: there is no application {settings.application} in {settings.region}. "
            "Nothing was created."
        )
    application = aws.ask(call.service, call.operation, **call.parameters)["application"]
    if application["state"] == "TERMINATED":
        raise UsageError(f"{settings.file}: the application {settings.application} is TERMINATED. Nothing was created.")
    starts_itself = application.get("autoStartConfiguration", {}).get("enabled", True)
    if application["state"] != "STARTED" and not starts_itself:
        raise UsageError(
            f"{settings.file}: the application {settings.application} is {application['state']} and does not start "
            "itself. Start it, then run again; nothing was created."
        )
    if application["releaseLabel"] != settings.release:
        raise UsageError(_other_release(settings, f"application {settings.application}", application["releaseLabel"]))


def _other_release(settings: Settings, what: str, release: str) -> str:
    return (
        f"{settings.file}: the {what} has the release {release}, and {settings.release} was expected. "
        "Name another one, or change `release`; nothing was created."
    )


def _refused(aws: Aws, call: Call, *codes: str) -> str | None:
    """Which of these errors a question meets; None where it is answered, or where the caller may not ask."""
    try:
        aws.do(call)
    except ERRORS as error:
        if code(error) in codes:
            return code(error)
        if code(error) in DENIED:
            return None
        raise words(error) from None
    return None
