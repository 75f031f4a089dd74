"""The proof's stack, by ordinary calls of CloudFormation."""

import time

from botocore.exceptions import ClientError

from orchestera_release.proof.caller import code_of
from orchestera_release.proof.leftovers import STACK

# Seconds. The first pause between two looks at the stack, and the longest.
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 3
# Seconds. More than twice the template's ServiceTimeout: CloudFormation waits that long for the function, and again
# when it undoes what failed.
LONGEST_OPERATION = 1200
# What the customer ticks in the console.
CAPABILITIES = ["CAPABILITY_IAM"]


class Failed(Exception):
    """A stack operation that did not end as wanted; its text is the stack's status and every reason given."""


class ProofStack:
    def __init__(self, caller, page, interruption):
        self.cloudformation = caller.client("cloudformation")
        self.caller, self.page, self.interruption = caller, page, interruption
        # Before it is asked for: an answer can be lost.
        self.is_begun = False
        # Its ARN. By its name, a deleted stack cannot be described.
        self.id = STACK
        self.seen = set()
        # The names that CloudFormation gave to its resources.
        self.names = set()

    def create(self, template_url, **parameters):
        self.is_begun = True
        self.id = self.cloudformation.create_stack(
            StackName=STACK, TemplateURL=template_url, Parameters=_values(parameters), Capabilities=CAPABILITIES
        )["StackId"]
        return self._complete("CREATE_COMPLETE")

    def update(self, **changed):
        """Keeps the template and every other parameter."""
        kept = [one["ParameterKey"] for one in self.describe()["Parameters"] if one["ParameterKey"] not in changed]
        self.cloudformation.update_stack(
            StackName=self.id,
            UsePreviousTemplate=True,
            Parameters=_values(changed) + [{"ParameterKey": key, "UsePreviousValue": True} for key in kept],
            Capabilities=CAPABILITIES,
        )
        return self._complete("UPDATE_COMPLETE")

    def delete(self):
        self.cloudformation.delete_stack(StackName=self.id)
        status = self.wait()
        if status != "DELETE_COMPLETE":
            raise Failed(self._sentence(status))

    def describe(self):
        return self.cloudformation.describe_stacks(StackName=self.id)["Stacks"][0]

    def outputs(self):
        return {output["OutputKey"]: output["OutputValue"] for output in self.describe().get("Outputs", [])}

    def status(self):
        """DELETE_COMPLETE, too, if there is no stack."""
        try:
            return self.describe()["StackStatus"]
        except ClientError as error:
            if code_of(error) == "ValidationError":
                return "DELETE_COMPLETE"
            raise

    def resource(self, logical_id):
        """The physical id."""
        return self.cloudformation.describe_stack_resource(StackName=self.id, LogicalResourceId=logical_id)[
            "StackResourceDetail"
        ]["PhysicalResourceId"]

    def wait(self):
        """Until no operation is under way, and returns the status; or until the user is in a hurry."""
        ends, pause = time.monotonic() + LONGEST_OPERATION, FIRST_PAUSE
        while True:
            # The status before the events, so that the last of them are not missed.
            status = self.status()
            self._show_events()
            if not status.endswith("_IN_PROGRESS") or self.interruption.hurried:
                return status
            if time.monotonic() > ends:
                raise Failed(f"{STACK} is still {status} after {LONGEST_OPERATION} seconds. {self._reasons()}")
            self.interruption.pause(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _complete(self, wanted):
        status = self.wait()
        if status != wanted:
            raise Failed(self._sentence(status))
        return self.outputs()

    def _events(self):
        """The oldest first. None if there is no stack."""
        try:
            return self.caller.every("cloudformation", "describe_stack_events", "StackEvents", StackName=self.id)[::-1]
        except ClientError as error:
            if code_of(error) == "ValidationError":
                return []
            raise

    def _show_events(self):
        for event in self._events():
            if event["EventId"] not in self.seen:
                self.seen.add(event["EventId"])
                self.names.add(event.get("PhysicalResourceId"))
                self.page.event(event)

    def _sentence(self, status):
        return f"{STACK} is {status}. {self._reasons()}"

    def _reasons(self):
        return "; ".join(
            f"{event['LogicalResourceId']}: {event['ResourceStatusReason']}"
            for event in self._events()
            if event["ResourceStatus"].endswith("FAILED") and event.get("ResourceStatusReason")
        )


def _values(parameters):
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]
