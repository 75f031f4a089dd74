"""What a user types: which commands there are, and what counts of the environment."""

import os
import re
import shutil
import subprocess

import pytest

from orchestera_release.product import ROOT

MAKEFILES = {"": ROOT} | {name: ROOT / name for name in ("release", "tests", "bench", "fuzz")}
# What people have for other reasons, or might have.
ELSEWHERE = dict.fromkeys(
    ["BUCKET_PREFIX", "SIGNING_KEY", "DRY_RUN", "PARAMETERS", "TEMPLATE", "STACK_NAME", "REGION", "VERSION", "TARGET"]
    + ["CHROMIUM", "FLEETS", "WALK_SEED", "FUZZ_SECONDS", "CONTENDERS", "ROUNDS", "SIZES", "BENCH_FLAGS", "BUILDS"]
    + ["FUNCTIONS", "SAM_FUNCTION", "PROFILE", "ORCHESTERA", "PLATFORM_PROFILE"]
    + ["ROOT", "PYTHON", "BOOTSTRAP", "CLI", "TARGET_DIR", "CRATES", "NEW", "COST", "FLOOR", "BUILT", "KINDS", "VENV"],
    "not-mine",
)
FUNCTIONS = ["orchestera-access", "orchestera-organization"]
TEXTS = (".md", ".py", ".rs", ".toml", ".in", ".html", ".js", ".sh", ".yaml", ".mk", "Makefile", ".ci/run")
GOALS = [("", "build"), ("", "cli"), ("", "dist"), ("", "publish"), ("", "link"), ("", "test"), ("release", "version")]
GOALS += [("release", "site"), ("release", "prove-aws"), ("", "prove-aws")]
GOALS += [("tests", "fleet"), ("tests", "deep"), ("fuzz", "fuzz")]
GOALS += [("bench", "bench"), ("bench", "scale"), ("bench", "fleet"), ("", "bench-fleet")]


