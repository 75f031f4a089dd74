"""What the editions allow, and whom the role trusts. It is read from policies/*.json."""

import json
import re

from orchestera_local import permissions
from orchestera_release.product import ROOT


def editions(default):
    """By name, the oldest first: the document, and whether it is the template's default."""
    return [
        {
            "name": name,
            "is_default": name == default,
            "text": (ROOT / "policies" / f"{name}.json").read_text().strip(),
            "lines": sum(1 for _ in permissions.granted(permissions.edition(name))),
        }
        for name in permissions.EDITIONS
    ]


def side_by_side():
    """A row for each service: its name, and for each edition what it allows there."""
    granted = [_by_service(permissions.edition(name)) for name in permissions.EDITIONS]
    services = list(dict.fromkeys(service for one in granted for service in one))
    return [(service, [one.get(service) for one in granted]) for service in services]


def in_short(name):
    """The services of which an edition allows everything, and for each other service the number of actions."""
    services = _by_service(permissions.edition(name))
    whole = [service for service, entry in services.items() if entry["actions"] == ["*"]]
    return whole, [(service, len(entry["actions"])) for service, entry in services.items() if service not in whole]


def trust():
    """The trust policy as a text, and the platform's account in it."""
    text = (ROOT / "policies/trust.json").read_text().strip()
    (statement,) = json.loads(text)["Statement"]
    (account,) = re.findall(r"\d{12}", statement["Principal"]["AWS"])
    return {"text": text, "account": account}


def _by_service(document):
    services = {}
    for statement in document["Statement"]:
        resources = permissions.as_list(statement["Resource"])
        for action in permissions.as_list(statement["Action"]):
            service, _, name = action.partition(":")
            entry = services.setdefault(service, {"actions": [], "resources": resources})
            # One service on two sets of resources would need more than one cell.
            assert entry["resources"] == resources, service
            entry["actions"].append(name)
    return services
