"""A StackSet, by ordinary CloudFormation calls."""

import json
import time

from orchestera_local.aws import REGION
from orchestera_local.stack import LONGEST_OPERATION, PAUSE, Failed


class StackSet:
    """Each call that starts an operation waits for its end and returns its status.

    `common` goes with every call: `CallAs`. An AWS that has to do something by itself is waited for by `settled`.
    """

    def __init__(self, account, name="orchestera-access", **common):
        self.cloudformation, self.name = account.client("cloudformation"), name
        self.common = {"StackSetName": name} | common
        self.operation_id = None

    def create(self, template, parameters=None, **settings):
        """The StackSet alone, without instances. Service-managed, unless `settings` say otherwise."""
        self.cloudformation.create_stack_set(
            **self.common, **self._content(template, parameters), **{"PermissionModel": "SERVICE_MANAGED"} | settings
        )

    def update(self, template, parameters=None, **settings):
        return self._ended(self.cloudformation.update_stack_set, **self._content(template, parameters), **settings)

    def deploy(self, regions=(REGION,), **request):
        """CreateStackInstances."""
        return self._ended(self.cloudformation.create_stack_instances, Regions=list(regions), **request)

    def override(self, parameters, regions=(REGION,), **request):
        """UpdateStackInstances."""
        overrides = as_parameters(parameters)
        return self._ended(
            self.cloudformation.update_stack_instances, Regions=list(regions), ParameterOverrides=overrides, **request
        )

    def remove(self, regions=(REGION,), retain=False, **request):
        """DeleteStackInstances."""
        return self._ended(
            self.cloudformation.delete_stack_instances, Regions=list(regions), RetainStacks=retain, **request
        )

    def delete(self):
        self.cloudformation.delete_stack_set(**self.common)

    def instances(self):
        """By account."""
        pages = self.cloudformation.get_paginator("list_stack_instances").paginate(**self.common)
        return {instance["Account"]: instance for page in pages for instance in page["Summaries"]}

    def results(self):
        """What became of each account in the last operation that was started here."""
        pages = self.cloudformation.get_paginator("list_stack_set_operation_results").paginate(
            **self.common, OperationId=self.operation_id
        )
        return {result["Account"]: result for page in pages for result in page["Summaries"]}

    def settled(self):
        """Waits for every operation, those that an account started by joining or leaving among them."""
        ends = time.monotonic() + LONGEST_OPERATION
        while time.monotonic() < ends:
            operations = self.cloudformation.list_stack_set_operations(**self.common)["Summaries"]
            if all(operation["Status"] in ("SUCCEEDED", "FAILED", "STOPPED") for operation in operations):
                return operations
            time.sleep(PAUSE)
        raise Failed(f"{self.name} is still at work after {LONGEST_OPERATION} seconds")

    def _content(self, template, parameters):
        where = {"TemplateURL": template} if isinstance(template, str) else {"TemplateBody": json.dumps(template)}
        return where | {"Parameters": as_parameters(parameters or {}), "Capabilities": ["CAPABILITY_NAMED_IAM"]}

    def _ended(self, call, **request):
        self.operation_id = call(**self.common, **request)["OperationId"]
        (status,) = (o["Status"] for o in self.settled() if o["OperationId"] == self.operation_id)
        return status


def as_parameters(values):
    return [{"ParameterKey": name, "ParameterValue": str(value)} for name, value in values.items()]
