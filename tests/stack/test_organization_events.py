"""The organization function serves the events of its own stack alone: one that somebody sends it creates no account."""

import json
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3
import botocore.config
import pytest
from management import Management

from orchestera_local.aws import REGION


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
    account = management.account
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


def begun(management, email=None, name="orchestera-organization"):
    """A stack that waits for its account, which cannot be created yet, and the ARN of its function."""
    stack = management.begin(name, AccountEmail=email or management.email)
    resources = stack.cloudformation.list_stack_resources(StackName=stack.id)["StackResourceSummaries"]
    names = {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in resources}
    function = management.account.client("lambda").get_function(FunctionName=names["OrganizationFunction"])
    return stack, function["Configuration"]["FunctionArn"]


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
    with ThreadPoolExecutor(len(cases)) as pool:
        answers = pool.map(lambda case: send(stack, function, case[0], **case[1]), cases)
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
