"""The proof itself: what it does, in order, and how it is cleaned up."""

import time

from orchestera_release import product
from orchestera_release.proof import access, assuming, leftovers
from orchestera_release.proof.code_bucket import CodeBucket
from orchestera_release.proof.stack import ProofStack
from orchestera_release.proof.verification import verify

# Seconds. What IAM has written can be read, and counts, a little later.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_general.html#troubleshoot_general_eventual-consistency
PATIENCE = 60
PAUSE = 2
OLD, NEW = access.EDITIONS[0], access.EDITIONS[-1]


class Proof:
    """Of one release by one caller. `platform` is a caller of the platform's account, or None."""

    def __init__(self, caller, platform, release, orchestera, page, interruption, patience=PATIENCE):
        self.caller, self.platform, self.release, self.orchestera = caller, platform, release, orchestera
        self.page, self.interruption, self.patience = page, interruption, patience
        self.bucket = CodeBucket(caller, release)
        self.stack = ProofStack(caller, page, interruption)

    def run(self):
        """Raises `Failed`, `Interrupted` or an error of boto3 where it cannot go on."""
        page, stack = self.page, self.stack
        page.scene("Upload the code and the template")
        self.bucket.create()

        page.scene(f"Create the stack, with edition {OLD}")
        outputs = stack.create(self.bucket.template_url(), PolicyEdition=OLD)
        page.secrets.add(outputs["ExternalId"])
        created = self.claim_access(outputs, OLD)
        self.claim_resources()
        self.claim_verify()

        page.scene("Who may assume the role")
        self.claim_assume(outputs["ExternalId"])

        page.scene("Suspend: AccessState = Suspended")
        self.claim_access(stack.update(AccessState="Suspended"), OLD, is_suspended=True)
        if self.platform:
            denied = self.settles(lambda: not self.platform_may_assume(outputs["ExternalId"]))
            page.claim("the platform, with the external id: denied", denied)

        page.scene("Resume: AccessState = Active")
        resumed = self.claim_access(stack.update(AccessState="Active"), OLD)
        page.claim("role, trust policy and policy are what they were before", resumed == created)
        if self.platform:
            allowed = self.settles(lambda: self.platform_may_assume(outputs["ExternalId"]))
            page.claim("the platform, with the external id: allowed", allowed)
        self.claim_verify()

        page.scene(f"Update the stack to edition {NEW}")
        after = stack.update(PolicyEdition=NEW)
        updated = self.claim_access(after, NEW)
        same = all(after[name] == outputs[name] for name in ("RoleArn", "PolicyArn", "ExternalId"))
        page.claim(
            "role, trust policy and external id are the same as before",
            same and (updated.role_id, updated.trust) == (created.role_id, created.trust),
        )
        self.claim_verify()

        page.scene("Delete the stack and the bucket")
        stack.delete()
        page.claim("the stack is deleted", stack.status() == "DELETE_COMPLETE")
        self.bucket.delete()
        page.claim("nothing is left", self.settles(lambda: not leftovers.look(self.caller, self.stack.names)))

    def claim_access(self, outputs, edition, is_suspended=False):
        """Claims what a stack in this state should have made. Returns what IAM has."""
        trust = access.trust(self.caller.partition, outputs["ExternalId"], is_suspended)
        attached, inline = ([], [access.SUSPENDED]) if is_suspended else ([leftovers.POLICY], [])
        found, claims = None, []

        def hold():
            nonlocal found, claims
            found = access.read(self.caller)
            claims = list(of(found))
            return all(holds for _, holds in claims)

        def of(found):
            also = ", and nobody may assume the role" if is_suspended else ""
            yield (
                f"the trust policy is the published one: account {access.platform()} with the external id{also}",
                found.trust == trust,
            )
            yield (
                f"attached policies: {', '.join(attached) or 'none'}; inline policies: "
                f"{', '.join(inline) or 'none'}; no permissions boundary",
                (found.attached, found.inline, found.boundary) == (attached, inline, None),
            )
            yield f"the policy is the published edition {edition}", found.document == access.edition(edition)
            yield "the role's tags name this stack as its owner", found.tags.get("orchestera:stack-id") == self.stack.id

        self.settles(hold)
        for text, holds in claims:
            self.page.claim(text, holds)
        state = "Suspended" if is_suspended else "Active"
        said = outputs["Verified"], outputs["AccessState"], outputs["PolicyEdition"]
        self.page.claim(
            f"the stack's outputs say the same: verified, {state}, {edition}", said == ("true", state, edition)
        )
        return found

    def claim_resources(self):
        """The rest of the stack: code, log and schedule."""
        page, caller, stack = self.page, self.caller, self.stack
        function = caller.client("lambda").get_function_configuration(FunctionName=stack.resource("AccessFunction"))
        is_same = function["CodeSha256"] == product.code_sha256(self.release.code)
        page.claim(f"the function's code is {product.CODE}, by its checksum", is_same)
        group = stack.resource("FunctionLogGroup")
        groups = caller.every("logs", "describe_log_groups", "logGroups", logGroupNamePrefix=group)
        page.claim("its log is kept for 90 days", [one.get("retentionInDays") for one in groups] == [90])
        (schedule,) = caller.every(
            "scheduler", "list_schedules", "Schedules", NamePrefix=stack.resource("DriftSchedule")
        )
        page.claim("the daily drift check is scheduled", schedule["State"] == "ENABLED")

    def claim_verify(self):
        status, answer, said = verify(self.orchestera, self.caller.profile, self.caller.region)
        self.page.claim("`orchestera verify` finds the role as it should be", status == 0 and answer is not None)
        self.page.verified.append({"step": self.page.calls.step, "exit code": status, "answer": answer})
        if status != 0 or answer is None:
            self.page.say(f"`orchestera verify` ended with {status}. {said}")

    def claim_assume(self, external_id):
        page, account = self.page, self.caller.account
        page.claim(
            "the profile itself, with the external id: denied",
            not assuming.is_allowed(self.caller, account, external_id),
        )
        if not self.platform:
            page.cannot_show(
                f"that the platform can assume the role. This needs credentials of account {access.platform()}. "
                "The trust policy was compared instead."
            )
            return
        page.claim(
            "the platform, with the external id: allowed", self.settles(lambda: self.platform_may_assume(external_id))
        )
        page.claim("the platform, without an external id: denied", not self.platform_may_assume(None))
        page.claim("the platform, with a wrong external id: denied", not self.platform_may_assume("0" * 32))

    def platform_may_assume(self, external_id):
        return assuming.is_allowed(self.platform, self.caller.account, external_id)

    def settles(self, holds):
        """Whether it holds in time. Asks at least once."""
        ends = time.monotonic() + self.patience
        while not holds():
            if self.interruption.hurried or time.monotonic() > ends:
                return False
            self.interruption.pause(PAUSE)
        return True

    def clean_up(self):
        """Deletes what is there, as far as it can. An operation that is under way is waited for, unless in a hurry."""
        self.interruption.cleaning_up()
        if not self.stack.is_begun and not self.bucket.is_begun:
            return
        self.page.scene("Clean up")
        self.page.say("Press Ctrl-C to stop waiting. What is left is listed then, with the commands that delete it.")
        if self.stack.is_begun:
            self.tried(self.delete_stack)
        if self.bucket.is_begun:
            self.tried(self.bucket.delete)

    def delete_stack(self):
        if self.stack.wait() != "DELETE_COMPLETE":
            self.stack.delete()

    def tried(self, delete):
        try:
            delete()
        # Whatever it is, the rest has to be deleted, and what is left has to be listed.
        except Exception as error:
            self.page.say(f"Not deleted: {error}")

    def left(self):
        """What is left, and why it could not be looked for, if so. Then it is what the proof may have created."""
        errors = []
        if not self.stack.is_begun and not self.bucket.is_begun:
            return [], errors
        found = []

        def is_gone():
            nonlocal found
            errors.clear()
            found = leftovers.look(self.caller, self.stack.names, errors.append)
            return not found or errors

        self.settles(is_gone)
        if errors:
            created = [leftovers.bucket(self.caller, self.bucket.name)] if self.bucket.is_begun else []
            if self.stack.is_begun:
                created += [leftovers.stack(self.caller), leftovers.role(self.caller), leftovers.policy(self.caller)]
            found += [one for one in created if one.name not in {it.name for it in found}]
        return found, [str(error) for error in errors]
