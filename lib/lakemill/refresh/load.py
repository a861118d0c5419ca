"""A bronze table's run: the dumps that it does not have yet, all of them in one commit, or none."""

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException

from lakemill.job import Dump, Job
from lakemill.lake.progress import LANDING, NoProgress, Progress, read_progress
from lakemill.lake.tables import Table, append, create
from lakemill.observe.runs import Run
from lakemill.refresh.commit import commit, stage
from lakemill.refresh.plan import NOTHING, REBUILD, UPDATE, Plan, allowed
from lakemill.sources.dumps import Delivery, Landing, choose, look, not_loaded
from lakemill.sources.records import LINEAGE, missing_files, read_header, read_rows, refused
from lakemill.world import World


def load(world: World, job: Job, policy: str, run: Run) -> None:
    """Load what the landing holds and the table does not; the caller holds the table's lock."""
    assert isinstance(job.source, Dump)
    target = world.lake.table(job.target)
    with stage(run, "plan"):
        progress = read_progress(target.log(), job.target)
        plan, dumps, landing = plan_load(world, job, policy, progress)
    run.plan, run.reason, run.detail = plan.kind, plan.reason, plan.detail
    run.version = progress.version if isinstance(progress, Progress) else None
    if plan.kind != NOTHING:
        _write(target, dumps, plan, landing, progress, run)
    world.pins.pop(job.target, None)


def plan_load(
    world: World, job: Job, policy: str, progress: Progress | NoProgress
) -> tuple[Plan, list[Delivery], Landing]:
    """The plan, the dumps to load for it, and the landing as it is now."""
    assert isinstance(job.source, Dump)
    landing = look(world.spark, world.landing, job.source.feed)
    plan, dumps = _plan(job, policy, landing, world.lake.table(job.target), progress)
    return plan, dumps, landing


def _plan(
    job: Job, policy: str, landing: Landing, target: Table, progress: Progress | NoProgress
) -> tuple[Plan, list[Delivery]]:
    if not landing.manifests:
        return Plan(NOTHING, "NOTHING_NEW", f"no dump lies at {landing.uri}"), []
    if policy != REBUILD and _as_it_was(landing, progress):
        return Plan(NOTHING, "NOTHING_NEW", "the landing is as it was"), []
    deliveries, loaded = landing.deliveries(target.spark), loaded_dumps(target)
    if isinstance(progress, NoProgress) or policy == REBUILD:
        known = choose(deliveries, loaded, job.target)
        reason = progress.reason if isinstance(progress, NoProgress) else "ASKED_FOR"
        plan = allowed(job, policy, Plan(REBUILD, reason, f"{len(deliveries)} deliveries"))
        return plan, known + not_loaded(deliveries, loaded)
    new = not_loaded(deliveries, loaded)
    if not new:
        return Plan(NOTHING, "NOTHING_NEW", "the landing has only dumps that are loaded"), []
    return Plan(UPDATE, "UPDATE", f"{len(new)} new dump{'s' if len(new) > 1 else ''}"), new


def _write(
    target: Table, dumps: list[Delivery], plan: Plan, landing: Landing, progress: Progress | NoProgress, run: Run
) -> None:
    spark = target.spark
    missing_files(spark, dumps)
    planned = target.log().version
    known = [name for name in target.log().schema.names if name not in LINEAGE] if plan.kind == UPDATE else []
    rows = read_rows(spark, dumps, tuple(known) or read_header(spark, dumps[0].files[0]))
    next_progress = Progress(progress.run + 1, {LANDING: {"digest": landing.digest}}, "dump", plan.kind, plan.reason)

    def write() -> None:
        if plan.kind == UPDATE:
            append(target, rows)
        else:
            create(target, rows)

    try:
        commit(target, planned, next_progress, run, write)
    except (PySparkException, Py4JJavaError) as error:
        raise refused(error) or error from None
    run.rows_in = sum(file.rows for dump in dumps for file in dump.files)


def _as_it_was(landing: Landing, progress: Progress | NoProgress) -> bool:
    """Whether nothing came to the landing since the progress was written."""
    return isinstance(progress, Progress) and progress.positions.get(LANDING) == {"digest": landing.digest}


def loaded_dumps(target: Table) -> dict[str, str]:
    """The dumps that the table holds (id -> a file's name), read from its rows: they cannot disagree."""
    log = target.log()
    if not log.exists:
        return {}
    rows = target.full(log.version).select("dump_id", "file_name").distinct().collect()
    return {row["dump_id"]: row["file_name"] for row in rows}
