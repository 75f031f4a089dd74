"""By which resources, tags and further rights a call to Organizations is judged.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsorganizations.html
"""

import functools
import json

import ministack.app
import ministack.services.organizations as organizations
import ministack.services.tagging as tagging
from ministack.core import iam_actions, iam_evaluator
from ministack.core.iam_evaluator import AuthError
from ministack.core.responses import get_account_id, get_region, request_scope
from ministack.core.router import extract_access_key_id

from . import invitations
from .answers import refused
from .membership import management_account_of, organization_of

# What names the resources of a request. A call without any is judged on `*`.
NAMES = (
    "AccountId",
    "ChildId",
    "DestinationParentId",
    "HandshakeId",
    "OrganizationalUnitId",
    "ParentId",
    "PolicyId",
    "ResourceId",
    "RootId",
    "SourceParentId",
    "TargetId",
)
LINKED = "organizations.amazonaws.com"


def repair():
    iam_actions.extract_resource_arn = _with_the_first_resource(iam_actions.extract_resource_arn)
    # The other resources of a request, and what a request needs beside its own right, are judged with the first one.
    iam_evaluator.enforce = _with_the_others(iam_evaluator.enforce)
    iam_actions.request_tag_context = _with_the_keys_of_organizations(iam_actions.request_tag_context)
    tagging._RESOURCE_TAG_COLLECTORS["organizations"] = _tags
    handlers = ministack.app.SERVICE_HANDLERS
    handlers["organizations"] = _with_the_linked_role(handlers["organizations"])


def _arns(body, account_id):
    """Of the roots, units, accounts and policies that a request names, whether they exist or not."""
    try:
        request = json.loads(body or b"{}")
    except ValueError:
        return []
    management = management_account_of(account_id) or account_id
    organization = (organization_of(management) or {}).get("Id", "*")
    found = []
    target = request.get("Target")
    invited = [target.get("Id")] if isinstance(target, dict) else []
    for identifier in [*(request.get(name) for name in NAMES), *invited]:
        if not isinstance(identifier, str):
            continue
        # Their ARNs say more than the ids do.
        known = organizations._policies.get_scoped(management, None, identifier) or invitations.find(identifier)
        if known:
            found.append(known["Arn"])
            continue
        kind = {"r-": "root", "ou": "ou", "p-": "policy", "h-": "handshake"}.get(identifier[:2], "account")
        found.append(f"arn:aws:organizations::{management}:{kind}/{organization}/{identifier}")
    return found


class _First(str):
    """The ARN of the first resource, which brings the others along."""

    others = ()


def judged_by(arns):
    """What stands for the resources of a request, whichever service's: each of them has to be allowed."""
    first = _First(arns[0] if arns else "*")
    first.others = tuple(arns[1:])
    return first


def _with_the_first_resource(extract_resource_arn):
    def repaired(service, method, path, headers, body, parameters, region, account_id):
        if service != "organizations":
            return extract_resource_arn(service, method, path, headers, body, parameters, region, account_id)
        return judged_by(_arns(body, account_id))

    return repaired


def _with_the_keys_of_organizations(request_tag_context):
    """`organizations:ServicePrincipal` and `organizations:PolicyType`, of the request or of the policy in it."""

    def repaired(service, iam_action, body, parameters):
        keys = request_tag_context(service, iam_action, body, parameters)
        if service != "organizations":
            return keys
        try:
            request = json.loads(body or b"{}")
        except ValueError:
            return keys
        management = management_account_of(get_account_id())
        policy = organizations._policies.get_scoped(management, None, request.get("PolicyId")) or {}
        asked = request.get("PolicyType") or request.get("Type") or request.get("Filter")
        own = {
            "organizations:ServicePrincipal": request.get("ServicePrincipal"),
            "organizations:PolicyType": policy.get("Type") or (asked if isinstance(asked, str) else None),
        }
        return keys | {key: value for key, value in own.items() if value}

    return repaired


def _with_the_others(enforce):
    @functools.wraps(enforce)
    def repaired(access_key_id, iam_action, service, region, resource_arn="*", service_context=None):
        judge = functools.partial(
            enforce, access_key_id, service=service, region=region, service_context=service_context
        )
        denied = judge(iam_action=iam_action, resource_arn=resource_arn)
        for other in getattr(resource_arn, "others", ()):
            denied = denied or judge(iam_action=iam_action, resource_arn=other)
        creates = iam_action.startswith("organizations:Create")
        if creates and not denied and (service_context or {}).get("aws:TagKeys"):
            # What is made with tags needs the right to tag what is made, which has no tags yet.
            denied = judge(iam_action="organizations:TagResource", resource_arn=_made_by(iam_action))
        return denied

    return repaired


def _made_by(iam_action):
    management = get_account_id()
    kind = {"CreateOrganizationalUnit": "ou", "CreatePolicy": "policy"}.get(iam_action.split(":")[1], "account")
    organization = (organization_of(management) or {}).get("Id", "*")
    return f"arn:aws:organizations::{management}:{kind}/{organization}/*"


def _tags():
    management = management_account_of(get_account_id())
    if not management:
        return
    with request_scope(management, get_region()):
        stores = (organizations._accounts, organizations._ous, organizations._roots, organizations._policies)
        for store in stores:
            for identifier, entry in store.items():
                yield entry["Arn"], organizations._tag_list(identifier)


def _with_the_linked_role(handle):
    """Who makes an organization makes its service-linked role too, and needs the right to.

    https://docs.aws.amazon.com/organizations/latest/APIReference/API_CreateOrganization.html
    """

    async def repaired(method, path, headers, body, parameters):
        target = headers.get("x-amz-target", "")
        if ministack.app.AUTH and target.endswith(".CreateOrganization") and not _may_make_it(headers, parameters):
            reason = "ACCESS_DENIED_DURING_CREATE_SERVICE_LINKED_ROLE"
            message = "You don't have permissions to create the service-linked role."
            return refused("AccessDeniedForDependencyException", message, reason)
        return await handle(method, path, headers, body, parameters)

    return repaired


def _may_make_it(headers, parameters):
    role = f"arn:aws:iam::{get_account_id()}:role/aws-service-role/{LINKED}/AWSServiceRoleForOrganizations"
    denied = iam_evaluator.enforce(
        extract_access_key_id(headers, parameters),
        "iam:CreateServiceLinkedRole",
        "iam",
        get_region(),
        resource_arn=role,
        service_context={"iam:AWSServiceName": LINKED},
    )
    return not denied or isinstance(denied, AuthError)