def dry_run(folder, *arguments, **environment):
    """What make would run, but for the number of its process."""
    inherited = {name: value for name, value in os.environ.items() if name not in ELSEWHERE}
    ran = subprocess.run(
        ["make", "--no-print-directory", "--dry-run", *arguments],
        cwd=MAKEFILES[folder],
        env=inherited | environment,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def goals(folder):
    """The commands of a makefile, those without a description included."""
    text = (MAKEFILES[folder] / "Makefile").read_text() + (ROOT / "common.mk").read_text()
    return set(re.findall(r"^([a-z][\w-]*)(?: [a-z][\w -]*)?:(?!=)", text, re.MULTILINE)) | {"tools", "build", "dist"}


@pytest.mark.parametrize("folder, goal", GOALS)
def test_a_variable_of_the_environment_is_no_argument(folder, goal):
    # A dry run that was meant must not become a real one: that variable is refused, see below.
    others = {name: value for name, value in ELSEWHERE.items() if (name, goal) != ("DRY_RUN", "publish")}
    assert dry_run(folder, goal, **others) == dry_run(folder, goal)


ARGUMENTS = [
    ("", "link", "STACK_NAME=mine", "--stack-name='mine'"),
    ("", "link", "REGION=eu-west-1", "--region='eu-west-1'"),
    ("", "link", "TEMPLATE=native", "--template='native'"),
    ("", "link", "TEMPLATE=organization", "--template='organization'"),
    ("", "link", "PARAMETERS=A='1 2' B=$$(x)", "--parameters='A='\\''1 2'\\'' B=$(x)'"),
    ("", "dist", "SIGNING_KEY=a b.pem", "--signing-key='a b.pem'"),
    ("", "publish", "DRY_RUN=1", "--dry-run"),
    ("", "publish", "BUCKET_PREFIX=mine", "--bucket-prefix='mine'"),
    ("release", "version", "VERSION=1.2.3", "orchestera_release.version '1.2.3'"),
    ("release", "site", "BUCKET_PREFIX=mine", "--bucket-prefix='mine'"),
    ("release", "prove-aws", "PROFILE=my account", "--profile='my account'"),
    ("", "prove-aws", "PROFILE=mine", "--profile='mine'"),
    ("", "prove-aws", "ORCHESTERA=a b", "--orchestera='a b'"),
    ("", "prove-aws", "REGION=eu-west-1", "--region='eu-west-1'"),
    ("", "prove-aws", "PLATFORM_PROFILE=theirs", "--platform-profile='theirs'"),
    ("tests", "fleet", "FLEETS=10 50", "orchestera_local.fleet 10 50"),
    ("tests", "deep", "WALK_SEED=7", "WALK_SEED='7'"),
    ("fuzz", "fuzz", "FUZZ_SECONDS=7", "-max_total_time=7"),
    ("bench", "bench", "ROUNDS=7", "--rounds 7"),
    ("bench", "scale", "SIZES=1 10", " 1 10 --output"),
    ("bench", "fleet", "SIZES=1 10", " 1 10 --orchestera"),
    ("bench", "fleet", "ROUNDS=7", "--rounds 7"),
    ("bench", "fleet", "ORCHESTERA=mine", '--orchestera "mine"'),
    ("", "bench-fleet", "SIZES=1 10", " 1 10 --orchestera"),
]


@pytest.mark.parametrize("folder, goal, argument, option", ARGUMENTS)
def test_an_argument_of_make_is_an_option_of_the_command(folder, goal, argument, option):
    assert option in dry_run(folder, goal, argument)
    assert option not in dry_run(folder, goal)


def test_make_dry_run_0_is_none():
    assert "--dry-run" not in dry_run("", "publish", "DRY_RUN=0")


def test_a_dry_run_of_the_environment_is_refused_and_not_published():
    environment = os.environ | {"DRY_RUN": "1"}
    ran = subprocess.run(["make", "publish"], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert ran.returncode and "Give it as an argument: make publish DRY_RUN=1" in ran.stderr


@pytest.mark.parametrize("goal", ["cost", "bench", "bench-fleet", "prove-role", "test-browser"])
def test_libc_and_a_relative_target_dir_reach_the_makefile_that_a_command_is_forwarded_to(goal):
    planned = dry_run("", goal, LIBC="gnu", CARGO_TARGET_DIR="out", ORCHESTERA_CHECKED="")
    assert "-unknown-linux-gnu" in planned and "-unknown-linux-musl" not in planned
    assert f"{ROOT}/out/" in planned and f"{ROOT}/tests/out" not in planned and f"{ROOT}/bench/out" not in planned


def test_a_folder_with_a_space_is_refused_with_a_sentence(tmp_path):
    folder = tmp_path / "a clone"
    folder.mkdir()
    for name in ("Makefile", "common.mk"):
        shutil.copy(ROOT / name, folder)
    ran = subprocess.run(["make", "help"], cwd=folder, capture_output=True, text=True)
    assert ran.returncode and "contains a space, which make cannot handle. Move the clone" in ran.stderr


def test_arch_libc_and_cargo_target_dir_count_from_the_environment(tmp_path):
    built = dry_run("", "build", CARGO_TARGET_DIR=str(tmp_path), LIBC="gnu", ARCH="arm64", ORCHESTERA_CHECKED="1")
    assert "--target aarch64-unknown-linux-gnu" in built and f'--lambda-dir "{tmp_path}/lambda.new-' in built
    for function in FUNCTIONS:
        assert f" --package {function} " in built and f'"{tmp_path}/lambda/{function}/bootstrap"' in built


def test_the_command_line_is_built_for_the_machine_that_arch_says_and_dist_has_both(tmp_path):
    built = dry_run("", "cli", CARGO_TARGET_DIR=str(tmp_path), LIBC="musl", ARCH="arm64", ORCHESTERA_CHECKED="1")
    assert "--profile cli --locked --package orchestera-cli --target aarch64-unknown-linux-musl" in built
    assert f'ls -l "{tmp_path}/aarch64-unknown-linux-musl/cli/orchestera"' in built
    made = dry_run("", "dist", LIBC="musl", ORCHESTERA_CHECKED="1")
    assert re.findall(r"--package orchestera-cli --target (\w+)-unknown-linux-musl", made) == ["x86_64", "aarch64"]
    assert "--for-tests" not in made


def test_the_tests_get_the_command_line_that_make_cli_built_and_one_for_arm64_where_it_runs(tmp_path):
    planned = dry_run("", "test", CARGO_TARGET_DIR=str(tmp_path), LIBC="musl", ORCHESTERA_CHECKED="1")
    assert f'ORCHESTERA_CLI="{tmp_path}/x86_64-unknown-linux-musl/cli/orchestera"' in planned
    under_test = f'ORCHESTERA_CLI_AARCH64="{tmp_path}/aarch64-unknown-linux-musl/debug/orchestera"'
    assert planned.count(under_test) == planned.count(f'ORCHESTERA_DIST="{tmp_path}/dist"') == 2
    (built,) = re.findall(r"^if .*machine.sh' arm64; then .*$(?:\n.*)?", planned, re.MULTILINE)
    assert "--profile dev --locked --package orchestera-cli --target aarch64-unknown-linux-musl" in built
    # On a machine for arm64, the one of `make cli` is the one for arm64.
    assert "ORCHESTERA_CLI_AARCH64" not in dry_run("", "test", LIBC="musl", ARCH="arm64", ORCHESTERA_CHECKED="1")


@pytest.mark.parametrize(
    "logical_id, function", zip(["AccessFunction", "OrganizationFunction"], FUNCTIONS, strict=True)
)
def test_sam_build_gets_the_function_of_the_template_for_its_architecture(tmp_path, logical_id, function):
    planned = dry_run("", f"build-{logical_id}", f"ARTIFACTS_DIR={tmp_path}", ARCH="arm64", ORCHESTERA_CHECKED="1")
    assert "--target x86_64-" in planned
    (installed,) = re.findall(r"^install (.*)$", planned, re.MULTILINE)
    assert f"/lambda/{function}/bootstrap" in installed and installed.endswith(f'"{tmp_path}/bootstrap"')


def test_the_makefile_of_the_root_has_what_a_newcomer_needs_and_says_where_the_rest_is():
    shown = subprocess.run(
        ["make", "--no-print-directory", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    listed = re.findall(r"^  make (\w+) ", shown, re.MULTILINE)
    needed = {"setup", "build", "run", "test", "check", "up", "down", "dist", "publish", "link", "bench"}
    needed |= {"clean", "cli", "help"}
    assert needed <= set(listed) and len(listed) <= len(needed) + 1
    for folder in set(MAKEFILES) - {""}:
        assert folder in shown.splitlines()[-1]
        shown_there = subprocess.run(
            ["make", "--no-print-directory", "-C", folder, "help"], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout
        assert f"  make -C {folder} " in shown_there


def test_every_make_command_that_is_named_anywhere_is_there():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    count, wrong = 0, []
    for name in listed:
        # What was is in the changelog; what is made up, in the tests of the lint.
        is_made_up = name in ("CHANGELOG.md", "tests/release/test_command_lint.py")
        if is_made_up or not (name.endswith(TEXTS) and (ROOT / name).is_file()):
            continue
        text = (ROOT / name).read_text()
        found = re.findall(r"(?:`|<code>)make (?:-C (\w+) ?)?([a-z][\w-]*)?", text)
        found += re.findall(r"^make (?:-C (\w+) ?)?([a-z][\w-]*)?$", text, re.MULTILINE)
        for folder, goal in found:
            count += 1
            if folder not in MAKEFILES or goal and goal not in goals(folder):
                wrong.append(f"{name}: make {folder and f'-C {folder} '}{goal}")
    assert count > 100 and not wrong


def test_the_function_is_built_anew_while_the_one_before_is_running(tmp_path):
    """The stub does as cargo-lambda: it writes into the file that is there. Linux refuses that while the file runs."""
    program = tmp_path / "cargo-lambda"
    program.write_text(
        "#!/bin/bash\n"
        f'for function in {" ".join(FUNCTIONS)}; do folder="${{@: -1}}/$function"; mkdir -p "$folder"\n'
        f'cat "{tmp_path}/new" > "$folder/bootstrap" && chmod 755 "$folder/bootstrap"; done\n'
    )
    program.chmod(0o755)
    built = tmp_path / "target/lambda/orchestera-access/bootstrap"
    build = ["make", "build", f"CARGO_LAMBDA={program}", f"CARGO_TARGET_DIR={tmp_path}/target"]
    shutil.copy(shutil.which("sleep"), tmp_path / "new")
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    assert sorted(os.listdir(built.parents[1])) == FUNCTIONS
    with subprocess.Popen([built, "60"]) as running:
        try:
            with pytest.raises(OSError, match="Text file busy"):
                built.open("r+b")
            (tmp_path / "new").write_bytes(b"another function")
            again = subprocess.run(build, cwd=ROOT, capture_output=True, text=True)
            assert again.returncode == 0, again.stderr
            assert built.read_bytes() == b"another function" and running.poll() is None
        finally:
            running.kill()
    assert os.listdir(tmp_path / "target") == ["lambda"]
