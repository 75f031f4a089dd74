"""What the launch page says, compared with its sources, which are read here without the code that builds the page."""

import html
import json
import re
import shutil

import pytest
from samcli.yamlhelper import yaml_parse

from orchestera_local import permissions
from orchestera_release import link, product
from orchestera_site import build, choices, documents, facts


@pytest.fixture(scope="module")
def page(dist):
    """As after a release: the artefacts are signed by its key."""
    with pytest.MonkeyPatch.context() as patch:
        as_a_release(patch, dist)
        yield build.page(product.BUCKET_PREFIX)


def as_a_release(patch, dist):
    for module in (build, link):
        patch.setattr(module, "RELEASE_KEY", dist / product.PUBLIC_KEY)


@pytest.fixture(scope="module")
def text(page):
    """What a reader reads, blanks aside."""
    return " ".join(html.unescape(re.sub(r"<(style|script)>.*?</\1>|<[^>]+>", " ", page, flags=re.DOTALL)).split())


def part(page, start, end):
    """What is read between two ids."""
    between = page[page.index(f'id="{start}"') : page.index(f'id="{end}"')]
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", between)).split())


def test_every_action_of_every_edition_stands_in_the_table_and_with_its_reason(page):
    table = part(page, "side-by-side", f"edition-{permissions.EDITIONS[0]}")
    ends = [f"edition-{name}" for name in permissions.EDITIONS[1:]] + ["trust-heading"]
    for name, end in zip(permissions.EDITIONS, ends, strict=True):
        with_reasons = part(page, f"edition-{name}", end).split("The document,")[0]
        for action, resource in permissions.granted(permissions.edition(name)):
            service, _, call = action.partition(":")
            assert re.search(rf"(?<![\w:]){re.escape(action)}(?!\w)", with_reasons), action
            assert (action if call == "*" else call) in table and service in table
            assert resource == "*" or resource in table


def test_the_documents_on_the_page_are_those_of_the_repository(page):
    values = [html.unescape(block) for block in re.findall(r"<pre><code>(\{.*?)</code></pre>", page, re.DOTALL)]
    names = [*(f"{name}.json" for name in permissions.EDITIONS), "trust.json"]
    assert [json.loads(value) for value in values] == [
        json.loads((product.ROOT / "policies" / name).read_text()) for name in names
    ]


def test_every_file_that_is_signed_is_listed_with_its_checksum_and_its_address(page, dist):
    for line in (dist / product.SUMS).read_text().splitlines():
        sum_, name = line.split("  ")
        address = product.url(product.BUCKET_PREFIX, product.REGIONS[0], name)
        assert re.search(rf'<a href="{re.escape(address)}">{re.escape(name)}</a>.*?{sum_}', page, re.DOTALL)
    assert (dist / product.PUBLIC_KEY).read_text().strip() in page
    built = json.loads((dist / product.PROVENANCE).read_text())["predicate"]["buildDefinition"]
    assert built["resolvedDependencies"][0]["digest"]["gitCommit"] in page


def test_every_parameter_resource_and_output_of_every_template_is_there_with_its_words(text, dist):
    for name in product.TEMPLATES:
        template = yaml_parse((dist / name).read_text())
        for parameter in template["Parameters"].values():
            assert " ".join(parameter["Description"].split()) in text
        for logical_id, resource in template["Resources"].items():
            properties = resource.get("Properties", {})
            words = properties.get("Description") or properties.get("AlarmDescription") or ""
            words = " ".join(words.split()) if isinstance(words, str) else ""
            assert re.search(rf"\b{logical_id} {resource['Type']} {re.escape(words) or '[A-Z]'}", text), logical_id
        for output in template["Outputs"].values():
            assert " ".join(output.get("Description", "").split()) in text


def test_the_same_artefacts_give_the_same_page(page, dist, monkeypatch):
    as_a_release(monkeypatch, dist)
    assert build.page(product.BUCKET_PREFIX) == page


def test_the_page_is_written_in_plain_sentences_and_names_no_machine(text, page):
    assert "—" not in text and "–" not in text and "!" not in text.replace("!Ref", "").replace("!Sub", "")
    assert str(product.ROOT) not in page and "localhost" not in page


def test_no_page_is_made_of_artefacts_that_are_not_of_these_sources(dist, tmp_path, monkeypatch):
    changed = shutil.copytree(dist, tmp_path / dist.name)
    template, sums = changed / product.NATIVE, changed / product.SUMS
    before = product.sha256(template.read_bytes())
    template.write_text(template.read_text().replace("017059471480", "111122223333"))
    monkeypatch.setenv("ORCHESTERA_DIST", str(tmp_path))
    with pytest.raises(product.Refused, match="does not match SHA256SUMS"):
        build.page(product.BUCKET_PREFIX)
    sums.write_text(sums.read_text().replace(before, product.sha256(template.read_bytes())))
    with pytest.raises(product.Refused, match="orchestera-access-native.yaml in .* is not of these sources"):
        build.page(product.BUCKET_PREFIX)


