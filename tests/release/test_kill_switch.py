"""Suspend, Resume and Update of the launch page, as a person pastes them: what the real AWS CLI sends.

CloudFormation is a stub that refuses what CloudFormation refuses: a parameter that the stack's template does not have,
and a capability that is missing.
"""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

import pytest
from needs import need
from samcli.yamlhelper import yaml_parse
from terminal import Terminal

from orchestera_release import templates
from orchestera_release.product import ROOT
from orchestera_site import command_snippets

AWS = ROOT / ".tools/awscli/bin/aws"
CHOICES = {"one-account": "orchestera-access", "many-accounts": "orchestera-access-rollout"}
CHOICES |= {"no-function": "orchestera-access", "new-account": "orchestera-organization"}
STATES = {"suspend": "Suspended", "resume": "Active"}


class CloudFormation:
    """One stack, its parameters by name. `refused`: an action that fails."""

    def __init__(self):
        self.stack, self.parameters, self.refused, self.is_of_sam = "orchestera-access", [], None, False
        self.requests, self.accepted = [], []
        of = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                status, text = of.answer(dict(parse_qsl(body, keep_blank_values=True)))
                self.send_response(status)
                self.send_header("Content-Length", str(len(text.encode())))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.endpoint = f"http://127.0.0.1:{self.server.server_port}"

    def answer(self, request):
        action = request["Action"]
        self.requests.append(request)
        given = [value for name, value in request.items() if name.endswith(".ParameterKey")]
        unknown = [name for name in given if name not in self.parameters]
        if action == self.refused:
            return self._error("AccessDenied", "not authorized")
        if request["StackName"] != self.stack:
            return self._error("ValidationError", f"Stack with id {request['StackName']} does not exist")
        if unknown:
            return self._error("ValidationError", f"Parameters: {unknown} do not exist in the template")
        if action == "UpdateStack" and self.is_of_sam and "CAPABILITY_AUTO_EXPAND" not in request.values():
            return self._error("InsufficientCapabilitiesException", "Requires capabilities : [CAPABILITY_AUTO_EXPAND]")
        self.accepted.append(request)
        members = "".join(
            f"<member><ParameterKey>{escape(name)}</ParameterKey><ParameterValue>a '$(b)' !c</ParameterValue></member>"
            for name in self.parameters
        )
        stack = f"<StackName>{self.stack}</StackName><StackStatus>UPDATE_COMPLETE</StackStatus>"
        result = {
            "DescribeStacks": f"<Stacks><member>{stack}<CreationTime>2026-01-01T00:00:00Z</CreationTime>"
            f"<Parameters>{members}</Parameters></member></Stacks>",
            "UpdateStack": "<StackId>updated</StackId>",
        }[action]
        return 200, f"<{action}Response><{action}Result>{result}</{action}Result></{action}Response>"

    @staticmethod
    def _error(code, message):
        error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
        return 400, f"<ErrorResponse>{error}<RequestId>1</RequestId></ErrorResponse>"

    def updates(self):
        return [request for request in self.accepted if request["Action"] == "UpdateStack"]


@pytest.fixture
def cloudformation():
    stub = CloudFormation()
    yield stub
    stub.server.shutdown()
    stub.server.server_close()


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("templates")
    for name, template in templates.published(command_snippets.OWN_PREFIX).items():
        (folder / name).write_text(templates.content(name, template))
    commands = {one.file.partition("command ")[2]: one.text for one in command_snippets.of_the_page(folder)}
    return folder, commands


@pytest.fixture(params=["bash", "zsh"])
def paste(request, cloudformation, tmp_path):
    need(request.param)
    environment = {"AWS_ENDPOINT_URL": cloudformation.endpoint}
    environment |= {"AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none", "AWS_MAX_ATTEMPTS": "1"}
    terminal = Terminal(tmp_path / "terminal", {"aws": AWS}, environment)

    def run(text):
        """What the reader then sees, if the shell itself complains of nothing."""
        _, complaints = terminal.paste(request.param, text, bracketed=True)
        assert not complaints
        return terminal.shown

    return run


