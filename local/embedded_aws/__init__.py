"""An AWS on loopback: MiniStack, with the behaviours repaired that this product depends on.

One module per kind of repair, each with what AWS does and its source:

    custom_resources.py    the event, the answer's rules, the Delete that follows a failed Create
    authorization.py       which resource and which condition keys a call to IAM is judged by
    iam_rules.py           what IAM refuses and MiniStack allows
    lambda_logs.py         with which rights a function's log is written
    function_processes.py  when the process of a function ends
    throttling.py          no repair: calls to IAM that are refused, on demand

They reach into MiniStack, so its version is pinned exactly. `tests/embedded_aws` proves each, and fails without it.
"""
