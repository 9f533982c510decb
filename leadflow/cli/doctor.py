"""What is missing or misconfigured, and how to mend it.

Belongs here: looking, without changing anything. Does not belong here: mending.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from leadflow.errors import ConfigError, LeadflowError
from leadflow.settings import Settings


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at, in words.

    Attributes:
        text: what was found, in one sentence.
        is_ok: whether it is as it should be.
        details: lines that tell more.
        is_note: whether it is nothing wrong and worth a look all the same.
    """

    text: str
    is_ok: bool
    details: tuple[str, ...] = ()
    is_note: bool = False


def examine(settings: Settings, *, is_offline: bool = False) -> list[Finding]:
    """Every finding, good and bad, in the order a person would mend them.

    Args:
        settings: what to look at.
        is_offline: whether sources that are fetched are not to be asked.
    """
    findings: list[Finding] = []
    for look in (_home, _contracts_and_models, _policy):
        findings.extend(_looked(look, settings))
    findings.extend(_looked(provider_lines, settings))
    findings.extend(_sources(settings, is_offline=is_offline))
    for look in (_warehouse, _mart):
        findings.extend(_looked(look, settings))
    return list(dict.fromkeys(findings))  # a contract that is wrong stops the look at the sources, too


def _looked(look: Callable[[Settings], Iterator[str]], settings: Settings) -> Iterator[Finding]:
    try:
        for text in look(settings):
            yield Finding(text, True)
    except LeadflowError as error:
        yield Finding(str(error), False)


def _home(settings: Settings) -> Iterator[str]:
    settings.ensure_home()
    yield f"home {settings.home} is writable"


def _contracts_and_models(settings: Settings) -> Iterator[str]:
    from leadflow.definitions import build_room
    from leadflow.quality.contracts import load_contracts
    from leadflow.warehouse.conditions import refuse_wrong_conditions
    from leadflow.warehouse.models.model_columns import refuse_other_columns
    from leadflow.warehouse.models.model_unit_test_runs import run_unit_test, unit_test_connection
    from leadflow.warehouse.models.model_unit_tests import load_unit_tests

    contracts = load_contracts(settings.sql_dir)
    room = build_room(settings, contracts)
    refuse_wrong_conditions(contracts)
    # Whoever changes a model learns here what it means no longer, without a refresh or the test suite.
    with unit_test_connection() as connection:
        refuse_other_columns(connection, room, contracts)
        yield f"{len(contracts)} contracts and {len(room.models)} SQL models in {settings.sql_dir} are sound and agree"
        tests = [test for test in load_unit_tests(settings.sql_dir, contracts, room) if test.is_enabled]
        for test in tests:
            outcome = run_unit_test(connection, room, test)
            if not outcome.is_passed:
                raise outcome.error()
    yield f"{len(tests)} unit tests of SQL models pass"


def _policy(settings: Settings) -> Iterator[str]:
    from leadflow.quality.contracts import load_contracts
    from leadflow.warehouse.stage_run import load_home_policy

    policy = load_home_policy(settings, load_contracts(settings.sql_dir))
    where = settings.policy_path if settings.policy_path.exists() else "the defaults"
    yield f"policy {policy.version} from {where} is sound"


def provider_lines(settings: Settings) -> Iterator[str]:
    """A line for each service that enrichment asks; none of them is asked, since a call may cost something.

    Raises:
        ConfigError: the policy is wrong, or the packages that asking needs are not installed.
        SourceError: a provider's secret is not in the environment.
    """
    from leadflow.enrichment_policy import HttpProvider
    from leadflow.warehouse.stage_run import load_home_policy

    providers = load_home_policy(settings).enrichment.chain
    for provider in providers:
        if not isinstance(provider, HttpProvider):
            continue
        where = f"{settings.policy_path} provider '{provider.name}'"
        try:
            from leadflow.enrich.http_provider import http_lookup
        except ImportError as error:
            raise ConfigError(
                f"{where} needs {error.name}, which is not installed", "install leadflow[http]"
            ) from None
        http_lookup(provider, where, calls_left=0).api.close()
        yield f"provider '{provider.name}' is set up; it is not asked here, since a call may cost something"


def _sources(settings: Settings, *, is_offline: bool) -> Iterator[Finding]:
    """Every source by itself: one that is broken does not hide the others."""
    from leadflow.cli.source_report import details, headline
    from leadflow.ingest.assets import sources_of
    from leadflow.ingest.look import look_at_sources
    from leadflow.ingest.sources import no_leads
    from leadflow.quality.contracts import load_contracts

    try:
        for look in look_at_sources(settings, is_offline=is_offline):
            text = headline(look) if look.error is None else str(look.error)
            yield Finding(text, look.error is None, tuple(details(look)))
        if told := no_leads(sources_of(settings, load_contracts(settings.sql_dir))):
            yield Finding(told, is_ok=True, is_note=True)
    except LeadflowError as error:
        yield Finding(str(error), False)


def _warehouse(settings: Settings) -> Iterator[str]:
    from leadflow.warehouse.connection import Warehouse
    from leadflow.warehouse.lock import holder
    from leadflow.warehouse.refreshes import current_refresh

    if not settings.warehouse_path.exists():
        yield f"{settings.warehouse_path} does not exist yet; the first refresh makes it"
        return
    running = holder(settings.lock_path)
    if running is not None:
        yield f"{running} is running on this home"
        return
    with Warehouse.from_settings(settings).connect(read_only=True) as connection:
        refresh = current_refresh(connection)
        failed = connection.execute(
            "select table_name, check_name, message from quality.results where refresh_id = ? and is_blocking and not is_passed "
            "order by table_name, check_name limit 1",
            [refresh.refresh_id],
        ).fetchone()
    yield f"refresh {refresh.refresh_id} looked from {refresh.as_of} UTC ({refresh.as_of_from})"
    if failed is not None:
        raise LeadflowError(
            f"{failed[0]} failed {failed[1]} in refresh {refresh.refresh_id} ({failed[2]})",
            "mend the data or the contract and run the refresh again",
        )


def _mart(settings: Settings) -> Iterator[str]:
    from leadflow.warehouse.connection import Warehouse

    if not settings.marts_path.exists():
        yield f"{settings.marts_path} does not exist yet; the first refresh that passes its checks publishes it"
        return
    with Warehouse(settings.marts_path).connect(read_only=True) as mart:
        published_at, as_of = mart.execute("select published_at, as_of from published").fetchall()[0]
    yield f"mart published at {published_at:%Y-%m-%d %H:%M} UTC, as of {as_of} UTC"
