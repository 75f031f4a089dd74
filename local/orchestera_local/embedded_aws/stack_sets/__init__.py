"""StackSets, of which MiniStack has none: one template in many accounts.

    wire.py                  requests and answers, by AWS's own model of the API
    api.py                   the actions
    rules.py                 what a StackSet may be
    targets.py               which accounts a request is about
    operations.py            how many at a time, and when it stops
    stacks.py                the stack in each account, which is one of MiniStack's
    automatic_deployment.py  accounts that join and leave
    authorization.py         by which resource a call is judged
    resource.py              `AWS::CloudFormation::StackSet` in a template
    model.py                 what there is, and how it is shown

It is written after the documents, and not compared with AWS: `local/README.md` says what that leaves open.
"""

import ministack.services.cloudformation.handlers as handlers

from ..organizations import membership
from . import api, authorization, automatic_deployment, resource, stacks, wire

ACTIONS = {
    "ActivateOrganizationsAccess": api.activate_organizations_access,
    "DeactivateOrganizationsAccess": api.deactivate_organizations_access,
    "DescribeOrganizationsAccess": api.describe_organizations_access,
    "CreateStackSet": api.create_stack_set,
    "UpdateStackSet": api.update_stack_set,
    "DeleteStackSet": api.delete_stack_set,
    "DescribeStackSet": api.describe_stack_set,
    "ListStackSets": api.list_stack_sets,
    "CreateStackInstances": api.create_stack_instances,
    "UpdateStackInstances": api.update_stack_instances,
    "DeleteStackInstances": api.delete_stack_instances,
    "ListStackInstances": api.list_stack_instances,
    "DescribeStackInstance": api.describe_stack_instance,
    "DescribeStackSetOperation": api.describe_stack_set_operation,
    "ListStackSetOperations": api.list_stack_set_operations,
    "ListStackSetOperationResults": api.list_stack_set_operation_results,
    "StopStackSetOperation": api.stop_stack_set_operation,
}


def repair():
    for name, act in ACTIONS.items():
        handlers._ACTION_HANDLERS[name] = wire.action(name, act)
    authorization.repair()
    stacks.repair()
    resource.repair()
    membership.observe(automatic_deployment.account_moved)
