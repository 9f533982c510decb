"""Web domains: one spelling for addresses of web sites, and what of a domain its owner registered.

Belongs here: what a domain or URL says by itself. Does not belong here: mail domains and what they tell (emails.py).

Public suffixes: package `publicsuffixlist` (MPL-2.0), which carries Mozilla's Public Suffix List and never asks the network.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from leadflow.text.values import is_absent, tidy

_SCHEME = re.compile(r"^(?:[a-z][a-z0-9+.-]*:)?//")
_AFTER_HOST = re.compile(r"[/?#:\\\s].*$", re.DOTALL)


def web_domain(text: str | None) -> str | None:
    """The bare domain of a web address: 'https://www.Acme.com/de/' and 'acme.com' give 'acme.com'.

    None where there is none: absent markers, or a word without a dot. Idempotent.
    """
    if text is None or is_absent(text):
        return None
    host = _AFTER_HOST.sub("", _SCHEME.sub("", tidy(text).lower())).rpartition("@")[2].strip(".")
    while host.startswith("www.") and "." in host.removeprefix("www."):
        host = host.removeprefix("www.").strip(".")
    return host if "." in host else None


def registrable_domain(domain: str) -> str | None:
    """What the owner of a domain registered: 'acme.co.uk' of 'mail.de.acme.co.uk'; None of a suffix such as 'co.uk'.

    Suffixes under which anyone may have a site count, too: 'acme.blogspot.com' stays whole. Under a top level that the
    list does not know, such as .example, the last two labels. Idempotent.

    Args:
        domain: lower case, without a trailing dot, as `web_domain` and `emails.email_domain` give it.
    """
    found = _suffixes().privatesuffix(domain)
    return None if found is None else str(found)


@lru_cache(maxsize=1)
def _suffixes() -> Any:
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList()
