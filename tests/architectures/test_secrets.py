"""Secrets over real HTTP: a function of the user's makes the new value, which the region's clock asks for."""

from __future__ import annotations

import io
import zipfile
from typing import Any

from windtunnel import LocalRegion

FUNCTION = """
import boto3

def handler(event, context):
    client = boto3.client("secretsmanager")
    secret, token, step = event["SecretId"], event["ClientRequestToken"], event["Step"]
    if step == "createSecret":
        client.put_secret_value(SecretId=secret, ClientRequestToken=token, SecretString="new", VersionStages=["AWSPENDING"])
    if step == "testSecret":
        client.get_secret_value(SecretId=secret, VersionId=token, VersionStage="AWSPENDING")
    if step == "finishSecret":
        stages = client.describe_secret(SecretId=secret)["VersionIdsToStages"]
        current = next(version for version, labels in stages.items() if "AWSCURRENT" in labels)
        client.update_secret_version_stage(SecretId=secret, VersionStage="AWSCURRENT", MoveToVersionId=token, RemoveFromVersionId=current)
"""


def _zipped(text: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("app.py", text)
    return data.getvalue()


def _function(region: LocalRegion) -> str:
    aws: Any = region.client("lambda")
    made = aws.create_function(
        FunctionName="rotates",
        Runtime="python3.11",
        Handler="app.handler",
        Role="arn:aws:iam::000000000000:role/rotates",
        Timeout=20,
        Code={"ZipFile": _zipped(FUNCTION)},
    )
    aws.add_permission(FunctionName="rotates", StatementId="s", Action="lambda:InvokeFunction", Principal="secretsmanager.amazonaws.com")
    return str(made["FunctionArn"])


def test_a_secret_under_a_key_of_its_own_rotates_every_ten_days(region: LocalRegion) -> None:
    secrets: Any = region.client("secretsmanager")
    key = region.client("kms").create_key()["KeyMetadata"]["KeyId"]
    secrets.create_secret(Name="db", SecretString="old", KmsKeyId=key)
    rules = {"AutomaticallyAfterDays": 10}
    rotated = secrets.rotate_secret(SecretId="db", RotationLambdaARN=_function(region), RotationRules=rules, ClientRequestToken="1" * 32)
    region.rest()
    read = secrets.get_secret_value(SecretId="db")
    assert (read["SecretString"], read["VersionId"], read["VersionStages"]) == ("new", rotated["VersionId"], ["AWSCURRENT"])
    assert secrets.get_secret_value(SecretId="db", VersionStage="AWSPREVIOUS")["SecretString"] == "old"
    region.jump("10d")
    region.rest()
    shown = secrets.describe_secret(SecretId="db")
    assert sorted(map(tuple, shown["VersionIdsToStages"].values())) == [("AWSCURRENT",), ("AWSPREVIOUS",)]
    assert rotated["VersionId"] in shown["VersionIdsToStages"]
    assert (shown["NextRotationDate"] - shown["LastRotatedDate"]).days in (9, 10)
