"""Whether a function has done the work, told from what it left in IAM and what it answered."""

import json

from orchestera_bench.stage import signature
from orchestera_bench.stage.environment import Broken
from orchestera_bench.stage.iam import SECRET_KEY
from orchestera_bench.stage.world import ROOT

PLATFORM = "017059471480"
WRITES = {"CreatePolicy", "CreateRole", "AttachRolePolicy"}


def equal(there, wanted, what):
    if there != wanted:
        raise Broken(f"{what} is\n  {json.dumps(there)}\nand should be\n  {json.dumps(wanted)}")


def prove(iam, account_id, invocation, earlier_calls=0):
    """Raises `Broken` unless role, policy and answer are right and every call was signed, those of before left out."""
    event, properties = invocation.event, invocation.event["ResourceProperties"]
    account = iam.account(account_id)
    role_name, policy_name = properties["RoleName"], properties["PolicyName"]
    policy_arn = f"arn:aws:iam::{account_id}:policy/{policy_name}"
    if role_name not in account.roles or policy_arn not in account.policies:
        refused = [f"{call.operation}: {call.refused}" for call in iam.calls if call.refused]
        raise Broken(f"there are {[*account.roles, *account.policies]}; refused were {refused}")
    role = account.roles[role_name]
    answer = answer_of(invocation)
    external_id = answer.get("Data", {}).get("ExternalId", "")
    if len(external_id) < 16:
        raise Broken(f"the answer holds no external id: {answer}")
    equal(json.loads(role["trust"]), trust(external_id), "the trust")
    edition = ROOT / "policies" / f"{properties['PolicyEdition']}.json"
    equal(json.loads(account.policies[policy_arn]["document"]), json.loads(edition.read_text()), "the policy")
    equal(role["attached"], [policy_arn], "what is attached")
    equal(answer["Data"].get("RoleArn"), f"arn:aws:iam::{account_id}:role/{role_name}", "RoleArn")
    equal(answer["Status"], "SUCCESS", "Status")
    for name in ("StackId", "RequestId", "LogicalResourceId"):
        equal(answer[name], event[name], name)
    calls = iam.calls[earlier_calls:]
    for call in calls:
        if not signature.is_right(call.request, SECRET_KEY):
            raise Broken(f"{call.operation} is not signed as AWS wants it")
    done = [call.operation for call in calls if call.account == account_id and not call.refused]
    equal(sorted(WRITES.intersection(done)), sorted(WRITES), "what was called")


def answer_of(invocation):
    equal(len(invocation.answers), 1, "the number of answers")
    answer = json.loads(invocation.answers[0].body)
    if not 0 < len(answer.get("PhysicalResourceId", "")) <= 1024:
        raise Broken(f"the answer has no PhysicalResourceId: {answer}")
    return answer


def trust(external_id):
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{PLATFORM}:root"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"sts:ExternalId": external_id}},
    }
    return {"Version": "2012-10-17", "Statement": [statement]}
