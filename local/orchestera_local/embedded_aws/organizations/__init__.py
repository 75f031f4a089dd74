"""AWS Organizations. MiniStack makes every account the management account of an organization of its own, at once.

    membership.py      who belongs to which organization, and where in it
    callers.py         what an account may ask that is no management account
    invitations.py     how an account that exists joins and leaves
    trusted_access.py  services with trusted access, and delegated administrators
    accounts.py        an account's state; moving and closing it
    creation.py        CreateAccount: slow, and only with an email address that nobody has
    access_role.py     the role by which the management account gets into the new account
    tags.py            which tags there may be
    pages.py           lists page by page, some without an entry
    authorization.py   by which resources, tags and further rights a call is judged

How slow it is and what it refuses is set by `settings.py`, an account at a time.

https://docs.aws.amazon.com/organizations/latest/APIReference/Welcome.html
"""

import ministack.services.organizations as organizations

from . import (
    access_role,
    accounts,
    authorization,
    callers,
    creation,
    invitations,
    membership,
    pages,
    tags,
    trusted_access,
)


def repair(app):
    """Returns `app` with what time brings done before each request."""
    actions = organizations._DISPATCH
    for module in (accounts, creation, invitations, membership, tags, trusted_access):
        actions |= module.actions(actions)
    for action, handle in list(actions.items()):
        actions[action] = callers.within(action, pages.paged(action, handle))
    access_role.repair()
    authorization.repair()

    async def in_time(scope, receive, send):
        if scope["type"] == "http":
            creation.settle()
            access_role.settle()
        await app(scope, receive, send)

    return in_time
