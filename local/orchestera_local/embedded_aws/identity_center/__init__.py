"""IAM Identity Center and its identity store, which MiniStack does not have.

    instances.py        which account has an instance, of which kind, in which region, and who may administer it
    identity_store.py   users, groups, and who belongs to which
    permission_sets.py  what a permission set gives
    assignments.py      who has a permission set in which account: made and removed slowly
    provisioning.py     the role that an assignment makes in its account
    deployer.py         with whose rights the management account's own role is made
    protected_roles.py  that role, which nobody changes with IAM
    authorization.py    by which resources and tags a call is judged
    requests.py         how a request is checked, and answered page by page
    resources.py        `AWS::SSO::PermissionSet` and `AWS::SSO::Assignment`
    portal.py           how a user signs in to an account

No API makes the instance of an organization: a click does, for which `settings.py` stands.

https://docs.aws.amazon.com/singlesignon/latest/APIReference/welcome.html
https://docs.aws.amazon.com/singlesignon/latest/IdentityStoreAPIReference/welcome.html
"""

from .. import json_services
from . import (
    assignments,
    authorization,
    deployer,
    identity_store,
    instances,
    permission_sets,
    portal,
    protected_roles,
    provisioning,
    requests,
    resources,
)


def repair(app):
    """Returns `app` with what time and the settings bring done before each request, and with the portal beside it."""
    operations = instances.OPERATIONS | permission_sets.OPERATIONS | assignments.OPERATIONS
    json_services.add("sso", "sso-admin", "SWBExternalService", requests.checked("sso-admin", operations))
    store = requests.checked("identitystore", identity_store.OPERATIONS)
    json_services.add("identitystore", "identitystore", "AWSIdentityStore", store)
    authorization.repair()
    deployer.repair()
    provisioning.repair()
    protected_roles.repair()
    resources.repair()

    app = portal.serve(app)

    async def in_time(scope, receive, send):
        if scope["type"] == "http":
            instances.settle()
            assignments.settle()
        await app(scope, receive, send)

    return in_time
