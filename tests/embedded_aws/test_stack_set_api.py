"""StackSets: which accounts get a stack, with which parameters, and what is refused."""

import dataclasses
import json

import pytest
from saying import TEMPLATE, code_of, said, within

from orchestera_local.stack_set import StackSet


@pytest.fixture
def stack_set(organization):
    return StackSet(organization.management, "it")


def statuses(found):
    return [result["Status"] for result in found.values()]


def test_every_account_of_the_units_and_the_units_in_them_gets_a_stack_and_the_management_account_none(
    organization, unit, join, stack_set
):
    one, two, outside = join(), join(organization.unit("Inner", unit)), join(organization.root)
    organization.move(organization.management, unit)
    stack_set.create(TEMPLATE, {"Text": "good day"})
    assert stack_set.deploy(**within(unit)) == "SUCCEEDED"
    assert [said(a) for a in (one, two, outside, organization.management)] == ["good day", "good day", None, None]
    for account in (one, two):
        instance = stack_set.instances()[account.id]
        assert (instance["Status"], instance["StackInstanceStatus"]["DetailedStatus"]) == ("CURRENT", "SUCCEEDED")
        assert instance["OrganizationalUnitId"] == unit
        (stack,) = account.client("cloudformation").describe_stacks()["Stacks"]
        assert stack["StackId"] == instance["StackId"] and stack["StackName"].startswith("StackSet-it-")
    described = stack_set.cloudformation.describe_stack_set(StackSetName="it")["StackSet"]
    assert described["OrganizationalUnitIds"] == [unit] and described["Regions"] == ["us-east-1"]
    assert described["StackSetId"].startswith("it:")


def test_accounts_are_a_filter_within_the_units(unit, join, stack_set):
    one, two, three = join(), join(), join()
    stack_set.create(TEMPLATE)
    stack_set.deploy(**within(unit, Accounts=[one.id], AccountFilterType="INTERSECTION"))
    assert list(stack_set.instances()) == [one.id]
    stack_set.deploy(**within(unit, Accounts=[two.id], AccountFilterType="DIFFERENCE"))
    assert sorted(stack_set.instances()) == sorted([one.id, three.id])
    stack_set.deploy(**within(unit, AccountFilterType="NONE"))
    assert sorted(stack_set.instances()) == sorted([one.id, two.id, three.id])


def test_targets_that_are_none_are_refused(unit, join, stack_set):
    one = join()
    stack_set.create(TEMPLATE)
    for targets in (
        {"DeploymentTargets": {"Accounts": [one.id]}},
        {"Accounts": [one.id]},
        within(unit, Accounts=[one.id]),
        within(unit, Accounts=[one.id], AccountFilterType="UNION"),
        within(unit, Accounts=[one.id], AccountFilterType="NONE"),
        within(unit, AccountFilterType="DIFFERENCE"),
        within("ou-0000-00000000"),
    ):
        request = {"StackSetName": "it", "Regions": ["us-east-1"]} | targets
        assert code_of(stack_set.cloudformation.create_stack_instances, **request) == "ValidationError", targets
    assert not stack_set.instances() and said(one) is None


def test_a_service_managed_stack_set_takes_no_transform_and_no_nested_stack(stack_set):
    create = stack_set.cloudformation.create_stack_set
    nested = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": "https://s3.amazonaws.com/b/k"}}
    for change in ({"Transform": "AWS::Serverless-2016-10-31"}, {"Resources": {"Nested": nested}}):
        request = {"StackSetName": "it", "TemplateBody": json.dumps(TEMPLATE | change)}
        request["Capabilities"] = ["CAPABILITY_AUTO_EXPAND"]
        assert code_of(create, **request, PermissionModel="SERVICE_MANAGED") == "ValidationError"
        create(**request | {"StackSetName": "self"})
        stack_set.cloudformation.delete_stack_set(StackSetName="self")


def test_a_template_by_its_address_may_be_bigger_than_one_in_a_request(organization, unit, join, stack_set):
    account, big = join(), TEMPLATE | {"Metadata": {"Big": "x" * 60_000}}
    s3, bucket = organization.management.client("s3"), f"of-{organization.management.id}"
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="template.json", Body=json.dumps(big))
    request = {"StackSetName": "it", "TemplateBody": json.dumps(big)}
    assert code_of(stack_set.cloudformation.create_stack_set, **request) == "ValidationError"
    stack_set.create(f"https://{bucket}.s3.us-east-1.amazonaws.com/template.json")
    # The account of the stack need not be able to read it: StackSets hand it on.
    assert stack_set.deploy(**within(unit)) == "SUCCEEDED" and said(account) == "hello"


