"""What the launch page says, against what it is about; read here anew, without what builds the page."""

import html
import json
import re
import shutil

import pytest
from samcli.yamlhelper import yaml_parse

from orchestera_local import permissions
from orchestera_release import link, product
from orchestera_site import build, choices


@pytest.fixture(scope="module")
def page(dist):
    return build.page(product.BUCKET_PREFIX)


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
    ends = [f"edition-{name}" for name in permissions.EDITIONS[1:]] + ["trust"]
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
    for name in product.ACCESS_TEMPLATES:
        template = yaml_parse((dist / name).read_text())
        for parameter in template["Parameters"].values():
            assert " ".join(parameter["Description"].split()) in text
        for logical_id, resource in template["Resources"].items():
            words = resource.get("Properties", {}).get("Description", "")
            assert re.search(rf"\b{logical_id} {resource['Type']} {re.escape(words) or '[A-Z]'}", text), logical_id
        for output in template["Outputs"].values():
            assert " ".join(output.get("Description", "").split()) in text


def test_the_same_artefacts_give_the_same_page(page):
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


@pytest.mark.parametrize("pattern", [None, ".*", r"[\w ]+", "[a-z$]*"])
def test_no_page_is_made_with_a_parameter_that_could_hold_what_a_shell_reads_as_its_own(pattern, dist, monkeypatch):
    presettable = link.presettable

    def with_another(template):
        if pattern is None:
            del template["Parameters"]["PermissionsBoundaryName"]["AllowedPattern"]
        else:
            template["Parameters"]["PermissionsBoundaryName"]["AllowedPattern"] = pattern
        return presettable(template)

    monkeypatch.setattr(choices.link, "presettable", with_another)
    with pytest.raises(product.Refused, match="PermissionsBoundaryName may hold what a shell reads as its own"):
        choices.all_choices(dist, product.BUCKET_PREFIX)
