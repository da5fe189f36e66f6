"""What the stories about DynamoDB share: tables made in one line, and items written as Python has them."""

from __future__ import annotations

from typing import Any

from tests.stories.here import ACCOUNT, REGION, Here


def table_arn(name: str, region: str = REGION) -> str:
    return f"arn:aws:dynamodb:{region}:{ACCOUNT}:table/{name}"


def schema(*keys: str) -> list[dict[str, str]]:
    """A key schema: `schema("id", "at")` has a sort key `at`."""
    return [{"AttributeName": name, "KeyType": kind} for name, kind in zip(keys, ("HASH", "RANGE"), strict=False)]


def make(here: Here, name: str = "books", keys: str = "id:S", more: str = "", **given: Any) -> Any:
    """A table: `keys` are its own and `more` those that its indexes need, each with its type: "id:S at:N"."""
    own = [key.split(":") for key in keys.split()]
    defined = [*own, *(key.split(":") for key in more.split())]
    request = {
        "TableName": name,
        "KeySchema": schema(*(key for key, _ in own)),
        "AttributeDefinitions": [{"AttributeName": key, "AttributeType": kind} for key, kind in defined],
        "BillingMode": "PAY_PER_REQUEST",
        **given,
    }
    return here.dynamodb.create_table(**{key: value for key, value in request.items() if value is not None})["TableDescription"]


def value(of: Any) -> dict[str, Any]:
    """An attribute value of a Python value."""
    match of:
        case bool():
            return {"BOOL": of}
        case None:
            return {"NULL": True}
        case int() | float():
            return {"N": str(of)}
        case str():
            return {"S": of}
        case bytes():
            return {"B": of}
        case list():
            return {"L": [value(member) for member in of]}  # pyright: ignore[reportUnknownVariableType]
        case _:
            return {"M": {name: value(member) for name, member in of.items()}}


def item(**of: Any) -> dict[str, Any]:
    return {name: value(member) for name, member in of.items()}


def records(here: Here, arn: str, kind: str = "TRIM_HORIZON") -> list[dict[str, Any]]:
    """All records of a stream."""
    shard = here.dynamodbstreams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    place = here.dynamodbstreams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType=kind)
    return here.dynamodbstreams.get_records(**place)["Records"]
