"""The commands: their arguments, and what they hand on to.

Belongs here: options, exit statuses, errors as one sentence. Does not belong here: the work (refresh.py, init.py,
doctor.py, explain.py and quality.py beside this file, and the rooms).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from leadflow import __version__
from leadflow.cli.editor_schemas import TEMPLATES, copy_schemas
from leadflow.errors import ConfigError, LeadflowError
from leadflow.settings import ENV_PREFIX, load_settings

if TYPE_CHECKING:
    from leadflow.demo.simulate import SimulationSummary

DEMO_MARK = "# Written by `leadflow demo`, which writes it anew each time:"
"""How the first line of a sources.yaml begins that the demo may overwrite; the company it simulated follows."""


def main() -> None:
    """Entry point: errors are one sentence, and exit status 0 means that the work was done."""
    try:
        status = cli.main(prog_name="leadflow", standalone_mode=False)
        if isinstance(status, int):  # of a command that did its work and says no by its exit status
            sys.exit(status)
    except click.ClickException as wrong:
        wrong.show()
        sys.exit(wrong.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("leadflow: stopped.", err=True)
        sys.exit(130)
    except LeadflowError as error:
        click.echo(f"leadflow: {error}", err=True)
        sys.exit(1)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def cli() -> None:
    """Raw leads in; one trusted, explained, scored lead table and KPI mart out."""


@cli.command()
@click.option("--leads", default=10_000, show_default=True, help="Lead records to simulate.")
@click.option(
    "--events-per-lead", default=20, show_default=True, help="Mean web and e-mail events per lead record."
)
@click.option("--seed", default=7, show_default=True, help="Same seed, same company.")
def demo(leads: int, events_per_lead: int, seed: int) -> None:
    """Simulate a small company, refresh, and print where to look."""
    from leadflow.cli.refresh import refresh
    from leadflow.demo.simulate import simulate
    from leadflow.warehouse.lock import refresh_lock

    settings = load_settings()
    settings.ensure_home()
    mapping = settings.home / "sources.yaml"
    company = f"{DEMO_MARK} {leads} leads, {events_per_lead} events each, seed {seed}."
    _refuse_other_sources(mapping, company)
    with refresh_lock(settings.lock_path, purpose="leadflow demo", wait_seconds=settings.lock_wait_seconds):
        _refuse_other_sources(mapping, company)
        simulated = simulate(
            settings.landing_dir / "demo", leads=leads, events_per_lead=events_per_lead, seed=seed
        )
        copy_schemas(settings.home)
        mapping.write_text(
            demo_sources(company, simulated.sources.read_text(encoding="utf-8")), encoding="utf-8"
        )
        _write_new(settings.home / "policy.yaml", (TEMPLATES / "policy.yaml").read_text(encoding="utf-8"))
    _tell(simulated)
    refresh(settings)


@cli.command()
@click.option("--from", "example", type=click.Path(path_type=Path), help="File to propose a mapping for.")
@click.option("--table", help="Raw table that the file's rows are for, such as mql; told by its columns.")
@click.option("--name", help="Name of the source; made of the file's name.")
def init(example: Path | None, table: str | None, name: str | None) -> None:
    """Write commented sources.yaml and policy.yaml into the home.

    With --from the sources.yaml is proposed out of a CSV, JSON lines, Excel or Parquet file: by what its columns
    are called and hold, with the reason behind every line. A sources.yaml of your own is kept; the proposal is then
    sources.proposed.yaml.
    """
    from leadflow.cli.init import write_proposal, write_templates

    settings = load_settings()
    if example is None and (table or name):
        raise click.UsageError("--table and --name belong to --from FILE")
    lines = (
        write_templates(settings)
        if example is None
        else write_proposal(settings, example, table=table, name=name)
    )
    for line in lines:
        click.echo(line)


@cli.command()
@click.option(
    "--sources", type=click.Path(path_type=Path), help="sources.yaml to use in place of the home's."
)
@click.option("--policy", type=click.Path(path_type=Path), help="policy.yaml to use in place of the home's.")
@click.option("--as-of", default="", help="Moment to look from, ISO 8601, UTC where it has no offset.")
@click.option(
    "--full",
    is_flag=True,
    help="Rebuild incremental models from nothing; every other table is rebuilt at each refresh anyway.",
)
def run(sources: Path | None, policy: Path | None, as_of: str, full: bool) -> None:
    """One refresh: land, make and check every table, publish the mart."""
    from leadflow.cli.refresh import refresh

    refresh(load_settings(sources=sources, policy=policy), as_of=as_of, is_full=full)


@cli.command()
@click.option("--policy", type=click.Path(path_type=Path), help="policy.yaml to use in place of the home's.")
def retrain(policy: Path | None) -> None:
    """Train a challenger of the model in use on the last refresh's examples, and publish what follows.

    It takes over unless it is worse than the model in use, beyond noise, on the newest leads.
    """
    from leadflow.cli.refresh import retrain as train_challenger

    train_challenger(load_settings(policy=policy))


@cli.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to serve on.")
@click.option("--port", default=3000, show_default=True, help="Port to serve on.")
def dev(host: str, port: int) -> None:
    """Open the Dagster UI on the same home."""
    from leadflow.cli.refresh import prepare_instance

    settings = load_settings()
    prepare_instance(settings)
    for name in ("home", "sources", "policy", "temp_directory", "project_dir"):
        if (path := getattr(settings, name)) is not None:
            os.environ[f"{ENV_PREFIX}{name.upper()}"] = str(path)
    os.environ["DAGSTER_HOME"] = str(settings.dagster_home)
    click.echo(f"Dagster UI on http://{host}:{port} for the home {settings.home}")
    # `dg dev`, which Dagster would rather see, needs a checkout; this works where leadflow is installed, too.
    quiet = "ignore:Function `dev_command` is superseded"
    command = [sys.executable, "-W", quiet, "-m", "dagster", "dev", "-m", "leadflow.definitions"]
    os.execv(sys.executable, [*command, "-h", host, "-p", str(port)])


@cli.command()
@click.option("--leads", required=True, type=click.IntRange(min=1), help="Lead records to simulate.")
@click.option(
    "--events-per-lead",
    default=20,
    show_default=True,
    type=click.IntRange(min=0),
    help="Mean web and e-mail events per lead record.",
)
@click.option("--seed", default=7, show_default=True, help="Same seed, same company.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder to write into.")
@click.option(
    "--messy/--clean",
    default=True,
    show_default=True,
    help="With duplicates in disguise, fakes, robots and a drifting market; or a tidy company.",
)
@click.option(
    "--deliveries",
    default=0,
    type=click.IntRange(min=0),
    help="Also write the facts as so many files per source: late, repeated, overlapping, out of order.",
)
def simulate(leads: int, events_per_lead: int, seed: int, out: Path, messy: bool, deliveries: int) -> None:
    """Simulate a B2B company's raw files, with the truth about them beside them."""
    from leadflow.demo.simulate import simulate as simulate_company

    simulated = simulate_company(
        out, leads=leads, events_per_lead=events_per_lead, seed=seed, messy=messy, deliveries=deliveries
    )
    _tell(simulated)
    click.echo(f"Refresh on them with: leadflow run --sources {simulated.sources}")
    if simulated.deliveries is not None:
        click.echo(f"The same facts as a sequence of files: {simulated.deliveries}")


