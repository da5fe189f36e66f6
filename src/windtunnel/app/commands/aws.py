"""`windtunnel aws …`: the AWS CLI, as it is installed, against the region."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from windtunnel.app.problem import Problem

MISSING = "The AWS CLI is not installed: `pip install awscli` (or 'windtunnel[aws]'), or see https://aws.amazon.com/cli/."


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser], asks: argparse.ArgumentParser) -> None:  # pyright: ignore[reportPrivateUsage]
    del asks  # what follows `aws` is the AWS CLI's to read
    parser = commands.add_parser("aws", help="the AWS CLI against the region: windtunnel aws s3 ls", add_help=False)
    parser.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> int:
    """Becomes the AWS CLI, so that its input, output, signals and exit status are the caller's."""
    from windtunnel.app.remote import endpoint_of

    program, endpoint = _program(), endpoint_of(parsed.endpoint)
    environment = {**os.environ, **settings(os.environ, endpoint, profile=_gives("--profile", parsed.rest))}
    # Version 1 of the AWS CLI has endpoints of its own for SQS and a few others, which only this option overrules.
    words = parsed.rest if _gives("--endpoint-url", parsed.rest) else ["--endpoint-url", endpoint, *parsed.rest]
    if sys.platform != "win32":
        os.execve(program, [program, *words], environment)
    import subprocess

    return subprocess.run([program, *words], env=environment, check=False).returncode


def settings(environment: Mapping[str, str], endpoint: str, *, profile: bool = False) -> dict[str, str]:
    """The variables that point AWS's tools at a region, without those the user has set.

    Keys of the user's files are for AWS and stay there unless a profile is named.
    """
    chosen = {"AWS_ENDPOINT_URL": endpoint}
    if profile or "AWS_PROFILE" in environment:
        return chosen
    if "AWS_ACCESS_KEY_ID" not in environment:
        chosen |= {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    if not environment.get("AWS_REGION") and not environment.get("AWS_DEFAULT_REGION") and not _region_in_file(environment):
        chosen["AWS_DEFAULT_REGION"] = "us-east-1"
    return chosen


def _gives(option: str, words: list[str]) -> bool:
    return any(word == option or word.startswith(f"{option}=") for word in words)


def _program() -> str:
    """The `aws` beside this Python, else the one on the PATH."""
    import shutil

    beside = Path(sys.executable).parent
    found = shutil.which("aws", path=str(beside)) or shutil.which("aws")
    if found is None:
        raise Problem(MISSING)
    return found


def _region_in_file(environment: Mapping[str, str]) -> bool:
    from configparser import ConfigParser, Error

    parser = ConfigParser(interpolation=None)
    try:
        parser.read(Path(environment.get("AWS_CONFIG_FILE", "~/.aws/config")).expanduser(), encoding="utf-8")
    except (Error, UnicodeDecodeError, RuntimeError):
        return False
    return parser.has_option("default", "region")
