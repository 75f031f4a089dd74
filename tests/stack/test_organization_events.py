"""The organization function serves the events of its own stack alone: one that somebody sends it creates no account.

Nor does it set or delete a contact, or change anything of Identity Center. Somebody is who may invoke the function and
may do nothing else.
"""

import json
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3
import botocore.config
import pytest
from assigning import Center
from management import CONTACT, Management, statuses, until

from orchestera_local.aws import REGION
from orchestera_local.iam_user import user
from orchestera_local.stack import organization_template

THIEF = "Eve; Thief; thief@example.com; +1 555 0666"
OURS, THIEFS = "billing@example.com", "thief@example.com"


@pytest.fixture
def management(aws, account):
    return Management(aws, account)


@pytest.fixture
def mailbox():
    """Where answers can be put: its address, and what was put there, by path."""
    answers = {}

    class Mailbox(BaseHTTPRequestHandler):
        def do_PUT(self):
            answers[self.path] = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Mailbox) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", answers
        server.shutdown()


@pytest.fixture
def send(management, mailbox):
    """Invokes a stack's function with a made-up event, and returns its answer."""
    address, answers = mailbox
    # A right that is missing is waited for.
    patience = botocore.config.Config(read_timeout=120, retries={"total_max_attempts": 1})
    account = user(management.account, "somebody")
    invoke = {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [invoke]})
    management.iam.put_user_policy(UserName="somebody", PolicyName="invoke", PolicyDocument=document)
    patient = boto3.client(
        "lambda", region_name=REGION, endpoint_url=account.endpoint, **account.credentials, config=patience
    )

    def send(stack, function, properties, **event):
        path = f"/{uuid.uuid4()}"
        made_up = {
            "RequestType": "Create",
            "ServiceToken": function,
            "ResponseURL": address + path,
            "StackId": stack.id,
            "RequestId": str(uuid.uuid4()),
            "ResourceType": "Custom::OrchesteraAccount",
            "LogicalResourceId": "SparkAccount",
            "ResourceProperties": {"ServiceToken": function, "HasAccessStack": "false"} | properties,
        }
        patient.invoke(FunctionName=function, Payload=json.dumps(made_up | event))
        return answers[path]

    return send


def function_of(stack):
    """The ARN."""
    resources = stack.cloudformation.list_stack_resources(StackName=stack.id)["StackResourceSummaries"]
    names = {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in resources}
    function = stack.account.client("lambda").get_function(FunctionName=names["OrganizationFunction"])
    return function["Configuration"]["FunctionArn"]


def begun(management, email=None, name="orchestera-organization", **parameters):
    """A stack that waits for its account, which cannot be created yet, and the ARN of its function."""
    stack = management.begin(name, AccountEmail=email or management.email, **parameters)
    return stack, function_of(stack)


def sent_at_once(send, stack, function, cases):
    """The answers to cases of properties and other parts of the event."""
    with ThreadPoolExecutor(len(cases)) as pool:
        return list(pool.map(lambda case: send(stack, function, case[0], **case[1]), cases))


def test_an_event_with_another_address_stack_or_resource_creates_no_account_while_the_stack_waits(management, send):
    management.organizations.create_organization()
    # No creation is accepted until this is said to be over.
    management.account.settings(refusals={"CreateAccount": ["FinalizingOrganizationException"] * 99})
    stack, function = begun(management)
    other, _ = begun(management, f"other-{management.id}@example.com", "other")
    thief, own = {"Email": "thief@example.com"}, {"Email": management.email}
    cases = [
        (thief, {}, f"the stack gave the function {management.email}"),
        (own, {"StackId": other.id}, "DescribeStackResource was denied"),
        (own, {"StackId": f"{stack.id}0"}, "DescribeStackResource was denied"),
        (own, {"LogicalResourceId": "DevelopmentAccount"}, "no longer waits for DevelopmentAccount"),
        (own, {"LogicalResourceId": "Organization"}, "no longer waits for Organization"),
        ({"AccountId": management.id}, {}, "Spark must run in a member account"),
    ]
    answers = sent_at_once(send, stack, function, cases)
    for (_, changed, why), answer in zip(cases, answers, strict=True):
        assert answer["Status"] == "FAILED" and why in answer["Reason"], changed
    assert management.creations() == []
    management.account.settings(refusals={})
    for one in (stack, other):
        assert one._watch() == "CREATE_COMPLETE"
    assert {one["Email"] for one in management.members()} == {management.email, f"other-{management.id}@example.com"}