@cli.command()
@click.option(
    "--offline",
    "is_offline",
    is_flag=True,
    help="Ask no API: of its sources only the settings are looked at.",
)
def doctor(is_offline: bool) -> None:
    """What is missing or misconfigured, and how to mend it.

    Of every source it shows the first rows as they would be landed, personal data masked. It looks at the first 100,000
    rows of a file, so that a file of any size costs seconds, and fetches one page from an API.
    """
    from leadflow.cli.doctor import examine

    findings = examine(load_settings(), is_offline=is_offline)
    for finding in findings:
        mark = "NOTE   " if finding.is_note else "ok     " if finding.is_ok else "PROBLEM"
        click.echo(f"{mark}  {finding.text}")
        for line in finding.details:
            click.echo(f"         {line}")
    problems = sum(not finding.is_ok for finding in findings)
    if problems:
        raise LeadflowError(
            f"{problems} of {len(findings)} checks found a problem", "mend what is marked PROBLEM above"
        )


@cli.command()
@click.option(
    "--table", "tables", multiple=True, metavar="STAGE.NAME", help="Only this table; may be repeated."
)
@click.option("--failed", "is_failed_only", is_flag=True, help="Only tables with a check that did not pass.")
@click.option(
    "--html",
    "page",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File to write the page to, in place of quality_report.html in the home. It shows every table.",
)
@click.option(
    "--open/--no-open", "is_opened", default=False, show_default=True, help="Open the page in a browser."
)
def quality(tables: tuple[str, ...], is_failed_only: bool, page: Path | None, is_opened: bool) -> None:
    """What every check of every table found, and whether the mart may be published.

    Prints one line per table, then what failed or warned with a few of the rows, personal data masked, and writes all
    of it with its history to a page. Nothing is run: it reads what the last refreshes found.

    The exit status is 0 where every blocking check of the tables passed, as the contract has it now and on the version
    of the table there is, and 1 otherwise; checks that only warn do not count. The publish gate may be shut for other
    reasons, such as tables of two refreshes: the last line says so.
    """
    from leadflow.cli.quality import show_quality

    is_fine, path = show_quality(load_settings(), tables=tables, is_failed_only=is_failed_only, page=page)
    if is_opened:
        click.launch(path.absolute().as_uri())
    if not is_fine:
        raise click.exceptions.Exit(1)


