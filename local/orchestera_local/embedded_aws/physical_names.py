"""The name that CloudFormation makes up for a resource ends in something that no other stack's has.

So what a stack leaves behind is not in the way of another of the same name.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-name.html
"""

import hashlib

import ministack.services.cloudformation as cloudformation
import ministack.services.cloudformation.provisioners as provisioners

# As long as MiniStack's, which is made of the names of stack and resource.
LENGTH = 13


def repair():
    provisioners._physical_name = _of_this_stack(provisioners._physical_name)


def _of_this_stack(physical_name):
    """The same for each resource while the stack is there, whatever the update."""

    def repaired(stack_name, *others, **named):
        name = physical_name(stack_name, *others, **named)
        stack_id = cloudformation._stacks.get(stack_name, {}).get("StackId", "")
        suffix = hashlib.sha256(f"{stack_id} {name}".encode()).hexdigest()[:LENGTH]
        return name[:-LENGTH] + (suffix if name.islower() else suffix.upper())

    return repaired
