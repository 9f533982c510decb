"""What `leadflow find` found, in words and as JSON.

Belongs here: the lines that a person reads. Does not belong here: finding anything (find.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

Found = dict[str, Any]

_LONGEST = 200
"""Characters of the text looked for that are told."""


def is_known(found: Found) -> bool:
    """Whether a person or company was found, be it among the rejected."""
    return bool(found["leads"] or found["accounts"] or found["rejected"])


def as_json(found: Found) -> str:
    """What was found as JSON; moments are ISO 8601, UTC."""
    return json.dumps(found, ensure_ascii=False, indent=2, default=lambda moment: moment.isoformat())


def told(found: Found) -> Iterator[str]:
    """What was found, for a person, line by line."""
    for lead in found["leads"]:
        yield from _told_lead(lead)
    if found["more_leads"]:
        yield f"and {found['more_leads']:,} more leads: look for more of what you know, with commas between"
    for account in found["accounts"]:
        yield from _told_account(account)
    if found["more_accounts"]:
        yield f"and {found['more_accounts']:,} more accounts"
    for record in found["rejected"]:
        yield f"REJECTED  {record['record_key']}  by {record['rule']}: {record['reason']}"
        yield _line(record, "full_name", "email", "phone", "company_name", "title")
    if not is_known(found):
        query = found["query"]
        asked = query if len(query) <= _LONGEST else f"{query[:_LONGEST]}…"
        yield f"Nobody and no company known matches '{asked}'."


def _told_lead(lead: Found) -> Iterator[str]:
    score = f"{lead['tier']} ({lead['score']:.0f})" if lead["tier"] else "not scored"
    yield f"LEAD  {lead['lead_id']}  {lead.get('full_name') or 'no name'}  {score}, {_owner(lead)}"
    yield _line(lead, "title", "company_name", "country", "email", "phone", "wechat_id")
    if lead.get("account_id"):
        yield f"      account {lead['account_id']} {lead['account_name'] or 'without a name'}"
    keys = lead["record_keys"]
    more = f" and {len(keys) - 3} more" if len(keys) > 3 else ""
    yield f"      found by {'; '.join(lead['why'])} ({', '.join(keys[:3])}{more})"


def _owner(lead: Found) -> str:
    if lead["owner"]:
        return f"owned by {lead['owner']}"
    return f"no owner, its account is {lead['account_owner']}'s" if lead["account_owner"] else "no owner"


def _told_account(account: Found) -> Iterator[str]:
    owner = f"owned by {account['owner']}" if account["owner"] else "no owner"
    name = account["account_name"] or "no name"
    leads = "1 lead" if account["lead_count"] == 1 else f"{account['lead_count']:,} leads"
    yield f"ACCOUNT  {account['account_id']}  {name}  {leads}, {owner}"
    yield f"      found by {'; '.join(account['why'][:3])}{' (' + account['domain'] + ')' if account['domain'] else ''}"


def _line(row: Found, *fields: str) -> str:
    return (
        f"      {', '.join(str(row[field]) for field in fields if row.get(field)) or 'nothing else is known'}"
    )
