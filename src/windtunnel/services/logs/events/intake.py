"""What is done to events as they come in, before they are kept: they are transformed, and what is sensitive in them is hidden.

A group without policies of its own, in an account without any, pays nothing for it.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from windtunnel.fabric import Tx
from windtunnel.services.logs.criteria import selected
from windtunnel.services.logs.fields import indexing
from windtunnel.services.logs.protection.detection import Finding, detector, masked
from windtunnel.services.logs.state import ACCOUNT_POLICIES, GROUP_POLICIES, PROTECTION, TRANSFORMER, Chunk, Group
from windtunnel.services.logs.transform.paths import NotTransformed
from windtunnel.services.logs.transform.processors import transformer


def taken_in(tx: Tx, name: str, group: Group, chunk: Chunk) -> Chunk:
    """The chunk as it is to be kept."""
    config = _transformer(tx, name, group)
    transformed = [_transformed(tx, name, chunk.name, config, message) for message in chunk.messages] if config else []
    detect = [detector(document) for document in _protections(tx, name, group)]
    originals: dict[int, str] = {}
    messages = chunk.messages
    if detect:
        messages = [_hidden(detect, message) for message in messages]
        originals = {number: text for number, text in enumerate(chunk.messages) if text != messages[number]}
        transformed = [_hidden(detect, text) for text in transformed]
    chunk = msgspec.structs.replace(chunk, messages=messages, originals=originals, transformed=transformed)
    indexing.note(tx, name, group, chunk)
    return chunk


def _hidden(detect: list[Callable[[str], list[Finding]]], message: str) -> str:
    findings = [finding for one in detect for finding in one(message)]
    return masked(message, findings) if findings else message


def _transformed(tx: Tx, group: str, stream: str, config: str, message: str) -> str:
    metadata = {"@logGroupName": group, "@logGroupStream": stream, "@accountId": tx.account, "@regionName": tx.region}
    try:
        return transformer(config)(message, metadata)
    except NotTransformed:
        return ""


def _transformer(tx: Tx, name: str, group: Group) -> str:
    """The group's own, else the account's."""
    policy = tx.get(GROUP_POLICIES, name, TRANSFORMER) if group.policies & TRANSFORMER else None
    if policy is not None:
        return policy.document
    if group.kind != "STANDARD":
        return ""
    return next((found.document for _, found in tx.scan(ACCOUNT_POLICIES, "TRANSFORMER_POLICY") if selected(found.criteria, name)), "")


def _protections(tx: Tx, name: str, group: Group) -> list[str]:
    """The group's own and the account's: both hide."""
    documents = [found.document for _, found in tx.scan(ACCOUNT_POLICIES, "DATA_PROTECTION_POLICY")]
    policy = tx.get(GROUP_POLICIES, name, PROTECTION) if group.policies & PROTECTION else None
    return documents if policy is None else [*documents, policy.document]
