"""The pseudo parameters in a template's conditions: MiniStack compares their names and not their values.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/pseudo-parameter-reference.html
"""

import ministack.services.cloudformation.changesets as changesets
import ministack.services.cloudformation.engine as engine
import ministack.services.cloudformation.handlers as handlers
import ministack.services.cloudformation.stacks as stacks
from ministack.core.responses import get_account_id, get_region


def repair():
    evaluate = _with_pseudo_parameters(engine._evaluate_conditions)
    for module in (changesets, engine, handlers, stacks):
        module._evaluate_conditions = evaluate


def _with_pseudo_parameters(evaluate):
    """Those that are the same for every stack of an account and region."""

    def repaired(template, parameters):
        pseudo = {
            "AWS::AccountId": get_account_id(),
            "AWS::Partition": "aws",
            "AWS::Region": get_region(),
            "AWS::URLSuffix": "amazonaws.com",
        }
        return evaluate(template, {name: {"Value": value} for name, value in pseudo.items()} | parameters)

    return repaired
