"""An AWS on loopback: MiniStack, with the behaviours repaired that this product depends on.

One module per kind of repair, each with what AWS does and its source:

    clock.py               no repair: by how much all that AWS waits for is shortened
    asynchronous_invocations.py   how often an event is attempted, and when
    event_invoke_configs.py       what is configured of that, for a function, version or alias
    custom_resources.py    the event, the answer's rules, the Delete that follows a failed Create
    cancellation.py        a stack that is given up while something of it is under way
    resource_status.py     what is said of a resource while something is done to it
    nested_stacks.py       a stack within a stack
    physical_names.py      the names that CloudFormation makes up
    authorization.py       which resource and which condition keys a call to IAM is judged by
    policy_simulator.py    what the organization and a boundary take away in a simulation
    policy_variables.py    `${aws:username}` and the like in a policy
    iam_rules.py           what IAM refuses and MiniStack allows
    iam_resources.py       what a template says of a role and of a managed policy
    group_resources.py     groups and their members in a template
    user_resources.py      users in a template
    iam_types.py           no repair: how the types of IAM call it, and show what it refuses
    secret_resources.py    a secret that is generated for a template
    alarms.py              which metrics a log holds; when an alarm changes, and whom it notifies
    lambda_logs.py         with which rights a function's log is written
    function_processes.py  when the process of a function ends
    shared_buckets.py      templates by their address in S3; code from another account's bucket
    lambda_versions.py     of which code a version is published
    template_conditions.py what may stand in a template's conditions and rules
    account_summary.py     what IAM says of an account's root user
    alternate_contacts.py  whom AWS writes to about an account
    json_services.py       how a service is added that MiniStack does not have:
    service_quotas.py      how many accounts an organization may have
    free_tier.py           on which plan an account is
    organizations/         AWS Organizations: members, accounts that are created, what may be asked
    identity_center/       IAM Identity Center, its identity store and its resource types
    people/                passwords, MFA devices, the console's sign-in, and what sessions carry of them
    stack_sets/            StackSets, and the resource type of that name
    json_over_http.py      no repair: a request's body and an answer in JSON, for what is beside AWS's services
    pages.py               no repair: how a list is cut into pages, some without an entry
    throttling.py          no repair: calls to IAM that are refused, on demand
    refusals.py            no repair: single calls that are refused, on demand
    settings.py            no repair: what a test sets of an account while the server runs

They reach into MiniStack, so its version is pinned exactly. `tests/embedded_aws` proves each, and fails without it.
"""