@cli.command()
@click.argument("text")
@click.option("--json", "is_json", is_flag=True, help="Print everything that is known as one JSON object.")
def find(text: str, is_json: bool) -> None:
    """Is this person or company known, and whose is it.

    TEXT is an e-mail or web address, a phone number in any spelling, a WeChat id, the name of a person or company, Chinese or
    Latin, a lead id (also of a lead that was merged into another) or the key of a lead record. What is spelt nearly alike
    is found where nothing else is. Several things may be given with commas between. Names, addresses and numbers are shown:
    this reads the private warehouse.

    The exit status is 0 where somebody or a company is known, and 1 where not.
    """
    from leadflow.cli.find import look_up
    from leadflow.cli.find_told import as_json, is_known, told

    found = look_up(load_settings(), text, tell=lambda line: click.echo(line, err=True))
    click.echo(as_json(found) if is_json else "\n".join(told(found)))
    if not is_known(found):
        raise click.exceptions.Exit(1)


@cli.command()
@click.argument("lead_id")
@click.option(
    "--as-of", default="", help="Moment to explain the score of, ISO 8601, UTC where it has no offset."
)
@click.option(
    "--language",
    type=click.Choice(["en", "zh"]),
    default="en",
    show_default=True,
    help="Language of the reasons, where they are stored in it.",
)
def explain(lead_id: str, as_of: str, language: str) -> None:
    """Why a lead has its score: points, contributions and the facts behind them, as stored with it in the mart.

    With --as-of, what was stored of its score at that moment, and the moment replayed with all its reasons: from what was
    known then, by the policy of then. This reads the private warehouse.
    """
    if as_of:
        from leadflow.cli.explain_past import explain_past

        lines = explain_past(
            load_settings(), lead_id, as_of, language, tell=lambda line: click.echo(line, err=True)
        )
    else:
        from leadflow.cli.explain import explain_lead

        lines = explain_lead(load_settings(), lead_id, language)
    for line in lines:
        click.echo(line)


@cli.command()
@click.argument("one")
@click.argument("other")
@click.option("--together", "kind", flag_value="together", help="They are one lead.")
@click.option("--apart", "kind", flag_value="apart", help="They are two leads.")
@click.option("--reason", help="Why; kept with the pin.")
def pin(one: str, other: str, kind: str | None, reason: str | None) -> None:
    """Say that two leads are one, or that they are not; the next refresh honours it.

    ONE and OTHER are lead ids, also former ones, keys of lead records, or e-mail addresses.
    """
    from leadflow.cli import identity

    if kind is None:
        raise click.UsageError("say --together or --apart")
    for line in identity.pin(load_settings(), one, other, kind, reason):
        click.echo(line)


@cli.command()
@click.argument("pin_id")
def unpin(pin_id: str) -> None:
    """Withdraw a pin; the next refresh goes by what the records say."""
    from leadflow.cli import identity

    for line in identity.unpin(load_settings(), pin_id):
        click.echo(line)


