"""What an edition grants, read by ourselves, and tried out on a session."""

import fnmatch
import json
from pathlib import Path

import botocore.session
from botocore.exceptions import ClientError

POLICIES = Path(__file__).parents[2] / "policies"
# The names of the editions, the oldest first. The trust policies lie beside them.
EDITIONS = sorted(path.stem for path in POLICIES.glob("[0-9]*.json"))
DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
# The most actions in one call of SimulatePrincipalPolicy; our own limit.
BATCH = 500

# Buckets that the customer has: a call about one that does not exist is answered before it is judged. No two accounts
# can have one of the same name.
BUCKETS = ("orchestera-sh-logs-{account}", "payroll-{account}")
# What a call is judged as, on which resource, and what it asks for.
CALLS = [
    ("ec2:DescribeVpcs", "*", "ec2", {}),
    ("ec2:DeleteVpc", "*", "ec2", {"VpcId": "vpc-00000000"}),
    ("eks:ListClusters", "*", "eks", {}),
    ("cloudformation:DescribeStacks", "*", "cloudformation", {}),
    ("sqs:ListQueues", "*", "sqs", {}),
    ("ssm:GetParameter", "*", "ssm", {"Name": "/none"}),
    ("ssm:DescribeParameters", "*", "ssm", {}),
    ("iam:GetRole", "*", "iam", {"RoleName": "none"}),
    ("iam:ListInstanceProfiles", "*", "iam", {}),
    ("iam:UntagPolicy", "*", "iam", {"PolicyArn": "arn:aws:iam::111122223333:policy/none", "TagKeys": ["none"]}),
    ("iam:ListUsers", "*", "iam", {}),
    ("iam:CreateAccessKey", "*", "iam", {"UserName": "none"}),
    ("iam:DeleteUser", "*", "iam", {"UserName": "none"}),
    ("s3:CreateBucket", "arn:aws:s3:::orchestera-sh-logs-{account}", "s3", {"Bucket": "orchestera-sh-logs-{account}"}),
    (
        "s3:PutObject",
        "arn:aws:s3:::orchestera-sh-logs-{account}/a",
        "s3",
        {"Bucket": "orchestera-sh-logs-{account}", "Key": "a"},
    ),
    ("s3:PutObject", "arn:aws:s3:::payroll-{account}/a", "s3", {"Bucket": "payroll-{account}", "Key": "a"}),
    ("s3:DeleteBucket", "arn:aws:s3:::payroll-{account}", "s3", {"Bucket": "payroll-{account}"}),
    ("dynamodb:ListTables", "*", "dynamodb", {}),
    ("lambda:ListFunctions", "*", "lambda", {}),
    ("kms:ListKeys", "*", "kms", {}),
    ("secretsmanager:ListSecrets", "*", "secretsmanager", {}),
    ("logs:DescribeLogGroups", "*", "logs", {}),
    ("rds:DescribeDBInstances", "*", "rds", {}),
    ("organizations:ListAccounts", "*", "organizations", {}),
]


def edition(name):
    """The document of an edition."""
    return json.loads((POLICIES / f"{name}.json").read_text())


def granted(document):
    """Pairs of an action and a resource, both with wildcards, that a document of Allow statements grants."""
    pairs = []
    for statement in document["Statement"]:
        # Anything else in an edition would need more than this reading.
        assert statement.keys() <= {"Sid", "Effect", "Action", "Resource"} and statement["Effect"] == "Allow", statement
        pairs += [
            (action, resource) for action in as_list(statement["Action"]) for resource in as_list(statement["Resource"])
        ]
    return pairs


def grants(document, action, resource):
    """Whether the document grants the action on the resource. Actions know no case; resources do."""
    return any(
        fnmatch.fnmatchcase(action.lower(), granted_action.lower()) and fnmatch.fnmatchcase(resource, granted_resource)
        for granted_action, granted_resource in granted(document)
    )


def difference(old, new):
    """What `new` grants and `old` did not name, and what `old` named and `new` does not, each `{action: resources}`.

    The third is what `new` names no longer because something else in it covers it.
    """
    before, after = set(granted(old)), set(granted(new))
    gone = before - after
    covered = {pair for pair in gone if grants(new, *pair)}
    return _by_action(after - before), _by_action(gone - covered), _by_action(covered)


def _by_action(pairs):
    actions = {}
    for action, resource in sorted(pairs):
        actions.setdefault(action, []).append(resource)
    return actions


def is_allowed(call, **request):
    """Whether a call gets past authorization. That what it asks for is not there, or not valid, comes after it."""
    try:
        call(**request)
    except ClientError as error:
        return error.response["Error"]["Code"] not in DENIED
    return True


def make_buckets(account):
    """The buckets that the calls are about."""
    for bucket in BUCKETS:
        account.client("s3").create_bucket(Bucket=bucket.format(account=account.id))


def try_calls(session):
    """Makes every one of `CALLS` and yields the action, the resource, and whether it was allowed."""
    for action, resource, service, request in CALLS:
        resource = resource.format(account=session.id)
        request = {
            key: value.format(account=session.id) if isinstance(value, str) else value for key, value in request.items()
        }
        client, name = session.client(service), action.split(":")[1]
        method = next(method for method, operation in client.meta.method_to_api_mapping.items() if operation == name)
        yield action, resource, is_allowed(getattr(client, method), **request)


def every_action():
    """The operations that AWS's SDK knows, as the actions of the same name. Not every action has an operation."""
    session = botocore.session.get_session()
    loader = session.get_component("data_loader")
    actions = set()
    for service in session.get_available_services():
        model = loader.load_service_model(service, "service-2")
        prefix = model["metadata"].get("signingName") or model["metadata"]["endpointPrefix"]
        actions |= {f"{prefix}:{operation}" for operation in model["operations"]}
    return sorted(actions)


def simulate(account, role_arn, actions, resource="*"):
    """Those of the actions that IAM's policy simulator allows the role on a resource: by default, on every one."""
    iam, allowed = account.client("iam"), set()
    for start in range(0, len(actions), BATCH):
        answer = iam.simulate_principal_policy(
            PolicySourceArn=role_arn, ActionNames=actions[start : start + BATCH], ResourceArns=[resource]
        )
        allowed |= {
            result["EvalActionName"] for result in answer["EvaluationResults"] if result["EvalDecision"] == "allowed"
        }
    return allowed


def simulate_document(account, document, action, resource="*", context=None):
    """What IAM's simulator decides by one document: allowed, implicitDeny or explicitDeny.

    For what no call can show here. `context` has the values of condition keys, one string each.
    """
    (result,) = account.client("iam").simulate_custom_policy(
        PolicyInputList=[json.dumps(document)],
        ActionNames=[action],
        ResourceArns=[resource],
        ContextEntries=[
            {"ContextKeyName": key, "ContextKeyValues": [value], "ContextKeyType": "string"}
            for key, value in (context or {}).items()
        ],
    )["EvaluationResults"]
    return result["EvalDecision"]


def as_list(value):
    return value if isinstance(value, list) else [value]
