"""StackSets, their instances and operations, and how the API shows them."""

import asyncio
import datetime
from dataclasses import dataclass, field

from ministack.core.responses import new_uuid
from ministack.services.cloudformation import engine

UNDER_WAY = ("QUEUED", "RUNNING", "STOPPING")


def now():
    return datetime.datetime.now(datetime.UTC)


def without_blanks(**members):
    return {name: value for name, value in members.items() if value not in (None, "")}


@dataclass
class Instance:
    """Of a stack, in one account and region."""

    account: str
    region: str
    # The root or unit that was targeted; None in a self-managed StackSet.
    unit: str | None
    overrides: dict = field(default_factory=dict)
    stack_id: str = ""
    status: str = "OUTDATED"
    detailed_status: str = "PENDING"
    reason: str = ""
    operation_id: str = ""

    @property
    def key(self):
        return self.account, self.region

    def summary(self, stack_set):
        return without_blanks(
            StackSetId=stack_set.id,
            Account=self.account,
            Region=self.region,
            StackId=self.stack_id,
            Status=self.status,
            StatusReason=self.reason,
            StackInstanceStatus={"DetailedStatus": self.detailed_status},
            OrganizationalUnitId=self.unit,
            DriftStatus="NOT_CHECKED",
            LastOperationId=self.operation_id,
        )

    def description(self, stack_set):
        return self.summary(stack_set) | {"ParameterOverrides": as_parameters(self.overrides)}


@dataclass
class Operation:
    """`instances` may be gone from the StackSet when it has ended; `results` say what became of each, by its key."""

    action: str
    instances: list
    preferences: dict = field(default_factory=dict)
    retain: bool = False
    targets: dict | None = None
    id: str = field(default_factory=new_uuid)
    status: str = "QUEUED"
    created: datetime.datetime = field(default_factory=now)
    ended: datetime.datetime | None = None
    results: dict = field(default_factory=dict)
    task: asyncio.Task | None = None

    def summary(self):
        failed = sum(result["Status"] == "FAILED" for result in self.results.values())
        return without_blanks(
            OperationId=self.id,
            Action=self.action,
            Status=self.status,
            CreationTimestamp=self.created,
            EndTimestamp=self.ended,
            OperationPreferences=self.preferences,
            StatusDetails={"FailedStackInstancesCount": failed},
        )

    def description(self, stack_set):
        return self.summary() | without_blanks(
            StackSetId=stack_set.id,
            RetainStacks=self.retain if self.action == "DELETE" else None,
            DeploymentTargets=self.targets,
        )


@dataclass
class StackSet:
    """What was asked for last: `settings` are those of CreateStackSet, the parameters among them by name."""

    name: str
    # The account and region that it lives in. One that a delegated administrator made lives in the management account.
    administrator: str
    region: str
    settings: dict
    id: str = ""
    status: str = "ACTIVE"
    instances: dict = field(default_factory=dict)
    operations: dict = field(default_factory=dict)
    # The regions that each unit was deployed to: where an account that joins it gets a stack.
    deployed_to: dict = field(default_factory=dict)

    def __post_init__(self):
        self.id = f"{self.name}:{new_uuid()}"

    @property
    def arn(self):
        return f"arn:aws:cloudformation:{self.region}:{self.administrator}:stackset/{self.id}"

    @property
    def is_service_managed(self):
        return self.settings["PermissionModel"] == "SERVICE_MANAGED"

    @property
    def auto_deployment(self):
        return self.settings.get("AutoDeployment") or {}

    def under_way(self):
        return [operation for operation in self.operations.values() if operation.status in UNDER_WAY]

    def parameters_of(self, instance):
        return self.settings["Parameters"] | instance.overrides

    def summary(self):
        shown = ("Description", "AutoDeployment", "PermissionModel", "ManagedExecution")
        return {"StackSetName": self.name, "StackSetId": self.id, "Status": self.status} | self._settings(shown)

    def description(self):
        shown = ("AdministrationRoleARN", "ExecutionRoleName", "TemplateBody", "Capabilities", "Tags")
        return (
            self.summary()
            | self._settings(shown)
            | {
                "StackSetARN": self.arn,
                "Parameters": as_parameters(self._without_secrets()),
                "OrganizationalUnitIds": list(self.deployed_to),
                "Regions": sorted({region for _, region in self.instances}),
            }
        )

    def _without_secrets(self):
        declared = engine._parse_template(self.settings["TemplateBody"]).get("Parameters", {})
        secret = {name for name, parameter in declared.items() if str(parameter.get("NoEcho")).lower() == "true"}
        return {name: "****" if name in secret else value for name, value in self.settings["Parameters"].items()}

    def _settings(self, names):
        return {name: self.settings[name] for name in names if self.settings.get(name) is not None}


def as_parameters(values):
    return [{"ParameterKey": name, "ParameterValue": value} for name, value in values.items()]


def as_values(parameters, before):
    """Parameters by name; for one that says so, the value from before."""
    return {
        parameter["ParameterKey"]: before.get(parameter["ParameterKey"], "")
        if parameter.get("UsePreviousValue")
        else parameter.get("ParameterValue", "")
        for parameter in parameters
    }
