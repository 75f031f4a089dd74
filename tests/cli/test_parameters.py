"""The parameters of `template.yaml`, as `orchestera plan` has them, and the properties that they become.

The properties are compared with those that CloudFormation sends for the same template.
"""

import itertools
import json

import playing
import pytest
from botocore.exceptions import ClientError

from orchestera_local.stack import ACCESS, CAPABILITIES, Stack, template

TEMPLATE = template()
PARAMETERS = TEMPLATE["Parameters"]
# Of the resource's properties, what the function does not read, so that `plan` does not show it: whom CloudFormation
# asks and how long it waits, what makes it send an update, and what orders the resources.
NOT_READ = {"ServiceToken", "ServiceTimeout", "Release", "DriftSchedule", "Alarms"}
MASKED = "****"
EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
ROLE = "OrganizationAccountAccessRole"
# The second is of another account, which nobody here can read. The third is there: see `member`.
BOUNDARIES = [
    {},
    {"PermissionsBoundaryArn": "arn:aws:iam::123456789012:policy/teams/Boundary"},
    {"PermissionsBoundaryName": "teams/Boundary"},
]
FUNCTION_BOUNDARIES = [
    {},
    {"FunctionPermissionsBoundaryArn": "arn:aws:iam::123456789012:policy/Boundary"},
    {"FunctionPermissionsBoundaryName": "Boundary"},
]
BOTH = [BOUNDARIES[1] | BOUNDARIES[2]], [FUNCTION_BOUNDARIES[1] | FUNCTION_BOUNDARIES[2]]
EXTERNAL_IDS = [
    {"RequireExternalId": required, "ExternalId": given}
    for required in ("true", "false")
    for given in ("", "given@2026")
]
# Every tag that the parameter may hold, and the topic of the alarms. Neither decides with which other properties.
TAGS_AND_ALARMS = {
    "Tags": "Team=Data,Formula=a=b,blank=,Cost Center=1,e=5",
    "AlarmTopicArn": "arn:aws:sns:us-east-1:111122223333:Alarms",
}
OF_TAGS_AND_ALARMS = {"HasAlarms", "HasDriftAlarms", *(f"HasTag{number}" for number in range(1, 6))}
# By condition of the template: the values of its parameters on both sides.
OTHERS = {
    "Adopts": [{"OnExisting": "Adopt"}, {"OnExisting": "Fail"} | TAGS_AND_ALARMS],
    "ChecksDrift": [{"DriftCheck": "Report"}, {"DriftCheck": "Off"}],
    "IsNewAccount": [{"NewAccount": "false"}, {"NewAccount": "true"}],
}


def rules():
    """The name of the rule, and its sentence, of each assertion."""
    for name, rule in TEMPLATE["Rules"].items():
        for assertion in rule["Assertions"]:
            yield name, assertion["AssertDescription"]


SENTENCES = [sentence for name, sentence in rules() if name != "ServedRegion"]


def sets(parameters):
    return [word for name, value in parameters.items() for word in ("--set", f"{name}={value}")]


def said(answer):
    """The error."""
    (line,) = [line for line in answer.stderr.splitlines() if line.startswith("orchestera: ")]
    return line.removeprefix("orchestera: ")


def allowed(parameter):
    if "AllowedValues" in parameter:
        return " ".join(map(str, parameter["AllowedValues"]))
    if "AllowedPattern" in parameter:
        return parameter["AllowedPattern"]
    return f"{parameter['MinValue']} to {parameter['MaxValue']}"


def test_the_table_of_parameters_is_that_of_the_template(orchestera, account):
    answer = orchestera(account, "plan", "--show-parameters", "--output", "json")
    shown = json.loads(answer.stdout)["parameters"]
    assert [(one["parameter"], one["default"], one["allowed"]) for one in shown] == [
        (name, str(parameter["Default"]), allowed(parameter)) for name, parameter in PARAMETERS.items()
    ]
    # Those that are properties under the same name, and with the same value.
    properties = TEMPLATE["Resources"][ACCESS]["Properties"]
    same = {name for name, value in properties.items() if value == {"Ref": name} and name in PARAMETERS}
    assert {one["parameter"]: one["property"] for one in shown if one["property"]} == {name: name for name in same}


def test_every_parameter_has_values_that_are_compared():
    """One that has neither values, nor a pattern, nor both limits would be none of these."""
    for name, parameter in PARAMETERS.items():
        kinds = parameter.keys() & {"AllowedValues", "AllowedPattern", "MinValue"}
        assert len(kinds) == 1 and ("MinValue" in parameter) == ("MaxValue" in parameter), name
        assert not parameter.keys() & {"MinLength", "MaxLength"}, name


