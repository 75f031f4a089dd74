"""templates/published/: the native template as a file of the repository, for admins without a tool."""

from orchestera_release import product, templates
from orchestera_release.product import ROOT
from orchestera_release.signature import RELEASE_KEY

KEPT = ROOT / "templates/published" / product.NATIVE


def test_the_native_template_that_is_kept_is_the_one_that_would_be_published():
    wanted = templates.published(product.BUCKET_PREFIX)[product.NATIVE]
    assert KEPT.read_text() == templates.content(product.NATIVE, wanted), (
        "To write it: .venv/bin/python -m orchestera_release.templates "
        f"--only {product.NATIVE} {KEPT.parent.relative_to(ROOT)}"
    )


def test_only_the_chosen_template_is_written(tmp_path):
    templates.main(["--only", product.NATIVE, str(tmp_path)])
    assert [path.name for path in tmp_path.iterdir()] == [product.NATIVE]
    assert (tmp_path / product.NATIVE).read_text() == KEPT.read_text()


def test_the_readme_says_that_no_release_is_published_until_there_is_a_key_of_releases():
    readme = (ROOT / "README.md").read_text()
    assert ("No release is published yet" in readme) is not RELEASE_KEY.is_file()
    assert f"]({KEPT.relative_to(ROOT)})" in readme and len(readme.splitlines()) <= 100
