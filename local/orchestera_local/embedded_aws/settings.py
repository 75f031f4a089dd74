"""What a test or a demonstration sets of an account, while the server runs: how slow AWS is, and what it refuses.

    PUT /_orchestera/settings/<account>    {"account_creation_polls": 3}    changes what it names, and answers with all
    GET /_orchestera/settings/<account>                                     answers with all

No function of the product calls this. `Account.settings` of `aws.py` does.
"""

import dataclasses
import json
from dataclasses import dataclass, field

from .json_over_http import answer, body_of

PATH = "/_orchestera/settings/"


@dataclass
class Settings:
    """Of one account. Without any, it is in order, and everything is done at once."""

    # Of a management account: the creation of an account is IN_PROGRESS as often as that its status is read, and as
    # many seconds, and then ends with the next one of these as its FailureReason. Without one, it succeeds.
    account_creation_polls: int = 0
    account_creation_seconds: float = 0
    account_creation_failures: list = field(default_factory=list)
    # Whether the account stands in ListAccounts, PENDING_ACTIVATION, before its creation has succeeded.
    account_appears_early: bool = False
    # For how long it is PENDING_ACTIVATION after its creation has succeeded, and when, after that, its role appears.
    account_activation_seconds: float = 0
    access_role_seconds: float = 0
    # How long an organization that the account makes is being finalized.
    finalizing_seconds: float = 0
    # Between CloseAccount and CLOSED.
    account_closure_seconds: float = 0
    # How many accounts the organization may have. AWS's default is 10; a new organization has fewer.
    account_quota: int = 10
    # Email addresses of accounts elsewhere, outside of this server.
    taken_email_addresses: list = field(default_factory=list)
    # So many pages without an entry come before each one that has some, in every list of Organizations and
    # of Identity Center.
    empty_pages: int = 0
    # Entries on a page, if the request does not want fewer.
    page_size: int = 20
    # Whether `Status` is still beside `State`: AWS retires it on 2026-09-09.
    shows_account_status: bool = True
    # By operation, for the calls of this account: how the next calls are refused, one after the other. A reason stands
    # behind a colon: {"CreateAccount": ["ConstraintViolationException:MASTER_ACCOUNT_MISSING_CONTACT_INFO"]}.
    refusals: dict = field(default_factory=dict)

    # Of any account, as done by hand: its root user's email address, its name, its state.
    email_address: str = ""
    account_name: str = ""
    account_state: str = ""
    # Its root user.
    root_mfa: bool = False
    root_access_keys: bool = False
    root_password: bool = True
    # How many roles and customer managed policies it may have. These are AWS's defaults:
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
    role_quota: int = 1000
    policy_quota: int = 1500
    # How far CloudWatch's clock is ahead, for alarms about what did not happen.
    cloudwatch_hours_ahead: float = 0
    # Its plan: FREE or PAID; NOT_STARTED, ACTIVE or EXPIRED.
    account_plan: str = "PAID"
    account_plan_status: str = "ACTIVE"

    # Its instance of IAM Identity Center, as enabled in the console of that region: none, the one of the organization
    # that the account manages (it is there as soon as the organization is), or one of this account alone.
    identity_center: str = field(default="", metadata={"one of": ("", "organization", "account")})
    identity_center_region: str = "us-east-1"
    # How long an assignment is IN_PROGRESS, and with what FailureReason the next ones end in FAILED.
    identity_center_assignment_seconds: float = 0
    identity_center_assignment_failures: list = field(default_factory=list)


_settings: dict[str, Settings] = {}


def of(account):
    return _settings.setdefault(account, Settings())


def of_all():
    """Account by account."""
    return list(_settings.items())


def change(account, **changes):
    """Returns what is wrong with them, or nothing."""
    types = {one.name: one.type for one in dataclasses.fields(Settings)}
    choices = {one.name: one.metadata.get("one of") for one in dataclasses.fields(Settings)}
    for name, value in changes.items():
        if name not in types:
            return f"There is no setting {name}. There are: {', '.join(types)}."
        if type(value) not in {float: (float, int)}.get(types[name], (types[name],)):
            return f"{name} is a {types[name].__name__}."
        if choices[name] and value not in choices[name]:
            return f"{name} is one of {', '.join(map(repr, choices[name]))}."
    for name, value in changes.items():
        setattr(of(account), name, value)
    return ""


def serve(app):
    """Returns `app` with the settings beside it."""

    async def with_settings(scope, receive, send):
        if scope["type"] == "http" and scope["path"].startswith(PATH):
            await _answer(scope, receive, send)
        else:
            await app(scope, receive, send)

    return with_settings


async def _answer(scope, receive, send):
    body = await body_of(receive)
    account = scope["path"].removeprefix(PATH)
    problem = ""
    if scope["method"] == "PUT":
        try:
            problem = change(account, **json.loads(body))
        except (ValueError, TypeError) as error:
            problem = f"That is no JSON object: {error}"
    elif scope["method"] != "GET":
        problem = "Only GET and PUT."
    await answer(send, 400 if problem else 200, {"message": problem} if problem else dataclasses.asdict(of(account)))
