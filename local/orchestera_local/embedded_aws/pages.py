"""A list page by page. A page may be empty and still not be the last one: only the token says which one is."""

import base64
import json

from ministack.core.responses import get_account_id

from . import settings


def page(action, entries, wanted, token=None):
    """The entries of the page that the token begins, and the token of the next one, None behind the last.

    Of what is set of the account that is asking: how many entries are on a page, how many empty ones come before it.
    The token is where the page begins, and how many empty ones have come before it. Raises ValueError for another's.
    """
    given, start, empty = settings.of(get_account_id()), 0, 0
    if token is not None:
        of, start, empty = json.loads(base64.b64decode(token))
        if of != action:
            raise ValueError(f"That is a token of {of}.")
    if empty < given.empty_pages:
        found, following = [], [action, start, empty + 1]
    else:
        end = start + min(wanted, given.page_size)
        found = entries[start:end]
        following = [action, end, 0] if end < len(entries) else None
    return found, following and base64.b64encode(json.dumps(following).encode()).decode()
