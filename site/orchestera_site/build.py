"""`make -C release site` writes the launch page, dist/site/index.html, from dist/<version>/ and the documents.

It is one file: style and script are in it, and its content security policy allows only those two, by their hashes. So
any server can serve it, you can send it by mail, and you can compare it by one checksum.
"""

import base64
import hashlib
import json
import logging
import os
import sys
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from orchestera_release import product, templates
from orchestera_release.command_line import parser
from orchestera_release.product import ROOT, Refused
from orchestera_release.publish import artefacts
from orchestera_release.signature import RELEASE_KEY
from orchestera_site import choices, commands, contents, documents, facts, grants

SITE = ROOT / "site"


def folder():
    """Where the page is written. The tests have a place of their own."""
    return Path(os.environ.get("ORCHESTERA_SITE") or ROOT / "dist/site")


def published(prefix):
    """The artefacts of this version by name. Raises `Refused` if they are not of these sources."""
    files = artefacts(product.VERSION, prefix)
    for name, template in templates.published(prefix, files).items():
        if templates.content(name, template).encode() != files[name]:
            raise Refused(f"{name} in {product.folder()} is not of these sources. Run `make dist` again.")
    return files


def page(prefix):
    """The whole page as a text."""
    files = published(prefix)
    is_signed_for_release = RELEASE_KEY.is_file() and RELEASE_KEY.read_bytes() == files[product.PUBLIC_KEY]
    # Before a release, anybody may own the buckets of the releases.
    has_links = prefix != product.BUCKET_PREFIX or is_signed_for_release
    offered = choices.all_choices(product.folder(), prefix, has_links)
    style, script = ((SITE / name).read_text() for name in ("style.css", "launch.js"))
    environment = Environment(
        loader=FileSystemLoader(SITE / "page"), undefined=StrictUndefined, autoescape=True, trim_blocks=True
    )
    environment.globals |= {
        "launch": commands.launch,
        "own_link": commands.own_link,
        "lifecycle": commands.lifecycle,
        "resources": lambda choice: list(contents.resources(choice.template)),
        "table": documents.table,
        "inline": documents.inline,
    }
    region = product.REGIONS[0]
    base, place = product.url(prefix, region, ""), f"{product.bucket(prefix, region)}/{product.key('')}"
    default = next(one.default for one in offered[0].parameters if one.name == "PolicyEdition")
    source = json.loads(files[product.PROVENANCE])["predicate"]["buildDefinition"]["resolvedDependencies"][0]
    return environment.get_template("index.html").render(
        version=product.VERSION,
        region=region,
        choices=offered,
        facts=facts.load(),
        # Of the file that the reader saves: the page holds it, so that this needs nothing but a browser.
        native=base64.b64encode(files[product.NATIVE]).decode(),
        native_name=product.NATIVE,
        native_sum=product.sha256(files[product.NATIVE]),
        bucket=product.bucket(prefix, region),
        has_links=has_links,
        editions=grants.editions(default),
        side_by_side=grants.side_by_side(),
        allowed=grants.in_short(default),
        trust=grants.trust(),
        files=[(name, len(files[name]), product.sha256(files[name]), base + name) for name in product.SUMMED],
        public_key=files[product.PUBLIC_KEY].decode().strip(),
        is_signed_for_release=is_signed_for_release,
        commit=source["digest"]["gitCommit"],
        download=commands.download(region, place, product.SUMMED, product.SUMS, product.SIGNATURE, product.PUBLIC_KEY),
        verify=commands.verify(region),
        look=commands.look(region),
        shut_now=commands.shut_now(region),
        style=style,
        script=script,
        security=_content_security_policy(style, script),
    )


def _content_security_policy(style, script):
    """Nothing from another file, and no script from a text. `data:` is for the icon.

    https://www.w3.org/TR/CSP3/
    """
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src '{_hash(script)}'",
            f"style-src '{_hash(style)}'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        ]
    )


def _hash(text):
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def main(arguments=None):
    options = parser("orchestera_site.build", __doc__, "")
    product.add_bucket_prefix(options)
    prefix = options.parse_args(arguments).bucket_prefix
    # SAM's transform warns about metrics that nobody reads.
    logging.getLogger("samtranslator").setLevel(logging.ERROR)
    product.check_prefix(prefix)
    content = page(prefix).encode()
    path = folder() / "index.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    print(f"{len(content):>9}  {path}\n{product.sha256(content)}  {path.name}")


if __name__ == "__main__":
    sys.exit(main())