def test_an_event_for_a_resource_that_is_complete_creates_no_account(management, send):
    stack = management.created()
    (member,) = management.members()
    # Somebody changed the address of the account, so that no account has the one of the stack any more.
    management.aws.account(member["Id"]).settings(email_address=f"changed-{management.id}@example.com")
    (function,) = management.account.client("lambda").list_functions()["Functions"]
    answer = send(stack, function["FunctionArn"], {"Email": management.email})
    assert answer["Status"] == "FAILED" and "no longer waits for SparkAccount" in answer["Reason"]
    assert len(management.creations()) == 1


def waiting_for_the_development_account(management, **parameters):
    """A stack whose update waits for that account until nothing is refused any more, and its email address."""
    stack, email = management.created(**parameters), f"development-{management.id}@example.com"
    management.account.settings(refusals={"CreateAccount": ["FinalizingOrganizationException"] * 99})
    parameters = management.parameters(DevelopmentAccountEmail=email, **parameters)
    stack.cloudformation.update_stack(**stack._request(organization_template(), parameters))
    until(lambda: "CREATE_IN_PROGRESS" in statuses(stack, "DevelopmentAccount"))
    return stack, email


def test_an_event_for_the_development_account_with_another_address_creates_nothing_while_the_stack_waits(
    management, send
):
    stack, development = waiting_for_the_development_account(management)
    it, thief = {"LogicalResourceId": "DevelopmentAccount"}, {"Email": THIEFS, "AccountName": "orchestera-dev"}
    # The Update of a Create that failed creates, too.
    failed = {"RequestType": "Update", "PhysicalResourceId": "failed/it/it", "OldResourceProperties": {}}
    cases = [
        (thief, it, f"the stack gave the function {development}"),
        (thief, it | failed, f"the stack gave the function {development}"),
        ({"Email": development}, {"LogicalResourceId": "SparkAccount"}, "no longer waits for SparkAccount"),
        ({"Email": development}, {"LogicalResourceId": "ProductionAccount"}, "no longer waits for ProductionAccount"),
        (thief, {"LogicalResourceId": "ProductionAccount"}, "no longer waits for ProductionAccount"),
    ]
    answers = sent_at_once(send, stack, function_of(stack), cases)
    for (_, changed, why), answer in zip(cases, answers, strict=True):
        assert answer["Status"] == "FAILED" and why in answer["Reason"], (changed, answer)
    assert len(management.creations()) == 1
    management.account.settings(refusals={})
    assert stack._watch() == "UPDATE_COMPLETE"
    assert {one["Email"] for one in management.members()} == {management.email, development}


CONTACT_EVENT = {"ResourceType": "Custom::OrchesteraContact", "LogicalResourceId": "ManagementBillingContact"}


def test_an_event_that_names_another_contact_sets_nothing(management, send):
    management.organizations.create_organization()
    management.trust_account_management()
    # A stack that waits for something: for what is complete, nothing is ever set.
    other = CONTACT.replace("billing@", "security@")
    stack, _ = waiting_for_the_development_account(management, BillingContact=CONTACT, SecurityContact=other)
    function, ours = function_of(stack), {"BILLING": OURS, "SECURITY": "security@example.com"}
    (member,) = management.members()
    places = [(kind, account) for kind in ours for account in (management.id, member["Id"])]
    waiting = CONTACT_EVENT | {"LogicalResourceId": "DevelopmentAccount"}

    def set_now():
        return [management.contact(*place) for place in places]

    def of(kind, account, contact=THIEF):
        return {"Kind": kind, "Contact": contact, "AccountId": account, "AccountOwnership": "created"}

    def update(kind, account):
        old = of(kind, account, {"BILLING": CONTACT, "SECURITY": other}[kind])
        made = {"RequestType": "Update", "PhysicalResourceId": f"{account}/{kind}/made"}
        return waiting | made | {"OldResourceProperties": old}

    # The stack's own contacts are there, as the old properties say.
    cases = [(of(*place), update(*place)) for place in places]
    answers = sent_at_once(send, stack, function, cases)
    assert set_now() == [ours[kind] for kind, _ in places]
    for kind, account in places:
        management.aws.account(account).client("account").delete_alternate_contact(AlternateContactType=kind)
    # There is none any more.
    creates = [(of(*place), waiting) for place in places]
    creates += [
        (of("BILLING", ""), CONTACT_EVENT),
        # The contact of another kind.
        (of("SECURITY", "", CONTACT), waiting),
        # The contact is right, and the stack does not wait for it, or is another one.
        (of("BILLING", "", CONTACT), CONTACT_EVENT),
        (of("BILLING", "", CONTACT), waiting | {"StackId": f"{stack.id}0"}),
    ]
    answers += sent_at_once(send, stack, function, creates)
    assert set_now() == [None] * len(places)
    for (_, changed), answer in zip(cases + creates, answers, strict=True):
        assert answer["Status"] == "FAILED", (changed, answer)
    management.account.settings(refusals={})
    assert stack._watch() == "UPDATE_COMPLETE"


