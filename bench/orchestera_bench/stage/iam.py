"""A small IAM and STS: it holds what it is told, tells it as it was written, and refuses what IAM would refuse.

It knows what a Create needs, and no more. Accounts are told apart by the access key.
"""

import json
import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote
from xml.sax.saxutils import escape

from orchestera_bench.stage.wire import response

SECRET_KEY = "dummy-secret"
SESSION_TOKEN = "dummy-session-token"
CREATED = "2026-01-01T00:00:00Z"
STATUS = {"NoSuchEntity": "404 Not Found", "EntityAlreadyExists": "409 Conflict"}
OPERATIONS = {}


class Refused(Exception):
    """What IAM says no to: a code of its API, and a message."""


@dataclass
class Account:
    id: str
    roles: dict = field(default_factory=dict)
    policies: dict = field(default_factory=dict)


@dataclass
class Call:
    """A request that was answered. `request` is kept whole, to look at its signature when nobody waits."""

    operation: str
    account: str
    at: float
    request: object
    refused: str = ""


def access_key(kind, account_id):
    """20 characters, as AWS's are: what kind of credentials (AKIA, ASIA), and whose."""
    return f"{kind}DUMM{account_id}"


def operation(function):
    """Registers an answer to the operation of that name, in capitals: `get_role` answers GetRole."""
    OPERATIONS["".join(word.capitalize() for word in function.__name__.split("_"))] = function
    return function


def element(tag, text):
    return f"<{tag}>{escape(text)}</{tag}>"


def listed(tag, members):
    return f"<{tag}>" + "".join(f"<member>{member}</member>" for member in members) + f"</{tag}>"


def page(tag, members):
    return listed(tag, members) + element("IsTruncated", "false")


def tags_of(form):
    tags, number = {}, 1
    while (key := form.get(f"Tags.member.{number}.Key")) is not None:
        tags[key] = form[f"Tags.member.{number}.Value"]
        number += 1
    return tags


def tag_list(tags):
    return listed("Tags", (element("Key", key) + element("Value", value) for key, value in tags.items()))


def found(objects, key, kind):
    if key not in objects:
        raise Refused("NoSuchEntity", f"The {kind} {key} cannot be found.")
    return objects[key]


def role_of(account, form):
    return found(account.roles, form["RoleName"], "role")


def policy_of(account, form):
    return found(account.policies, form["PolicyArn"], "policy")


def arn(account, kind, name):
    return f"arn:aws:iam::{account.id}:{kind}/{name}"


def document(form, parameter):
    """As text: IAM keeps it as it came."""
    text = form.get(parameter, "")
    try:
        json.loads(text)
    except ValueError:
        raise Refused("MalformedPolicyDocument", f"{parameter} is not JSON") from None
    return text


def create(objects, key, properties):
    if key in objects:
        raise Refused("EntityAlreadyExists", f"{key} already exists.")
    objects[key] = properties
    return properties


def role_xml(account, name, role):
    parts = {
        "Path": "/",
        "RoleName": name,
        "RoleId": "AROADUMMYDUMMYDUMMY00",
        "Arn": arn(account, "role", name),
        "CreateDate": CREATED,
        "AssumeRolePolicyDocument": quote(role["trust"], safe=""),
        "Description": role["description"],
        "MaxSessionDuration": role["seconds"],
    }
    xml = "".join(element(tag, text) for tag, text in parts.items())
    if role["boundary"]:
        inner = element("PermissionsBoundaryType", "Policy") + element("PermissionsBoundaryArn", role["boundary"])
        xml += f"<PermissionsBoundary>{inner}</PermissionsBoundary>"
    return f"<Role>{xml}{tag_list(role['tags'])}</Role>"


def policy_xml(policy_arn, policy, users):
    parts = {
        "PolicyName": policy_arn.rpartition("/")[2],
        "PolicyId": "ANPADUMMYDUMMYDUMMY00",
        "Arn": policy_arn,
        "Path": "/",
        "DefaultVersionId": "v1",
        "AttachmentCount": str(users),
        "IsAttachable": "true",
        "Description": policy["description"],
        "CreateDate": CREATED,
        "UpdateDate": CREATED,
    }
    return f"<Policy>{''.join(element(tag, text) for tag, text in parts.items())}{tag_list(policy['tags'])}</Policy>"


def roles_with(account, policy_arn):
    return [name for name, role in account.roles.items() if policy_arn in role["attached"]]


