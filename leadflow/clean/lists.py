"""The lists that lead records are held against: the blocklist, competitors, and what is released.

Belongs here: what stands on the lists at a moment, and who is on them. Does not belong here: what follows (records.py).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import ipaddress
from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import reduce
from itertools import pairwise
from operator import itemgetter

import polars as pl

from leadflow.contact_policy import ip_range
from leadflow.policy import Policy
from leadflow.text.companies import company_key
from leadflow.text.emails import normalise_email
from leadflow.text.phones import normalise_phone
from leadflow.text.values import tidy

BLOCKLIST_COLUMNS: dict[str, pl.DataType] = {
    "blocklist_id": pl.String(),
    "kind": pl.String(),
    "value": pl.String(),
    "reason": pl.String(),
    "occurred_at": pl.Datetime("us"),
    "known_at": pl.Datetime("us"),
}
KINDS = ("email", "domain", "phone", "company", "ip_range")

_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_PLAIN_IPV4 = rf"^(?:{_OCTET}\.){{3}}{_OCTET}$"


@dataclass(frozen=True)
class Entry:
    """One entry of a list.

    Attributes:
        told: which one it is and why it stands there, for people; without its value, which may be personal.
        known_at: since when it was known; None where it holds for any moment (policy.yaml).
    """

    told: str
    known_at: dt.datetime | None

    def is_earlier_than(self, other: Entry) -> bool:
        """Whether it was known before the other one."""
        return other.known_at is not None and (self.known_at is None or self.known_at < other.known_at)


@dataclass
class ListedValues:
    """Entries by kind and key; of several with one key the one known first."""

    exact: dict[str, dict[str, Entry]] = field(default_factory=lambda: {kind: {} for kind in KINDS[:-1]})
    ranges: list[tuple[int, int, int, Entry]] = field(default_factory=list)

    def add(self, kind: str, value: str, entry: Entry) -> bool:
        """Put an entry on the list; False where no record could ever match it."""
        if kind == "ip_range":
            try:
                self.ranges.append((*ip_range(tidy(value)), entry))
            except ValueError:
                return False
            return True
        key = _KEYS[kind](value) if kind in _KEYS else None
        if key is None:
            return False
        known = self.exact[kind].get(key)
        if known is None or entry.is_earlier_than(known):
            self.exact[kind][key] = entry
        return True

    def find(self, kind: str, texts: pl.Series) -> dict[str, Entry]:
        """The entry of each of the texts that is listed: keys as of clean_leads, E.164 numbers, or IP addresses."""
        distinct = texts.drop_nulls().unique()
        if kind == "ip_range":
            return _found_in_ranges(distinct, self.ranges) if self.ranges else {}
        entries = self.exact[kind]
        if not entries:
            return {}
        if kind == "domain":
            return _found(distinct, lambda domain: _of_domain(domain, entries))
        return {text: entries[text] for text in distinct.filter(distinct.is_in(list(entries)))}


@dataclass(frozen=True)
class ContactLists:
    """All lists at a moment.

    Attributes:
        blocked: blocklist of the sources and of policy.yaml.
        competitors: their domains and address ranges.
        released: record keys and normalised e-mail addresses that are not rejected.
        unusable: ids of blocklist entries that no record can match, such as a range that is none.
    """

    blocked: ListedValues
    competitors: ListedValues
    released: frozenset[str]
    unusable: tuple[str, ...]

    def digest(self) -> str:
        """One text for what stands on the lists: equal lists have equal digests, in any process."""
        told = hashlib.sha256()
        for values in (self.blocked, self.competitors):
            told.update(
                repr([sorted(values.exact[kind].items(), key=itemgetter(0)) for kind in KINDS[:-1]]).encode()
            )
            told.update(repr(sorted(values.ranges, key=repr)).encode())
        told.update(repr(sorted(self.released)).encode())
        return told.hexdigest()


def contact_lists(
    policy: Policy, blocklist: pl.DataFrame | None = None, as_of: dt.datetime | None = None
) -> ContactLists:
    """The lists of policy.yaml and of the sources, as they were known at `as_of`.

    Args:
        blocklist: `BLOCKLIST_COLUMNS` of staging.stg_blocklist; other columns are left out. An entry that became known
            or holds only after `as_of` is not on the list, so that it rejects nothing in a replay of the past.
        as_of: UTC; none takes every entry.
    """
    blocked, competitors, unusable = ListedValues(), ListedValues(), []
    own = Entry("the blocklist of policy.yaml", None)
    for kind, values in (
        ("email", policy.blocklist.emails),
        ("domain", policy.blocklist.domains),
        ("phone", policy.blocklist.phones),
        ("company", policy.blocklist.companies),
        ("ip_range", policy.blocklist.ip_ranges),
    ):
        unusable += [f"policy.yaml: {value}" for value in values if not blocked.add(kind, value, own)]
    rival = Entry("the list of competitors of policy.yaml", None)
    for kind, values in (("domain", policy.competitors.domains), ("ip_range", policy.competitors.ip_ranges)):
        unusable += [f"policy.yaml: {value}" for value in values if not competitors.add(kind, value, rival)]
    competing = {tidy(reason).casefold() for reason in policy.competitors.blocklist_reasons}
    rows = (
        pl.DataFrame(schema=BLOCKLIST_COLUMNS) if blocklist is None else blocklist.select(*BLOCKLIST_COLUMNS)
    )
    for entry_id, kind, value, reason, occurred_at, known_at in rows.sort("blocklist_id").iter_rows():
        since = max(filter(None, (occurred_at, known_at)), default=None)
        if value is None or (as_of is not None and since is not None and since > as_of):
            continue
        is_rival = kind in ("domain", "ip_range") and tidy(reason or "").casefold() in competing
        which = "the list of competitors" if is_rival else "the blocklist"
        entry = Entry(f"{which} (entry {entry_id}{f': {reason}' if reason else ''})", since)
        if not (competitors if is_rival else blocked).add(kind, value, entry):
            unusable.append(entry_id)
    released = {normalise_email(each) or each if "@" in each else each for each in policy.release}
    return ContactLists(blocked, competitors, frozenset(released), tuple(unusable))


def _domain_key(value: str) -> str | None:
    domain = tidy(value).lower().rpartition("@")[2].strip(".")
    return domain if "." in domain else None


_KEYS: dict[str, Callable[[str], str | None]] = {
    "email": normalise_email,
    "domain": _domain_key,
    "phone": normalise_phone,
    "company": company_key,
}


def _found(texts: Iterable[str], look: Callable[[str], Entry | None]) -> dict[str, Entry]:
    found = ((text, look(text)) for text in texts)
    return {text: entry for text, entry in found if entry is not None}


def _of_domain(domain: str, entries: dict[str, Entry]) -> Entry | None:
    labels = domain.split(".")
    parents = (".".join(labels[start:]) for start in range(len(labels) - 1))
    return next((entries[parent] for parent in parents if parent in entries), None)


def _pieces(ranges: list[tuple[int, int, int, Entry]], version: int) -> list[tuple[int, int, Entry]]:
    """First address, last address and entry of ranges that do not overlap, in order; where several did, the one known first."""
    bounds = [each[1:] for each in ranges if each[0] == version]
    pieces: list[tuple[int, int, Entry]] = []
    edges = sorted({edge for low, high, _ in bounds for edge in (low, high + 1)})
    for low, until in pairwise(edges):
        over = [entry for first, last, entry in bounds if first <= low <= last]
        if over:
            first_known = reduce(lambda one, other: other if other.is_earlier_than(one) else one, over)
            pieces.append((low, until - 1, first_known))
    return pieces


def _found_in_ranges(texts: pl.Series, ranges: list[tuple[int, int, int, Entry]]) -> dict[str, Entry]:
    """The entries of addresses as written; the usual spelling of IPv4 by columns, every other one by one."""
    pieces = {version: _pieces(ranges, version) for version in (4, 6)}
    bare = texts.str.strip_chars()
    is_plain = bare.str.contains(_PLAIN_IPV4)
    octets = pl.col("bare").str.split_exact(".", 3)
    number = sum(octets.struct.field(f"field_{at}").cast(pl.Int64) * 256 ** (3 - at) for at in range(4))
    plain = pl.DataFrame({"text": texts, "bare": bare}).filter(is_plain).select("text", number=number)
    known = pl.DataFrame(
        {
            "low": [low for low, _, _ in pieces[4]],
            "high": [high for _, high, _ in pieces[4]],
            "piece": range(len(pieces[4])),
        },
        schema={"low": pl.Int64, "high": pl.Int64, "piece": pl.Int64},
    )
    hits = (
        plain.sort("number")
        .join_asof(known, left_on="number", right_on="low", strategy="backward")
        .filter(pl.col("number") <= pl.col("high"))
    )
    found = {text: pieces[4][piece][2] for text, piece in hits.select("text", "piece").iter_rows()}
    return found | _found(texts.filter(~is_plain), _range_finder(pieces))


def _range_finder(pieces: dict[int, list[tuple[int, int, Entry]]]) -> Callable[[str], Entry | None]:
    """A look-up of an address as written."""
    starts = {version: [piece[0] for piece in several] for version, several in pieces.items()}

    def look(text: str) -> Entry | None:
        try:
            address = ipaddress.ip_address(text.strip())
        except ValueError:
            return None
        if address.version == 6 and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        at = bisect_right(starts[address.version], int(address)) - 1
        if at < 0:
            return None
        low, high, entry = pieces[address.version][at]
        return entry if low <= int(address) <= high else None

    return look