@pytest.mark.parametrize("name", [name for name, parameter in PARAMETERS.items() if "AllowedPattern" in parameter])
def test_a_value_that_does_not_match_gets_the_templates_sentence(orchestera, account, name):
    answer = orchestera(account, "plan", "--set", f"{name}=*!")
    assert (answer.returncode, said(answer)) == (2, f"{name}: {PARAMETERS[name]['ConstraintDescription']}")


@pytest.mark.parametrize("name", [name for name, parameter in PARAMETERS.items() if "AllowedPattern" not in parameter])
def test_a_value_that_is_not_among_those_allowed_is_refused(orchestera, account, name):
    parameter = PARAMETERS[name]
    least, most = parameter.get("MinValue"), parameter.get("MaxValue")
    for value in (least - 1, most + 1, "many") if least else ("neither",):
        answer = orchestera(account, "plan", "--set", f"{name}={value}")
        assert answer.returncode == 2 and said(answer).startswith(f"{name} must be "), value
    for value in (least, most) if least else parameter["AllowedValues"]:
        answer = orchestera(account, "plan", "--set", f"{name}={value}")
        assert answer.returncode == 0, (value, answer.stderr)


def refusals(parameters):
    """The sentences of the template's rules that these break."""
    guarded = parameters.get("Guardrail") == "On"
    names = {"PermissionsBoundaryArn", "PermissionsBoundaryName"} & parameters.keys()
    functions = {"FunctionPermissionsBoundaryArn", "FunctionPermissionsBoundaryName"} & parameters.keys()
    unused = parameters["RequireExternalId"] == "false" and parameters["ExternalId"]
    broken = [
        unused,
        guarded and names,
        guarded and parameters.get("MemberAccountId"),
        len(names) == 2,
        len(functions) == 2,
    ]
    return [sentence for sentence, is_broken in zip(SENTENCES, broken, strict=True) if is_broken]


def choices(member):
    """Every combination of what the rules are about."""
    for guardrail, boundary, member_id, external_id, function_boundary in itertools.product(
        ("Off", "On"), BOUNDARIES + BOTH[0], ("", member), EXTERNAL_IDS, FUNCTION_BOUNDARIES + BOTH[1]
    ):
        where = {"MemberAccountId": member_id} if member_id else {}
        yield {"Guardrail": guardrail, **boundary, **where, **external_id, **function_boundary}


class Sent:
    """The template's own parameters, rules, conditions and resource, before a function that keeps what it is sent."""

    def __init__(self, account, name="orchestera-access"):
        self.account = account
        function = playing.function(account)
        access = json.loads(json.dumps(TEMPLATE["Resources"][ACCESS]))
        access["Properties"] |= {"ServiceToken": function, "Events": playing.bucket(account), "Play": "{}"}
        del access["DependsOn"]
        guardrail = TEMPLATE["Resources"]["GuardrailBoundary"]
        schedule = {"Type": "AWS::CloudFormation::WaitConditionHandle", "Condition": "ChecksDrift"}
        parts = {name: TEMPLATE[name] for name in ("Parameters", "Rules", "Conditions")}
        resources = {ACCESS: access, "GuardrailBoundary": guardrail, "DriftSchedule": schedule}
        outputs = {"GuardrailArn": TEMPLATE["Outputs"]["GuardrailArn"]}
        self.template = json.dumps({**parts, "Resources": resources, "Outputs": outputs})
        self.stack, self.event = Stack(account, name), None

    def of(self, parameters):
        """The properties that were sent last, when the stack has these parameters."""
        self.stack.deploy(self.template, **parameters)
        s3, bucket = self.account.client("s3"), playing.bucket(self.account)
        keys = sorted(item["Key"] for item in s3.list_objects_v2(Bucket=bucket).get("Contents", []))
        kept = [json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read()) for key in keys]
        for key in keys:
            s3.delete_object(Bucket=bucket, Key=key)
        # Where nothing of the resource changes, there is no event, and the last one still holds.
        self.event = next((one for one in kept if "ResourceProperties" in one), self.event)
        return {
            name: value
            for name, value in self.event["ResourceProperties"].items()
            if name not in NOT_READ | {"Events", "Play"}
        }


def shown(orchestera, account, *arguments):
    """The properties that `plan` shows, whatever it says of them."""
    answer = orchestera(account, "plan", "--output", "json", *arguments)
    assert answer.returncode in (0, 1), answer.stderr
    return json.loads(answer.stdout)["properties"]


def masked(properties):
    """As CloudFormation shows a parameter with NoEcho."""
    return properties | {"ExternalId": MASKED if properties["ExternalId"] else ""}