@operation
def create_role(account, form):
    role = {
        "trust": document(form, "AssumeRolePolicyDocument"),
        "description": form.get("Description", ""),
        "seconds": form.get("MaxSessionDuration", "3600"),
        "boundary": form.get("PermissionsBoundary", ""),
        "tags": tags_of(form),
        "attached": [],
    }
    return role_xml(account, form["RoleName"], create(account.roles, form["RoleName"], role))


@operation
def get_role(account, form):
    return role_xml(account, form["RoleName"], role_of(account, form))


@operation
def list_attached_role_policies(account, form):
    attached = role_of(account, form)["attached"]
    names = ((policy_arn.rpartition("/")[2], policy_arn) for policy_arn in attached)
    return page("AttachedPolicies", (element("PolicyName", n) + element("PolicyArn", a) for n, a in names))


@operation
def list_role_policies(account, form):
    role_of(account, form)
    return page("PolicyNames", [])


@operation
def attach_role_policy(account, form):
    role = role_of(account, form)
    policy_of(account, form)
    if form["PolicyArn"] not in role["attached"]:
        role["attached"].append(form["PolicyArn"])
    return ""


@operation
def create_policy(account, form):
    policy_arn = arn(account, "policy", form["PolicyName"])
    text = document(form, "PolicyDocument")
    policy = {"document": text, "description": form.get("Description", ""), "tags": tags_of(form)}
    return policy_xml(policy_arn, create(account.policies, policy_arn, policy), 0)


@operation
def get_policy(account, form):
    policy = policy_of(account, form)
    return policy_xml(form["PolicyArn"], policy, len(roles_with(account, form["PolicyArn"])))


def version_xml(policy, with_document):
    xml = element("VersionId", "v1") + element("IsDefaultVersion", "true") + element("CreateDate", CREATED)
    return element("Document", quote(policy["document"], safe="")) + xml if with_document else xml


@operation
def list_policy_versions(account, form):
    return page("Versions", [version_xml(policy_of(account, form), with_document=False)])


@operation
def get_policy_version(account, form):
    policy = policy_of(account, form)
    if form["VersionId"] != "v1":
        raise Refused("NoSuchEntity", "There is no such version.")
    return f"<PolicyVersion>{version_xml(policy, with_document=True)}</PolicyVersion>"


@operation
def list_entities_for_policy(account, form):
    policy_of(account, form)
    roles = (element("RoleName", name) for name in roles_with(account, form["PolicyArn"]))
    return page("PolicyRoles", roles) + listed("PolicyUsers", []) + listed("PolicyGroups", [])


@operation
def assume_role(_, form):
    member = form["RoleArn"].split(":")[4]
    parts = {
        "AccessKeyId": access_key("ASIA", member),
        "SecretAccessKey": SECRET_KEY,
        "SessionToken": SESSION_TOKEN,
        "Expiration": "2099-01-01T00:00:00Z",
    }
    return f"<Credentials>{''.join(element(tag, text) for tag, text in parts.items())}</Credentials>"


class Iam:
    """All accounts, and what was asked of them."""

    def __init__(self, clock):
        self.clock = clock
        self.forget()

    def forget(self):
        self.accounts, self.calls = {}, []

    def account(self, account_id):
        return self.accounts.setdefault(account_id, Account(account_id))

    def answer(self, request):
        form = dict(parse_qsl(request.body.decode(), keep_blank_values=True))
        key = re.search(r"Credential=\w{8}(\d{12})/", request.headers.get("authorization", ""))
        account = self.account(key[1] if key else "")
        name = form.get("Action", "")
        call = Call(name, account.id, self.clock(), request)
        self.calls.append(call)
        try:
            if name not in OPERATIONS:
                raise Refused("InvalidAction", f"{name} is not served; write it in bench/orchestera_bench/stage/iam.py")
            result = OPERATIONS[name](account, form)
        except Refused as refused:
            call.refused, message = refused.args
            error = element("Type", "Sender") + element("Code", call.refused) + element("Message", message)
            xml = f"<ErrorResponse><Error>{error}</Error><RequestId>bench</RequestId></ErrorResponse>"
            return response(xml.encode(), status=STATUS.get(call.refused, "400 Bad Request"))
        result = f"<{name}Result>{result}</{name}Result>" if result else ""
        metadata = "<ResponseMetadata><RequestId>bench</RequestId></ResponseMetadata>"
        return response(f"<{name}Response>{result}{metadata}</{name}Response>".encode())
