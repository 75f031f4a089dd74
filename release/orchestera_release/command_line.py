"""What the commands of this project have in common: `--help` says what a command does, its options, and an example."""

import argparse


def parser(module, description, example):
    """For the command `python -m <module>`. `description` is its docstring, `example` the options of one."""
    command = f".venv/bin/python -m {module}"
    return argparse.ArgumentParser(
        prog=command,
        description=description,
        epilog=f"Example:\n  {command} {example}".rstrip(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
