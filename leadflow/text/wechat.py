"""WeChat ids: one spelling, and those that stand where a phone number should.

Belongs here: what the text itself tells. Does not belong here: what a wrong id means for a record (policy.yaml), numbers of
telephones (phones.py).

WeChat's own rule: 6 to 20 letters, digits, underscores and hyphens, a letter first; case does not matter. People are also
found there by their mobile number or their QQ number, so that forms hold these in its place: right, and no id.
"""

from __future__ import annotations

import re

from leadflow.text.values import is_absent, tidy

WECHAT_PROBLEM = "It names a WeChat id that nobody can have."

_ID = re.compile(r"[a-z][a-z0-9_-]{5,19}")
_NUMBER_INSTEAD = re.compile(r"(?:\+?86[ -]?)?1[3-9]\d[ -]?\d{4}[ -]?\d{4}|[1-9]\d{4,10}")
_SAME_NUMBER = re.compile(r"(?:手机)?(?:同号|同手机号?|同手机|同电话)")
_LONGEST_FIELD = 200  # characters; beyond, the text is no id and no id with a remark

# 'wx' and the like say so only with something between them and the id, since an id may begin with the same letters.
_PREFIX = r"(?:微信(?:号码|号|id)?|微信號|v信|薇信)\s*[:：=是]?\s*|(?:we ?chat|weixin|wx|vx)(?: ?(?:id|no|number|号))?(?:\s*[:：=]\s*|\s+)"
_PREFIXED = re.compile(rf"(?<![a-z0-9])(?:{_PREFIX})(?P<id>[^\s,;/|)]*)")
_OTHER_WORDS = re.compile(
    r"(?:tel|telefon|telephone|phone|fon|mob|mobile|mobil|handy|cell|fax|ext|extension|office|home|work|call|no|nr|num|number|test|asdf|abc|qq)[._-]?\d*[._-]?"
    r"|(?:wx|vx|wechat|weixin)[._-]?1[3-9]\d{9}"
)


def normalise_wechat(text: str | None) -> str | None:
    """The id that a WeChat field holds, in lower case, with or without words before it; None where it holds none. Idempotent."""
    if text is None or is_absent(text) or len(text) > _LONGEST_FIELD:
        return None
    written = tidy(text).lower()
    if _ID.fullmatch(written):
        return written
    return _after_prefix(written)


def wechat_problem(text: str | None) -> str | None:
    """Why a WeChat field holds no id that anybody can have, as a sentence without it; None where it does or says nothing.

    A mobile number or QQ number and 'same as phone' (同号) are no problem.
    """
    if text is None or is_absent(text) or normalise_wechat(text) is not None:
        return None
    written = tidy(text[: _LONGEST_FIELD + 1]).lower()
    prefixed = _PREFIXED.match(written)
    bare = prefixed["id"] if prefixed else written
    if _NUMBER_INSTEAD.fullmatch(bare) or _SAME_NUMBER.fullmatch(bare) or _SAME_NUMBER.search(written):
        return None
    return WECHAT_PROBLEM


def wechat_in_phone(text: str | None) -> str | None:
    """The WeChat id that a phone field holds beside or in place of a number; None where it holds none.

    'wx: zhang_wei', '微信zhangwei88' and '13812345678 / 微信 zhangwei88' name one. Without such a word the field has to be an id
    as a whole, with a digit in it: 'private' and 'tel12345678' are none.
    """
    if text is None or is_absent(text) or len(text) > _LONGEST_FIELD:
        return None
    written = tidy(text).lower()
    found = _after_prefix(written)
    if found is not None:
        return found
    is_bare = (
        _ID.fullmatch(written) is not None
        and any(map(str.isdigit, written))
        and _OTHER_WORDS.fullmatch(written) is None
    )
    return written if is_bare else None


def without_wechat(text: str) -> str:
    """What a phone field holds beside the WeChat ids that it names, so that the numbers in it can be read."""
    return _PREFIXED.sub(" ", tidy(text[: _LONGEST_FIELD + 1]).lower()).strip()


def _after_prefix(written: str) -> str | None:
    for found in _PREFIXED.finditer(written):
        if _ID.fullmatch(found["id"]):
            return found["id"]
    return None
