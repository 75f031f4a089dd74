"""An AWS on loopback: MiniStack, with the behaviours repaired that this product depends on.

One module per kind of repair, each with what AWS does and its source:

    custom_resources.py    the event, the answer's rules, the Delete that follows a failed Create
    authorization.py       which resource and which condition keys a call to IAM is judged by
    iam_rules.py           what IAM refuses and MiniStack allows
    iam_resources.py       what a template says of a role
    lambda_logs.py         with which rights a function's log is written
    function_processes.py  when the process of a function ends
    shared_buckets.py      templates by their address in S3; code from another account's bucket
    lambda_versions.py     of which code a version is published
    template_conditions.py pseudo parameters in a template's conditions
    account_summary.py     what IAM says of an account's root user
    json_services.py       how a service is added that MiniStack does not have:
    service_quotas.py      how many accounts an organization may have
    free_tier.py           on which plan an account is
    organizations/         AWS Organizations: members, accounts that are created, what may be asked
    stack_sets/            StackSets, and the resource type of that name
    throttling.py          no repair: calls to IAM that are refused, on demand
    refusals.py            no repair: single calls that are refused, on demand
    settings.py            no repair: what a test sets of an account while the server runs

They reach into MiniStack, so its version is pinned exactly. `tests/embedded_aws` proves each, and fails without it.
"""