def test_iam_in_a_template_has_to_be_acknowledged(stack_set):
    role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {}}}
    request = {"StackSetName": "it", "TemplateBody": json.dumps({"Resources": {"Role": role}})}
    create = stack_set.cloudformation.create_stack_set
    assert code_of(create, **request) == "InsufficientCapabilitiesException"
    create(**request, Capabilities=["CAPABILITY_IAM"])


def test_an_update_reaches_every_account_and_overrides_stay(unit, join, stack_set):
    one, two = join(), join()
    stack_set.create(TEMPLATE)
    stack_set.deploy(**within(unit))
    only_two = within(unit, Accounts=[two.id], AccountFilterType="INTERSECTION")
    assert stack_set.override({"Text": "own"}, **only_two) == "SUCCEEDED"
    assert [said(one), said(two)] == ["hello", "own"]
    before = stack_set.instances()
    assert stack_set.update(TEMPLATE, {"Text": "later"}) == "SUCCEEDED"
    assert [said(one), said(two)] == ["later", "own"]
    for account in (one, two):
        assert stack_set.instances()[account.id]["StackId"] == before[account.id]["StackId"]
        (stack,) = account.client("cloudformation").describe_stacks()["Stacks"]
        assert stack["StackStatus"] == "UPDATE_COMPLETE"


def test_an_update_of_some_accounts_leaves_the_others_outdated(unit, join, stack_set):
    one, two = join(), join()
    stack_set.create(TEMPLATE)
    stack_set.deploy(**within(unit))
    only_one = within(unit, Accounts=[one.id], AccountFilterType="INTERSECTION")
    assert stack_set.update(TEMPLATE, {"Text": "later"}, Regions=["us-east-1"], **only_one) == "SUCCEEDED"
    assert [said(one), said(two)] == ["later", "hello"]
    found = [stack_set.instances()[account.id] for account in (one, two)]
    assert [instance["Status"] for instance in found] == ["CURRENT", "OUTDATED"]
    assert [instance["StackInstanceStatus"]["DetailedStatus"] for instance in found] == ["SUCCEEDED", "PENDING"]
    # An update that gives neither template nor parameters makes nobody outdated.
    stack_set.update(TEMPLATE)
    client = stack_set.cloudformation
    client.update_stack_set(StackSetName="it", UsePreviousTemplate=True, Regions=["us-east-1"], **only_one)
    stack_set.settled()
    assert {instance["Status"] for instance in stack_set.instances().values()} == {"CURRENT"}


def test_values_that_are_not_to_be_shown_are_not_shown(stack_set):
    stack_set.create(TEMPLATE, {"Secret": "s3cret", "Text": "shown"})
    parameters = stack_set.cloudformation.describe_stack_set(StackSetName="it")["StackSet"]["Parameters"]
    assert {p["ParameterKey"]: p["ParameterValue"] for p in parameters} == {"Secret": "****", "Text": "shown"}


def test_a_parameter_that_the_template_does_not_have_is_refused(unit, join, stack_set):
    join()
    create = stack_set.cloudformation.create_stack_set
    request = {"StackSetName": "it", "TemplateBody": json.dumps(TEMPLATE)}
    unknown = [{"ParameterKey": "Txet", "ParameterValue": "it"}]
    assert code_of(create, **request, Parameters=unknown) == "ValidationError"
    stack_set.create(TEMPLATE)
    request = {"StackSetName": "it", "Regions": ["us-east-1"], "ParameterOverrides": unknown} | within(unit)
    assert code_of(stack_set.cloudformation.create_stack_instances, **request) == "ValidationError"


def test_it_is_deleted_when_it_has_no_instances_any_more(unit, join, stack_set):
    one, two = join(), join()
    stack_set.create(TEMPLATE)
    stack_set.deploy(**within(unit))
    assert code_of(stack_set.cloudformation.delete_stack_set, StackSetName="it") == "StackSetNotEmptyException"
    only_two = within(unit, Accounts=[two.id], AccountFilterType="INTERSECTION")
    assert stack_set.remove(retain=True, **only_two) == "SUCCEEDED"
    assert [said(one), said(two)] == ["hello", "hello"] and list(stack_set.instances()) == [one.id]
    assert stack_set.remove(**within(unit)) == "SUCCEEDED"
    assert [said(one), said(two)] == [None, "hello"] and not stack_set.instances()
    stack_set.delete()
    assert code_of(stack_set.cloudformation.describe_stack_set, StackSetName="it") == "StackSetNotFoundException"
    stack_set.create(TEMPLATE)


def test_lists_come_in_pages(unit, join, stack_set):
    accounts = [join() for _ in range(3)]
    stack_set.create(TEMPLATE)
    stack_set.deploy(**within(unit))
    page = stack_set.cloudformation.list_stack_instances(StackSetName="it", MaxResults=2)
    assert len(page["Summaries"]) == 2 and page["NextToken"]
    assert sorted(stack_set.instances()) == sorted(account.id for account in accounts)


