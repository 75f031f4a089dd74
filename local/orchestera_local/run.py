"""`make run`: the stack's whole life on an embedded AWS, every claim of the README shown. Ends with 0 if each held."""

import json
import sys
import time

from orchestera_local import guide, inventory, orchestera_platform, permissions
from orchestera_local.aws import EmbeddedAws
from orchestera_local.page import BAD, GOOD, PLAIN, Page, end_with_the_terminal
from orchestera_local.permissions import is_allowed
from orchestera_local.stack import ACCESS, Failed, Stack, template
from orchestera_release.command_line import parser

CUSTOMER = "111122223333"
STRANGER = "999988887777"
HANDMADE = "444455556666"
EDITIONS = ("2025-09-29", "2026-02-06")


def who_may_assume(page, aws, outputs):
    """Shows the four proofs. Returns the platform's session."""
    platform = orchestera_platform.caller(aws)
    stranger = orchestera_platform.caller(aws, STRANGER)
    role, external_id = outputs["RoleArn"], outputs["ExternalId"]
    session = orchestera_platform.session(platform, role, external_id)
    page.claim(
        f"the platform's account {orchestera_platform.PLATFORM} with the external id: allowed", session is not None
    )
    denied = [
        ("the platform's account without an external id", platform, None),
        ("the platform's account with a wrong external id", platform, "0" * 32),
        (f"another account, {STRANGER}, with the right external id", stranger, external_id),
    ]
    for who, caller, given in denied:
        page.claim(f"{who}: denied", orchestera_platform.session(caller, role, given) is None)
    return session


def what_the_session_may_do(page, customer, session, role_arn, document, actions):
    for action, resource, allowed in permissions.try_calls(session):
        expected = permissions.grants(document, action, resource)
        on = "" if resource == "*" else f" on {resource}"
        page.claim(f"{action}{on}: {'allowed' if expected else 'denied'}", allowed == expected)
    allowed = permissions.simulate(customer, role_arn, actions)
    expected = {action for action in actions if permissions.grants(document, action, "*")}
    page.claim(
        f"of the {len(actions)} operations that AWS's SDK knows, IAM's policy simulator allows {len(allowed)}: "
        "what the edition names, and nothing beside it",
        allowed == expected,
    )


def what_came_out(page, customer, outputs):
    iam = customer.client("iam")
    name = outputs["RoleArn"].split("/")[-1]
    role = iam.get_role(RoleName=name)["Role"]
    policy = iam.get_policy(PolicyArn=outputs["PolicyArn"])["Policy"]
    document = iam.get_policy_version(PolicyArn=policy["Arn"], VersionId=policy["DefaultVersionId"])["PolicyVersion"][
        "Document"
    ]
    page.say(f"the trust of {name}")
    page.json(role["AssumeRolePolicyDocument"])
    page.say(f"the policy {policy['PolicyName']}, version {policy['DefaultVersionId']}")
    for statement in document["Statement"]:
        page.say(f"  {statement['Effect']} on {statement['Resource']}")
        page.say("    " + "\n    ".join(statement["Action"]))
    page.say("the tags that say whose they are")
    for tag in role["Tags"]:
        page.say(f"  {tag['Key']} = {tag['Value']}")
    attached = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    page.claim(
        "the policy is attached to the role, and no other is", [one["PolicyArn"] for one in attached] == [policy["Arn"]]
    )
    page.claim(
        f"the policy is the edition {outputs['PolicyEdition']}, as in policies/",
        document == permissions.edition(outputs["PolicyEdition"]),
    )
    return document


def kill_switch(page, aws, stack, session, outputs):
    """Suspends and lets in again, with the session that is open from before."""
    iam = stack.account.client("iam")
    platform = orchestera_platform.caller(aws)
    role, external_id = outputs["RoleArn"], outputs["ExternalId"]
    name = role.split("/")[-1]

    def trust():
        return iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]

    before = trust()
    page.scene("The kill switch: AccessState = Suspended")
    stack.deploy(template(), PolicyEdition=EDITIONS[1], AccessState="Suspended")
    statement = trust()["Statement"][-1]
    page.say(f"the trust has one more statement: {json.dumps(statement)}")
    page.claim("the platform can open no session", orchestera_platform.session(platform, role, external_id) is None)
    allowed = [action for action, _, allowed in permissions.try_calls(session) if allowed]
    page.claim("the session that is open from before can do nothing any more", not allowed)
    undo = is_allowed(session.client("iam").delete_role_policy, RoleName=name, PolicyName="OrchesteraSuspended")
    page.claim("nor can it undo this", not undo)

    page.scene("AccessState = Active again")
    stack.deploy(template(), PolicyEdition=EDITIONS[1])
    page.claim("the trust is what it was", trust() == before)
    page.claim("the open session works again", is_allowed(session.client("ec2").describe_vpcs))