@cli.command()
@click.argument("event_id")
def undo(event_id: str) -> None:
    """Undo a merge, a split or a pin that `leadflow merges` lists; the next refresh honours it."""
    from leadflow.cli import identity

    for line in identity.undo(load_settings(), event_id):
        click.echo(line)


@cli.command()
@click.option("--lead", "lead_id", help="Only what happened to this lead.")
def merges(lead_id: str | None) -> None:
    """The newest merges and splits of leads, with what a person decided on them."""
    from leadflow.cli import identity

    for line in identity.merges(load_settings(), lead_id):
        click.echo(line)


@cli.command("train-matching")
def train_matching() -> None:
    """Train a matching model on this home's own lead records, and keep it under a version of its own.

    No label is needed. Nothing is matched anew until matching.model of policy.yaml names the version.
    """
    from leadflow.cli import train_matching as training

    for line in training.train_matching(load_settings()):
        click.echo(line)


@cli.command()
@click.option("--policy", required=True, type=click.Path(path_type=Path), help="Policy to try.")
@click.option("--from", "start", required=True, help="First moment, ISO 8601, UTC where it has no offset.")
@click.option("--to", "end", required=True, help="Last moment.")
@click.option(
    "--every",
    "every_days",
    default=7,
    show_default=True,
    type=click.IntRange(min=1),
    help="Days from moment to moment.",
)
@click.option(
    "--model",
    default="train",
    show_default=True,
    help="train: one learned from what was known before the period; none: rules alone; or the version of one trained before.",
)
@click.option(
    "--calls-per-week",
    type=click.IntRange(min=1),
    help="Call so many of the best a week; without it those who become HOT are called.",
)
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), help="Folder to write JSON and CSV to."
)
def backtest(
    policy: Path,
    start: str,
    end: str,
    every_days: int,
    model: str,
    calls_per_week: int | None,
    out: Path | None,
) -> None:
    """Try a policy on a past period, beside the one in force, against what then happened.

    At every moment the leads that were known and open are scored from what was known then, and won or not is what came
    within training.horizon_days after. Nothing in the warehouse is changed; refreshes wait meanwhile.
    """
    from leadflow.cli import backtest as past_period
    from leadflow.cli.backtest_told import show, write_files

    wanted = past_period.asked(policy, start, end, every_days, model, calls_per_week)
    outcome = past_period.run_backtest(load_settings(), wanted, tell=lambda line: click.echo(line, err=True))
    show(outcome)
    if out is not None:
        for path in write_files(outcome, out):
            click.echo(f"Wrote {path}")


@cli.command()
@click.argument("text")
def forget(text: str) -> None:
    """Not built yet: erase a person."""
    _later("forget", f"nothing of '{text}' was erased: the raw tables keep what was landed")


@cli.command()
def dashboard() -> None:
    """Not built yet: open a dashboard on the mart."""
    _later("dashboard", "open marts.duckdb with any BI tool, or `leadflow dev` for the Dagster UI")


def _later(command: str, remedy: str) -> None:
    raise LeadflowError(f"`leadflow {command}` is not built yet", remedy)


def demo_sources(company: str, sources: str) -> str:
    """The home's sources.yaml for a simulated company: what tells the demo its own, and editors their schema, goes first."""
    return f"{company}\n# yaml-language-server: $schema=schemas/sources.schema.json\nfolder: landing/demo\n{sources}"


def _refuse_other_sources(mapping: Path, company: str) -> None:
    """Refuse a home that holds something else: facts that were landed stay, so two companies would mix."""
    if not mapping.exists():
        return
    first_line = mapping.read_text(encoding="utf-8", errors="replace").partition("\n")[0]
    if first_line == company:
        return
    held = (
        f"another simulated company ({first_line.removeprefix(DEMO_MARK).strip()})"
        if first_line.startswith(DEMO_MARK)
        else "sources of your own"
    )
    raise ConfigError(f"{mapping} describes {held}", "run the demo with LEADFLOW_HOME set to another folder")


def _tell(simulated: SimulationSummary) -> None:
    rows = simulated.rows["mql.csv"]
    click.echo(f"Simulated {rows:,} submissions of {simulated.people:,} people in {simulated.out_dir}.")


def _write_new(path: Path, text: str) -> bool:
    """Write a file unless it is there; a person's own settings are never overwritten."""
    if path.exists():
        return False
    path.write_text(text, encoding="utf-8")
    return True
