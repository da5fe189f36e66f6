"""Listing parameters: by path, by filter, and those that AWS publishes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.stories.here import Here

NAMES = ("/a/b/c", "/a/b/d", "/a/b-x", "/a/e", "f", "/a0")


@pytest.fixture
def ssm(here: Here) -> Any:
    """Systems Manager of a region with a few parameters."""
    for name in NAMES:
        here.ssm.put_parameter(Name=name, Value=f"value of {name}", Type="StringList" if name == "/a/e" else "String")
    return here.ssm


def _names(answer: dict[str, Any]) -> list[str]:
    return [each["Name"] for each in answer["Parameters"]]


def _paged(operation: Any, **request: Any) -> list[str]:
    """The names of all pages of one item each."""
    found: list[str] = []
    token: dict[str, str] = {}
    while True:
        answer = operation(**request, **token, MaxResults=1)
        found += _names(answer)
        if "NextToken" not in answer:
            return found
        token = {"NextToken": answer["NextToken"]}


def _described(ssm: Any, key: str, *values: str, option: str | None = None) -> list[str]:
    return _paged(
        ssm.describe_parameters, ParameterFilters=[{"Key": key, "Values": list(values), **({"Option": option} if option else {})}]
    )


@pytest.mark.parametrize(
    ("path", "recursive", "names"),
    [
        ("/", False, ["/a0", "f"]),
        ("/a", False, ["/a/b-x", "/a/e"]),
        ("/a/", True, ["/a/b-x", "/a/e", "/a/b/c", "/a/b/d"]),
        ("/a/b", False, ["/a/b/c", "/a/b/d"]),
        ("/a/e", True, []),
        ("/", True, ["/a0", "f", "/a/b-x", "/a/e", "/a/b/c", "/a/b/d"]),
    ],
)
def test_a_path_has_its_parameters_page_by_page(ssm: Any, path: str, recursive: bool, names: list[str]) -> None:
    assert _paged(ssm.get_parameters_by_path, Path=path, Recursive=recursive) == names
    values = [each["Value"] for each in ssm.get_parameters_by_path(Path=path, Recursive=recursive)["Parameters"]]
    assert values == [f"value of {name}" for name in names]
    assert _described(ssm, "Path", path, option="Recursive" if recursive else None) == names


def test_a_path_is_narrowed_by_type_and_label(ssm: Any) -> None:
    ssm.label_parameter_version(Name="/a/e", Labels=["live"])
    ssm.put_parameter(Name="/a/e", Value="newer", Overwrite=True)
    by_type = ssm.get_parameters_by_path(Path="/a", ParameterFilters=[{"Key": "Type", "Values": ["StringList"]}])["Parameters"]
    by_label = ssm.get_parameters_by_path(Path="/a", ParameterFilters=[{"Key": "Label", "Values": ["live"]}])["Parameters"]
    assert [each["Value"] for each in by_type] == ["newer"]
    assert [each["Value"] for each in by_label] == ["value of /a/e"]


def test_parameters_are_found_by_what_they_are(ssm: Any) -> None:
    ssm.put_parameter(Name="/z", Value="7", Type="SecureString", Tier="Advanced", Tags=[{"Key": "team", "Value": "blue"}])
    ssm.put_parameter(Name="/y", Value="7", Type="String", DataType="integer")
    assert _described(ssm, "Name", "/f", "/a/e", "/none") == ["f", "/a/e"]
    assert _described(ssm, "Name", "a/b", option="BeginsWith") == ["/a/b-x", "/a/b/c", "/a/b/d"]
    assert _described(ssm, "Name", "/b", option="Contains") == ["/a/b-x", "/a/b/c", "/a/b/d"]
    assert _described(ssm, "Path", "/a/b", "/a") == ["/a/b-x", "/a/e", "/a/b/c", "/a/b/d"]
    assert _described(ssm, "Type", "StringList", "SecureString") == ["/z", "/a/e"]
    assert _described(ssm, "KeyId", "alias/", option="BeginsWith") == ["/z"]
    assert _described(ssm, "Tier", "Advanced") == ["/z"]
    assert _described(ssm, "DataType", "integer") == ["/y"]
    assert _described(ssm, "tag:team", "blue") == ["/z"]
    assert _described(ssm, "tag:team", "red") == []
    assert _names(ssm.describe_parameters(ParameterFilters=[{"Key": "tag:team"}])) == ["/z"]
    assert _names(ssm.describe_parameters(Filters=[{"Key": "Name", "Values": ["/a/b"]}])) == ["/a/b-x", "/a/b/c", "/a/b/d"]
    assert ssm.describe_parameters(Shared=True) == {"Parameters": []}


def test_public_parameters_are_the_same_for_everybody(here: Here) -> None:
    region = "/aws/service/global-infrastructure/regions/eu-west-1"
    read = here.ssm.get_parameter(Name=f"{region}/longName")["Parameter"]
    assert (read["Value"], read["ARN"]) == ("Europe (Ireland)", f"arn:aws:ssm:us-east-1::parameter{region}/longName")
    assert "lambda" in {each["Value"] for each in _all(here, f"{region}/services")}
    folder = "/aws/service/ami-amazon-linux-latest"
    images = {each["Name"]: each["Value"] for each in _all(here, folder)}
    name = f"{folder}/al2023-ami-kernel-default-x86_64"
    assert here.ssm.get_parameter(Name=f"{name}:1")["Parameter"]["Value"] == images[name]
    abroad = here.at(region="eu-west-1", account="111111111111")
    assert abroad.ssm.get_parameter(Name=name)["Parameter"]["Value"] not in images.values()
    assert abroad.at(region="eu-west-1").ssm.get_parameter(Name=name) == abroad.ssm.get_parameter(Name=name)


def _all(here: Here, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    token: dict[str, str] = {}
    while True:
        answer = here.ssm.get_parameters_by_path(Path=path, **token)
        found += answer["Parameters"]
        if "NextToken" not in answer:
            return found
        token = {"NextToken": answer["NextToken"]}
