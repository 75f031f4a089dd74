"""The rows that a contender printed, and whether they are right."""

import json

FIELDS = ("account", "state", "role_arn", "external_id")


def of_json(text):
    """The rows of `orchestera status --output json`, and those of the contenders in Python, by account id."""
    return by_account(
        {field: row.get(field) or None for field in FIELDS} | {"account": row.get("account_id") or row.get("account")}
        for row in json.loads(text)["accounts"]
    )


def of_lines(text):
    """The lines of the shell loop: account, role ARN, and the external id if there is one."""
    rows = []
    for line in text.splitlines():
        account, role_arn, *rest = line.split()
        rows.append({"account": account, "role_arn": role_arn, "external_id": " ".join(rest) or None})
    return by_account(rows)


def by_account(rows):
    """An account that has two rows keeps both, so that the second does not hide the first."""
    found = {}
    for row in rows:
        found.setdefault(row["account"], []).append(row)
    return found


def differences(expected, found):
    """A sentence for each row that is wrong, missing or too many."""
    wrong = [f"account {account} does not exist" for account in found if account not in expected]
    for account, right in expected.items():
        rows = found.get(account, [])
        if len(rows) != 1:
            wrong.append(f"account {account} has {len(rows)} rows")
            continue
        for field in FIELDS:
            if rows[0][field] != right[field]:
                wrong.append(f"account {account}: {field} is {rows[0][field]!r}, not {right[field]!r}")
    return wrong


def differences_of_the_loop(expected, found):
    """The same for the shell loop, which has no states and leaves out accounts: those that are ready must be right."""
    wrong = []
    for account, right in expected.items():
        fields = {field: right[field] for field in ("account", "role_arn", "external_id")}
        # The loop prints `None` where the trust policy asks for no external id.
        rows = [
            row | {"external_id": None if row["external_id"] == "None" else row["external_id"]}
            for row in found.get(account, [])
        ]
        if right["state"] == "ready" and rows != [fields]:
            wrong.append(f"account {account}: {rows}, not {fields}")
    return wrong


def left_out(expected, found):
    """How many accounts have no row."""
    return sum(account not in found for account in expected)