def life_of_a_stack(page, aws):
    customer = aws.account(CUSTOMER)
    permissions.make_buckets(customer)
    before = inventory.of(customer)
    stack = Stack(customer, on_event=page.event)

    page.scene(f"Deploy template.yaml as the stack {stack.name} in account {CUSTOMER}")
    outputs = stack.deploy(template(), PolicyEdition=EDITIONS[0])
    page.say("Outputs, as the customer finds them:")
    for key, value in outputs.items():
        page.say(f"  {key:<15}{value}")
    page.claim("role, trust and policy were read back as wanted", outputs["Verified"] == "true")

    page.scene("What came out")
    old = what_came_out(page, customer, outputs)

    page.scene("Who may assume the role")
    session = who_may_assume(page, aws, outputs)

    page.scene(f"What that session may do, with edition {EDITIONS[0]}")
    actions = permissions.every_action()
    what_the_session_may_do(page, customer, session, outputs["RoleArn"], old, actions)

    page.scene(f"Update the stack to edition {EDITIONS[1]}")
    access = stack.resource(ACCESS)
    updated = stack.deploy(template(), PolicyEdition=EDITIONS[1])
    new = permissions.edition(EDITIONS[1])
    added, removed, covered = permissions.difference(old, new)
    for sign, colour, actions_of in (("+", GOOD, added), ("-", BAD, removed)):
        for action, resources in actions_of.items():
            on = "" if resources == ["*"] else f" on {', '.join(resources)}"
            page.say(f"{colour}{sign} {action}{PLAIN}{on}")
    page.say(
        f"Removed, but within what was added: {', '.join(covered) or 'none'}. Removed for good: "
        f"{', '.join(removed) or 'none'}."
    )
    page.claim(
        "the role's ARN, the external id and the resource are the same as before",
        stack.resource(ACCESS) == access
        and all(updated[name] == outputs[name] for name in ("RoleArn", "ExternalId", "PolicyArn")),
    )

    page.scene("What the same session may do now")
    what_the_session_may_do(page, customer, session, outputs["RoleArn"], new, actions)

    kill_switch(page, aws, stack, session, outputs)

    page.scene("Delete the stack")
    page.claim("it is gone", stack.delete() == "DELETE_COMPLETE")
    after = inventory.of(customer)

    page.scene("What is left")
    for kind, names in after.items():
        page.say(f"{kind:<12}{', '.join(names) or 'none'}")
    page.claim("nothing that was not there before", after == before)


def adoption(page, aws):
    """A customer who clicked through the guide already, and whose platform is running."""
    customer = aws.account(HANDMADE)
    page.scene(f"A customer who followed the guide by hand: account {HANDMADE}")
    role = guide.follow(customer, edition=EDITIONS[1], MaxSessionDuration=7200)
    before, platform = guide.everything(customer), orchestera_platform.caller(aws)
    session = orchestera_platform.session(platform, role)
    page.say("the role's trust asks for no external id, its sessions last two hours, and the platform has one open")

    stack = Stack(customer, on_event=page.event)
    stack.deploy(template())
    tags = {tag["Key"]: tag["Value"] for tag in customer.client("iam").get_role(RoleName=guide.ROLE)["Role"]["Tags"]}
    page.say("how it was is recorded on the role itself:")
    for key in sorted(tags):
        if key.startswith("orchestera:before-") or key == "orchestera:ownership":
            page.say(f"  {key} = {tags[key]}"[:110])
    page.claim("the open session goes on working", is_allowed(session.client("ec2").describe_vpcs))
    page.claim("the platform opens another as before", orchestera_platform.session(platform, role) is not None)
    page.claim(
        f"the policy is the edition {EDITIONS[0]} now",
        guide.everything(customer)["versions"]["v2"] == permissions.edition(EDITIONS[0]),
    )

    page.scene("Delete that stack")
    stack.delete()
    page.claim("role and policy are exactly what they were", guide.everything(customer) == before)


def main(arguments=None):
    parser("orchestera_local.run", __doc__, "").parse_args(arguments)
    started = time.monotonic()
    page = Page()
    end_with_the_terminal()
    with EmbeddedAws() as aws:
        print(
            f"An AWS on loopback, {aws.endpoint}, with signatures and policies enforced. "
            "Nothing leaves this machine; local/README.md says what it does not prove."
        )
        try:
            life_of_a_stack(page, aws)
            adoption(page, aws)
        except Failed as failure:
            page.claim(f"the stack comes up: {failure}", False)
    print(f"\n{time.monotonic() - started:.0f} seconds. The embedded AWS is stopped.")
    return page.end()


if __name__ == "__main__":
    sys.exit(main())
