"""What templates and declarations know of a stack while it is deployed: contexts for functions, and the kinds of its resources."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from windtunnel.aws.arn import partition_of
from windtunnel.fabric import Fault, Resource, Tx
from windtunnel.services.cloudformation.state import EXPORTS, ROWS, Revision, Row, Stack
from windtunnel.services.cloudformation.template.context import Context, Known
from windtunnel.services.cloudformation.template.parameters import values_of
from windtunnel.services.cloudformation.template.templates import template_of

CUSTOM = "AWS::CloudFormation::CustomResource"
GIVEN_UP = ("_FAILED", "DELETE_COMPLETE")


Kinds = Callable[[str], Resource | None]
"""What is declared under a type, of any service."""


def kind_of(kinds: Kinds, type: str) -> Resource | None:
    """The declaration of a type; custom resources may have any name under Custom::."""
    return kinds(CUSTOM if type.startswith("Custom::") else type)


def suffix_of(region: str) -> str:
    return "amazonaws.com.cn" if partition_of(region) == "aws-cn" else "amazonaws.com"


def told_by(row: Row) -> dict[str, Any]:
    """What Fn::GetAtt gives: AWS's newer kinds give their properties as well."""
    return {**row.properties, **row.attributes}


def context_of(
    tx: Tx, stack: Stack, revision: Revision, *, planning: bool = False, known: Callable[[str], Known | None] | None = None
) -> Context:
    """Where functions of a stack's template are resolved."""
    template = template_of(revision.template)
    uuid = stack.uuid

    def deployed(logical: str) -> Known | None:
        row = tx.get(ROWS, uuid, logical)
        return None if row is None or not row.id or row.status.endswith(GIVEN_UP) else Known(row.id, told_by(row))

    return Context(
        template=template,
        parameters=values_of(template, revision.parameters),
        pseudo=pseudo_of(tx.account, tx.region, stack.name, stack.id, revision.notifications),
        known=known or deployed,
        imported=lambda name: imported(tx, name),
        planning=planning,
        met={},
    )


def pseudo_of(account: str, region: str, name: str, id: str, notifications: list[str]) -> dict[str, Any]:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/pseudo-parameter-reference.html"""
    return {
        "AWS::AccountId": account,
        "AWS::NotificationARNs": notifications,
        "AWS::Partition": partition_of(region),
        "AWS::Region": region,
        "AWS::StackId": id,
        "AWS::StackName": name,
        "AWS::URLSuffix": suffix_of(region),
    }


def imported(tx: Tx, name: str) -> str:
    """The value of an export. Raises ValidationError where there is none."""
    export = tx.get(EXPORTS, name)
    if export is None:
        raise Fault("ValidationError", f"No export named {name} found.")
    return export.value
