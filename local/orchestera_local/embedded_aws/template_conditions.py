"""The conditions and rules of a template: what may stand in them, and what a blank list is.

MiniStack takes a pseudo parameter in a condition for its name, and knows no function for values there but Fn::Select.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/pseudo-parameter-reference.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-conditions.html
"""

import copy

import ministack.services.cloudformation.changesets as changesets
import ministack.services.cloudformation.engine as engine
import ministack.services.cloudformation.handlers as handlers
import ministack.services.cloudformation.stacks as stacks


def repair():
    for module in (changesets, engine, handlers, stacks):
        module._evaluate_conditions = _evaluate
    engine._rule_param_value = _with_a_blank_text(engine._rule_param_value)


def _evaluate(template, parameters):
    """The truth of each condition, by its name."""
    conditions, known = template.get("Conditions", {}), {}

    def named(name):
        if name not in known:
            known[name] = holds(conditions[name])
        return known[name]

    def holds(expression):
        if isinstance(expression, dict) and len(expression) == 1:
            ((function, arguments),) = expression.items()
            if function == "Condition":
                return named(arguments)
            if function == "Fn::Not":
                return not holds(arguments[0])
            if function in ("Fn::And", "Fn::Or"):
                return (all if function == "Fn::And" else any)([holds(argument) for argument in arguments])
            if function == "Fn::Equals":
                left, right = (value(argument) for argument in arguments)
                return str(left) == str(right)
        return bool(value(expression))

    def value(expression):
        """Functions for values resolve as in a property. There are no resources yet."""
        if isinstance(expression, dict) and expression.keys() & {"Condition", "Fn::Equals"}:
            return holds(expression)
        mappings = template.get("Mappings", {})
        return engine._resolve_refs(copy.deepcopy(expression), {}, parameters, {}, mappings, "", "")

    return {name: named(name) for name in conditions}


def _with_a_blank_text(parameter_value):
    """Of a list that is blank: in a rule as in a property. MiniStack took it there for a list of nothing, of which
    every assertion about each member is true. Which it is in a rule of AWS's is written nowhere that we know.
    """

    def repaired(name, definition, parameters):
        found = parameter_value(name, definition, parameters)
        return found if found != [] else [""]

    return repaired