def parameters_of(request):
    """What an update says of each parameter: its new value, or None if it stays."""
    found = {}
    for at in range(1, 100):
        start = f"Parameters.member.{at}."
        if f"{start}ParameterKey" not in request:
            return found
        value = request.get(f"{start}ParameterValue")
        assert (value is None) == (request.get(f"{start}UsePreviousValue") == "true")
        found[request[f"{start}ParameterKey"]] = value


def names_of(path):
    return list(yaml_parse(path.read_text())["Parameters"])


@pytest.mark.parametrize("choice", CHOICES)
@pytest.mark.parametrize("command", STATES)
def test_suspend_and_resume_change_the_state_and_nothing_else_of_the_stack(
    choice, command, cloudformation, page, paste
):
    folder, commands = page
    template = next(one for one in command_snippets.choices.all_choices(folder, "a-prefix") if one.id == choice).file
    cloudformation.stack, cloudformation.parameters = CHOICES[choice], names_of(folder / template)
    paste(commands[f"{choice}-{command}"])
    (update,) = cloudformation.updates()
    assert update["StackName"] == CHOICES[choice]
    assert update["UsePreviousTemplate"] == "true" and "TemplateURL" not in update
    expected = dict.fromkeys(cloudformation.parameters) | {"AccessState": STATES[command]}
    assert parameters_of(update) == expected
    # It waits for the end.
    assert [request["Action"] for request in cloudformation.requests] == [
        "DescribeStacks",
        "UpdateStack",
        "DescribeStacks",
    ]


OLDER = [
    path.stem
    for path in sorted((ROOT / "tests/stack/releases").glob("*.yaml"))
    if "\n  AccessState:" in path.read_text()
]


@pytest.mark.parametrize("release", [*OLDER, "newer", "by SAM"])
def test_suspend_works_with_a_stack_of_another_release_than_the_page(release, cloudformation, page, paste):
    folder, commands = page
    path = ROOT / f"tests/stack/releases/{release}.yaml"
    cloudformation.parameters = names_of(path if release in OLDER else folder / "orchestera-access.yaml")
    if release == "newer":
        cloudformation.parameters = ["Brand.New", *cloudformation.parameters[2:], "AnotherOne"]
    cloudformation.is_of_sam = release == "by SAM"
    paste(commands["one-account-suspend"])
    (update,) = cloudformation.updates()
    assert parameters_of(update) == dict.fromkeys(cloudformation.parameters) | {"AccessState": "Suspended"}


@pytest.mark.parametrize("command", [*STATES, "update"])
def test_nothing_is_changed_if_the_stack_cannot_be_read(command, cloudformation, page, paste):
    cloudformation.refused = "DescribeStacks"
    assert "not authorized" in paste(page[1][f"one-account-{command}"])
    assert [request["Action"] for request in cloudformation.requests] == ["DescribeStacks"]


def test_an_update_that_is_refused_is_not_waited_for(cloudformation, page, paste):
    cloudformation.parameters, cloudformation.refused = ["AccessState"], "UpdateStack"
    assert "not authorized" in paste(page[1]["one-account-suspend"])
    assert [request["Action"] for request in cloudformation.requests] == ["DescribeStacks", "UpdateStack"]


@pytest.mark.parametrize("release", OLDER)
def test_update_gives_a_stack_of_an_older_release_this_template_and_keeps_its_parameters(
    release, cloudformation, page, paste
):
    cloudformation.parameters = names_of(ROOT / f"tests/stack/releases/{release}.yaml")
    paste(page[1]["one-account-update"])
    (update,) = cloudformation.updates()
    assert update["TemplateURL"].endswith("/orchestera-access.yaml")
    assert parameters_of(update) == dict.fromkeys(cloudformation.parameters)
