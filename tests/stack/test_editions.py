"""Every edition in policies/, with the names that AWS knows. Adding one is a file there and a line in src/policy.rs."""

import collections
import fnmatch
import json

import cfnlint.api
import pytest
from policy_sentry.querying.actions import get_actions_for_service
from under_test import tags_of

from orchestera_local import permissions
from orchestera_local.permissions import EDITIONS

# IAM: characters of a managed policy, white space not counted.
LONGEST_POLICY = 6144

FIRST, NEWEST = EDITIONS[0], EDITIONS[-1]


@pytest.fixture(params=EDITIONS)
def document(request):
    return permissions.edition(request.param)


def test_the_document_is_a_policy_by_iams_grammar(document):
    template = {
        "Resources": {"Policy": {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": document}}}
    }
    assert cfnlint.api.lint_all(json.dumps(template)) == []


def test_the_grammar_would_notice(document):
    document["Statement"][0]["Efect"] = document["Statement"][0].pop("Effect")
    template = {
        "Resources": {"Policy": {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": document}}}
    }
    assert cfnlint.api.lint_all(json.dumps(template)) != []


def test_the_document_is_within_iams_limit(document):
    assert len(json.dumps(document, separators=(",", ":"))) <= LONGEST_POLICY


def test_no_permission_is_named_twice(document):
    twice = [pair for pair, times in collections.Counter(permissions.granted(document)).items() if times > 1]
    assert twice == []


def test_every_action_exists(document):
    for action, _ in permissions.granted(document):
        known = get_actions_for_service(action.split(":")[0])
        assert any(fnmatch.fnmatchcase(one.lower(), action.lower()) for one in known), action


def test_a_move_between_editions_shows_in_the_log_as_permissions_added_and_removed(account, stack, access, template):
    stack.deploy(template, PolicyEdition=FIRST)
    stack.deploy(template, PolicyEdition=NEWEST)
    # One more event: the log of an invocation is written when it has ended, a moment after its answer.
    stack.deploy(template, PolicyEdition=NEWEST, OnExisting="Fail")
    logs = account.client("logs")
    (group,) = logs.describe_log_groups()["logGroups"]
    lines = [event["message"] for event in logs.filter_log_events(logGroupName=group["logGroupName"])["events"]]
    moves = [json.loads(line) for line in lines if "permissions change" in line]
    (move,) = moves
    added, removed, covered = permissions.difference(*(permissions.edition(edition) for edition in (FIRST, NEWEST)))

    def texts(actions):
        return {f"{action} on {resource}" for action, resources in actions.items() for resource in resources}

    assert set(move["added"].split(", ")) == texts(added)
    assert set(move["removed"].split(", ")) == texts(removed) | texts(covered)


def test_the_edition_and_its_hash_stand_on_the_objects(stack, access, template):
    before = stack.deploy(template, PolicyEdition=FIRST) and tags_of(access.policy())
    after = stack.deploy(template, PolicyEdition=NEWEST) and tags_of(access.policy())
    assert (before["orchestera:policy-edition"], after["orchestera:policy-edition"]) == (FIRST, NEWEST)
    assert before["orchestera:policy-sha256"] != after["orchestera:policy-sha256"]
    assert tags_of(access.role()) == after