def test_stack_sets_of_two_organisations_know_nothing_of_each_other(new_account, stack_set):
    stack_set.create(TEMPLATE)
    other = new_account().client("cloudformation")
    assert not other.list_stack_sets()["Summaries"]
    assert code_of(other.describe_stack_set, StackSetName="it") == "StackSetNotFoundException"


def test_who_may_have_a_service_managed_stack_set(organization, unit, join, new_account):
    request = {"TemplateBody": json.dumps(TEMPLATE), "PermissionModel": "SERVICE_MANAGED", "StackSetName": "it"}
    member = join()
    member_client, management = (a.client("cloudformation") for a in (member, organization.management))
    for outsider in (new_account().client("cloudformation"), member_client):
        assert code_of(outsider.create_stack_set, **request) == "ValidationError"
        assert code_of(outsider.create_stack_set, **request, CallAs="DELEGATED_ADMIN") == "ValidationError"
    management.deactivate_organizations_access()
    assert code_of(management.create_stack_set, **request) == "ValidationError"
    management.activate_organizations_access()

    organization.delegate(member)
    assert code_of(member_client.create_stack_set, **request) == "ValidationError"
    delegated = StackSet(member, "it", CallAs="DELEGATED_ADMIN")
    delegated.create(TEMPLATE)
    assert delegated.deploy(**within(unit)) == "SUCCEEDED" and said(member) == "hello"
    # It lives in the management account, which sees it.
    assert [s["StackSetName"] for s in management.list_stack_sets()["Summaries"]] == ["it"]
    assert not member_client.list_stack_sets()["Summaries"]
    assert delegated.remove(**within(unit)) == "SUCCEEDED"
    delegated.delete()


def test_a_self_managed_stack_set_needs_a_role_here_that_a_role_there_lets_in(account, new_account):
    stack_set, target = StackSet(account, "it"), new_account()
    stack_set.create(TEMPLATE, PermissionModel="SELF_MANAGED")
    here, there = account.client("iam"), target.client("iam")
    administration, execution = (f"AWSCloudFormationStackSet{kind}Role" for kind in ("Administration", "Execution"))

    def document(**statement):
        return json.dumps(
            {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole"} | statement]}
        )

    def refused(role):
        assert stack_set.deploy(Accounts=[target.id]) == "FAILED"
        assert f"'{role}' role with trust" in stack_set.instances()[target.id]["StatusReason"]

    refused(administration)
    service = document(Principal={"Service": "cloudformation.amazonaws.com"})
    here.create_role(RoleName=administration, AssumeRolePolicyDocument=service)
    refused(execution)
    there.create_role(RoleName=execution, AssumeRolePolicyDocument=document(Principal={"AWS": account.id}))
    refused(execution)
    right = document(Resource=f"arn:aws:iam::*:role/{execution}")
    here.put_role_policy(RoleName=administration, PolicyName="it", PolicyDocument=right)
    assert stack_set.deploy(Accounts=[target.id]) == "SUCCEEDED" and said(target) == "hello"
    there.update_assume_role_policy(RoleName=execution, PolicyDocument=service)
    assert stack_set.update(TEMPLATE, {"Text": "later"}) == "FAILED" and said(target) == "hello"
    there.update_assume_role_policy(RoleName=execution, PolicyDocument=document(Principal={"AWS": account.id}))
    assert stack_set.remove(Accounts=[target.id]) == "SUCCEEDED" and said(target) is None
    stack_set.delete()


def test_a_call_is_judged_on_the_arn_of_its_stack_set(organization, stack_set):
    stack_set.create(TEMPLATE)
    StackSet(organization.management, "other").create(TEMPLATE)
    iam = organization.management.client("iam")
    iam.create_user(UserName="somebody")
    arn = f"arn:aws:cloudformation:us-east-1:{organization.management.id}:stackset/it:*"
    statement = {"Effect": "Allow", "Action": "cloudformation:*StackSet*", "Resource": arn}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName="somebody", PolicyName="it", PolicyDocument=document)
    key = iam.create_access_key(UserName="somebody")["AccessKey"]
    credentials = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    client = dataclasses.replace(organization.management, credentials=credentials).client("cloudformation")
    assert client.describe_stack_set(StackSetName="it")["StackSet"]["StackSetARN"].startswith(arn[:-1])
    assert code_of(client.describe_stack_set, StackSetName="other") == "AccessDenied"
    # These two are judged on no StackSet.
    assert code_of(client.list_stack_sets) == "AccessDenied"
    assert code_of(client.create_stack_set, StackSetName="it") == "AccessDenied"