@pytest.fixture
def member(new_account, account):
    """A member account that the account may enter. In both is the boundary of `BOUNDARIES`."""
    member = new_account()
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account.id}:root"}, "Action": "sts:AssumeRole"}
    iam = member.client("iam")
    iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}))
    iam.attach_role_policy(RoleName=ROLE, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    for one in (account, member):
        one.client("iam").create_policy(PolicyName="Boundary", Path="/teams/", PolicyDocument=json.dumps(EVERYTHING))
    return member


@pytest.mark.parametrize("guardrail", ["Off", "On"])
def test_what_breaks_a_rule_gets_the_templates_sentences_and_cloudformation_refuses_it_too(
    orchestera, account, member, guardrail
):
    provoked = set()
    template = Sent(account).template
    cloudformation = account.client("cloudformation")
    for parameters in choices(member.id):
        if parameters["Guardrail"] != guardrail or not (expected := refusals(parameters)):
            continue
        answer = orchestera(account, "plan", *sets(parameters))
        assert (answer.returncode, said(answer)) == (2, " ".join(expected)), parameters
        provoked.update(expected)
        with pytest.raises(ClientError) as refused:
            keys = [{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()]
            cloudformation.create_stack(
                StackName="refused", TemplateBody=template, Parameters=keys, Capabilities=CAPABILITIES
            )
        assert expected[0] in str(refused.value), parameters
    of_a_guardrail = set(SENTENCES[1:3])
    assert provoked == (set(SENTENCES) if guardrail == "On" else set(SENTENCES) - of_a_guardrail)


def test_the_regions_are_those_of_the_template(orchestera, account):
    (assertion,) = TEMPLATE["Rules"]["ServedRegion"]["Assertions"]
    (served, _) = assertion["Assert"]["Fn::Contains"]
    for region in ["eu-west-1", *served]:
        answer = orchestera(account, "plan", "--region", region)
        assert (answer.returncode == 0) == (region in served), region
    assert said(orchestera(account, "plan", "--region", "eu-west-1")) == (
        f"The Region is eu-west-1, and the Orchestera platform serves {', '.join(served)} only. "
        f"Add --region {served[0]}."
    )


def test_the_combinations_are_of_every_condition_of_the_template():
    known = {"IsGuarded", "HasBoundary", "BoundaryIsNamed", "InMemberAccount", "AsksForExternalId"}
    known |= {"FunctionHasBoundary", "FunctionBoundaryIsNamed"} | OTHERS.keys() | OF_TAGS_AND_ALARMS
    assert TEMPLATE["Conditions"].keys() == known


# The last three decide nothing of the properties that the function reads, which has to be seen too.
@pytest.mark.parametrize(
    "others",
    itertools.product(*OTHERS.values()),
    ids=lambda others: "-".join(next(iter(one.values())) for one in others),
)
def test_plan_shows_the_properties_that_cloudformation_sends(orchestera, account, member, others):
    sent = Sent(account)
    new = ["--stack-name", "there-is-none"]
    placeholder = f"arn:aws:iam::{account.id}:policy/orchestera-guardrail/ID-OF-THE-STACK/GuardrailBoundary"
    compared = 0
    for parameters in (one for one in choices(member.id) if not refusals(one)):
        compared += 1
        parameters = parameters | {name: value for choice in others for name, value in choice.items()}
        properties = sent.of(parameters)
        of_existing = shown(orchestera, account, *sets({"ExternalId": parameters["ExternalId"]}))
        assert of_existing == masked(properties), parameters
        if parameters["Guardrail"] == "On":
            # Only the stack knows the ARN of the boundary that it creates.
            assert properties["PermissionsBoundaryArn"] == sent.stack.outputs()["GuardrailArn"]
            properties["PermissionsBoundaryArn"] = placeholder
        assert shown(orchestera, account, *new, *sets(parameters)) == masked(properties), parameters
    # 3 boundaries without a guardrail in 2 accounts, or the guardrail; 3 external ids; 3 boundaries of the function.
    assert compared == (3 * 2 + 1) * 3 * 3


def test_a_parameter_that_is_a_property_has_its_value_there(orchestera, account, member):
    sent = Sent(account)
    values = {
        "PolicyEdition": "2026-02-06",
        "MaxSessionDuration": "43200",
        "AccessState": "Suspended",
        "OnDelete": "Retain",
        "DriftCheck": "Repair",
        "MemberRoleName": "Another",
        "LogRetentionInDays": "7",
    }
    of_defaults = sent.of({})
    assert shown(orchestera, account, "--stack-name", "there-is-none") == of_defaults
    for name, value in values.items():
        properties = sent.of({name: value})
        assert (properties.get(name) == value) == (name not in ("DriftCheck", "LogRetentionInDays")), name
        assert shown(orchestera, account) == properties, name
        assert shown(orchestera, account, "--stack-name", "there-is-none", *sets({name: value})) == properties, name
