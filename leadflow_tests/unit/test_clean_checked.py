"""What lead records were checked with: it changes with everything that their outcome depends on, and with nothing else."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import polars as pl
import pytest

from leadflow.clean import checked
from leadflow.clean.checked import checked_with
from leadflow.clean.lists import BLOCKLIST_COLUMNS, contact_lists
from leadflow.policy import Policy

_NOON = dt.datetime(2025, 3, 1, 12)  # noqa: DTZ001 -- timestamps are UTC without a zone, as in the warehouse


def _told(
    entries: pl.DataFrame | None = None,
    as_of: dt.datetime = _NOON,
    settings: Mapping[str, object] | None = None,
) -> str:
    policy = Policy.model_validate(settings or {})
    return checked_with(policy, contact_lists(policy, entries, as_of))


def _blocklist(*rows: tuple[str, str, str]) -> pl.DataFrame:
    return pl.DataFrame(
        [(key, kind, value, "fraud", _NOON, _NOON) for key, kind, value in rows],
        schema=BLOCKLIST_COLUMNS,
        orient="row",
    )


@pytest.mark.parametrize(
    "settings",
    [
        {"contact_checks": {"role_mail": "reject"}},
        {"sensitive_words": {"words": ["something"]}},
        {"blocklist": {"domains": ["foe.example"]}},
        {"competitors": {"ip_ranges": ["198.51.100.0/24"]}},
        {"release": ["mql:1"]},
    ],
)
def test_a_section_of_the_policy(settings: dict[str, object]) -> None:
    assert _told(settings=settings) != _told()


def test_another_section_is_nothing_to_it() -> None:
    assert _told(settings={"publish": {"mask_pii": False}}) == _told()


def test_the_blocklist_as_it_is_known() -> None:
    one, other = ("B1", "email", "a@b.example"), ("B2", "ip_range", "198.51.100.7")
    both = _told(_blocklist(one, other))
    assert both == _told(_blocklist(other, one))
    assert len({both, _told(_blocklist(one)), _told(_blocklist(other)), _told()}) == 4
    assert _told(_blocklist(one), as_of=_NOON - dt.timedelta(days=1)) == _told()


def test_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    before = _told()
    monkeypatch.setattr(checked, "_PACKAGES", ())
    assert _told() != before