def test_a_made_up_delete_of_a_contact_deletes_nothing(management, send):
    management.organizations.create_organization()
    management.trust_account_management()
    stack = management.created(BillingContact=CONTACT)
    (member,) = management.members()
    ours = {"Kind": "BILLING", "Contact": CONTACT}
    delete = CONTACT_EVENT | {"RequestType": "Delete", "PhysicalResourceId": f"{management.id}/BILLING/made"}
    of_the_member = {"LogicalResourceId": "SparkBillingContact", "PhysicalResourceId": f"{member['Id']}/BILLING/made"}
    cases = [
        (ours, delete),
        (ours, delete | {"StackId": f"{stack.id}0"}),
        (ours, delete | {"LogicalResourceId": "Nothing"}),
        (ours | {"AccountId": member["Id"], "AccountOwnership": "created"}, delete | of_the_member),
    ]
    answers = sent_at_once(send, stack, function_of(stack), cases)
    # A Delete never fails.
    assert [answer["Status"] for answer in answers] == ["SUCCESS"] * len(cases)
    assert [management.contact("BILLING", account) for account in (management.id, member["Id"])] == [OURS] * 2
    # The same Delete of the stack itself is served.
    stack.deploy(organization_template(), **management.parameters())
    assert [management.contact("BILLING", account) for account in (management.id, member["Id"])] == [None] * 2


def test_an_event_for_identity_center_changes_nothing_there(management, send):
    management.organizations.create_organization()
    center = Center(management.account)
    ann, eve = center.user("ann"), center.user("eve")
    center.group("admins", ann)
    stack = management.created(SignIn="IdentityCenter", IdentityCenterPrincipal="user:ann")
    (member,) = management.members()
    (arn,) = center.sso.list_permission_sets(InstanceArn=center.arn)["PermissionSets"]

    def everything():
        """Of the instance: permission sets, assignments, users, groups and members."""
        described = center.sso.describe_permission_set(**center.of(arn))["PermissionSet"]
        policies = center.sso.list_managed_policies_in_permission_set(**center.of(arn))["AttachedManagedPolicies"]
        groups = center.store.list_groups(IdentityStoreId=center.store_id)["Groups"]
        members = [
            center.store.list_group_memberships(IdentityStoreId=center.store_id, GroupId=one["GroupId"])
            for one in groups
        ]
        return [
            center.sso.list_permission_sets(InstanceArn=center.arn)["PermissionSets"],
            described,
            policies,
            [center.assignments(account, arn) for account in (management.id, member["Id"])],
            center.store.list_users(IdentityStoreId=center.store_id)["Users"],
            groups,
            [one["GroupMemberships"] for one in members],
        ]

    before = everything()
    assert before[3] == [[ann], [ann]] and eve not in str(before[3])
    event = {"ResourceType": "Custom::OrchesteraIdentityCenter", "LogicalResourceId": "IdentityCenter"}
    asked = {"Principal": "user:eve", "PermissionSet": "Use", "PermissionSetName": "AdministratorAccess"}
    asked |= {"AccountEmail": management.email}
    physical = {"PhysicalResourceId": center.arn}
    cases = [
        (asked, event),
        (asked | {"PermissionSet": "Make", "PermissionSetName": "Thief"}, event),
        (
            asked,
            event | physical | {"RequestType": "Update", "OldResourceProperties": asked | {"Principal": "user:ann"}},
        ),
        (asked, event | physical | {"RequestType": "Delete"}),
    ]
    sent_at_once(send, stack, function_of(stack), cases)
    assert everything() == before