def test_no_condition_of_a_resource_is_shown_without_words(text):
    assert "under the condition" not in text


def test_the_facts_of_the_documents_are_on_the_page(page, text):
    known = facts.load()
    for one in (known["what"], known["cost"]["month"], known["time"], known["undo"], *known["steps"]):
        assert plain(one) in text
    assert all(plain(one) in text for one in known["account_check"].values() if one != known["account_check"]["title"])
    for rows in (known["resources"], known["questions"], known["reviewer_questions"], known["cost"]["items"]):
        for row in rows:
            assert all(plain(one) in text for one in row.values()), row
    assert page.count("<summary>Is this my account?</summary>") == len(link.TEMPLATES)


def plain(markdown):
    """What a reader reads of a fact, as `text` has it."""
    shown = re.sub(r"<[^>]+>", " ", documents.inline(markdown))
    return " ".join(html.unescape(shown).split())


def test_a_table_of_a_document_is_read_as_markdown_and_not_by_its_bars(tmp_path, monkeypatch):
    monkeypatch.setattr(documents, "ROOT", tmp_path)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/a.md").write_text(
        "| before | |\n|---|---|\n| 1 | 2 |\n\n## Here, at last\n\n```text\n| no | table |\n```\n\n"
        "| a | b |\n|:-:|---|\n| x \\| y | `c` and [d](../policies/README.md#e) |\n| [f](g.md#h) | [i](https://j) |\n\n"
        "| other | table |\n|---|---|\n| 3 | 4 |\n\n## After\n"
    )
    head, rows = documents.table("docs/a.md", "Here")
    assert head == ["a", "b"]
    assert rows == [
        ["x | y", '<code>c</code> and <a href="#permissions">d</a>'],
        ["f (<code>docs/g.md</code>)", '<a href="https://j">i</a>'],
    ]
    assert documents.table("docs/a.md")[0] == ["before", ""]


def test_the_whole_guide_is_among_the_choices(page, dist):
    organization = next(one for one in choices.all_choices(dist, "a-prefix") if one.kind == "organization")
    assert organization.url.endswith(f"/{product.ORGANIZATION}")
    assert organization.capabilities == ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
    assert 'name="choice" value="new-account"' in page
    # What a link may not hold is entered in the console.
    entered = {one.name for one in organization.parameters if not one.is_presettable}
    assert {"AccountEmail", "AccountId", "AdminUserNames", "ExternalId", "AcceptPaidPlan"} <= entered
    settings = page[page.index('<section class="choice" id="new-account"') : page.index('id="many-accounts"')]
    for name in entered:
        assert f'<code class="name">{name}</code>' in settings and f'name="{name}"' not in settings


def test_before_a_release_the_page_has_no_link_and_names_no_address_in_a_bucket(page, dist, tmp_path, monkeypatch):
    assert "console.aws.amazon.com" in page
    for key in (tmp_path / "none.pub", tmp_path / "another.pub"):
        monkeypatch.setattr(build, "RELEASE_KEY", key)
        without = build.page(product.BUCKET_PREFIX)
        assert "No release is published yet, so this page has no link." in without
        assert not re.search(r"console\.aws|\.s3\.us-east-1\.amazonaws|s3://|--template-url", without)
        # An artefact that another key signed is no release either.
        (tmp_path / "another.pub").write_text("another key\n")


UNUSUAL = {
    "NoLabel": {"Type": "String", "Default": "", "AllowedPattern": ".*"},
    "Pairs": {"Type": "CommaDelimitedList", "Default": "", "AllowedPattern": "^$|^[^=]+=.*$"},
    "Free": {"Type": "String"},
    "Unlimited": {"Type": "Number", "Default": 0},
}


def test_a_page_is_built_with_any_parameter(dist, tmp_path, monkeypatch):
    changed = shutil.copytree(dist, tmp_path / dist.name)
    template = yaml_parse((changed / product.NATIVE).read_text())
    template["Parameters"] |= UNUSUAL
    (changed / product.NATIVE).write_text(json.dumps(template))
    native = next(one for one in choices.all_choices(changed, "a-prefix") if one.kind == "native")
    added = {one.name: one for one in native.parameters if one.name in UNUSUAL}
    assert [one.label for one in added.values()] == list(UNUSUAL)
    assert [one.is_list for one in added.values()] == [False, True, False, False]
    assert added["Unlimited"].is_number and added["Unlimited"].problem == "Unlimited: a whole number."
