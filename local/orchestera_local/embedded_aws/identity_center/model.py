"""What there is: an instance, its identity store, its permission sets."""

import secrets
import time
from dataclasses import dataclass, field

ORGANIZATION, ACCOUNT = "organization", "account"


@dataclass(eq=False)
class IdentityStore:
    id: str = field(default_factory=lambda: f"d-{secrets.token_hex(5)}")
    # By their ids, as their API shows them.
    users: dict = field(default_factory=dict)
    groups: dict = field(default_factory=dict)
    memberships: dict = field(default_factory=dict)

    def groups_of(self, user):
        """The ids of the groups that the user belongs to."""
        return [one["GroupId"] for one in self.memberships.values() if one["MemberId"]["UserId"] == user]


@dataclass(eq=False)
class PermissionSet:
    arn: str
    name: str
    description: str = ""
    # AWS's default.
    session_duration: str = "PT1H"
    relay_state: str = ""
    created: float = field(default_factory=time.time)
    managed_policies: list = field(default_factory=list)
    inline_policy: str = ""
    tags: dict = field(default_factory=dict)
    # The accounts that have its role.
    provisioned: list = field(default_factory=list)


@dataclass(eq=False)
class Instance:
    owner: str
    kind: str
    region: str
    id: str = field(default_factory=lambda: f"ssoins-{secrets.token_hex(8)}")
    name: str = ""
    store: IdentityStore = field(default_factory=IdentityStore)
    created: float = field(default_factory=time.time)
    tags: dict = field(default_factory=dict)
    # By their ARNs.
    permission_sets: dict = field(default_factory=dict)
    assignments: list = field(default_factory=list)
    # What is or was under way, by the id of the request.
    changes: dict = field(default_factory=dict)

    @property
    def arn(self):
        return f"arn:aws:sso:::instance/{self.id}"
