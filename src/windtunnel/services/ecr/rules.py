"""The language of lifecycle policies: what may stand in one, and which images its rules remove.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_parameters.html
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any, Literal

import msgspec

from windtunnel.fabric import Fault
from windtunnel.services.ecr.state import Image

_DAY_SECONDS = 86_400
_WILDCARDS_MAX = 4
_SINCE = ("sinceImagePushed", "sinceImagePulled")


class Selection(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Which images a rule is about, and how many or how old they may be."""

    tag_status: Literal["tagged", "untagged", "any"]
    count_type: Literal["imageCountMoreThan", "sinceImagePushed", "sinceImagePulled", "sinceImageTransitioned"]
    count_number: int
    count_unit: Literal["days", ""] = ""
    tag_prefix_list: list[str] = []
    tag_pattern_list: list[str] = []
    storage_class: Literal["standard", "archive", ""] = ""


class Action(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """What becomes of them."""

    type: Literal["expire", "transition"]
    target_storage_class: Literal["archive", ""] = ""


class Rule(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    rule_priority: int
    selection: Selection
    action: Action
    description: str = ""


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    rules: list[Rule]


def rules_of(text: str) -> list[Rule]:
    """A policy's rules, in the order of their priorities. Raises InvalidParameterException."""
    try:
        rules = sorted(msgspec.json.decode(text, type=Policy).rules, key=lambda rule: rule.rule_priority)
    except msgspec.DecodeError as error:
        raise _invalid(str(error)) from error
    priorities = [rule.rule_priority for rule in rules]
    if len(set(priorities)) < len(priorities):
        raise _invalid("Rule priorities must be unique")
    for rule in rules:
        _check(rule, last=rule is rules[-1])
    return rules


def _check(rule: Rule, *, last: bool) -> None:
    chosen = rule.selection
    if rule.action.type == "transition" or chosen.storage_class == "archive" or chosen.count_type == "sinceImageTransitioned":
        raise Fault("NotImplemented", "windtunnel does not implement ECR's archive.", status=501)
    if rule.rule_priority < 1 or chosen.count_number < 1:
        raise _invalid("rulePriority and countNumber must be greater than 0")
    if chosen.tag_status == "any" and not last:
        raise _invalid("A rule with tagStatus any must have the highest value for rulePriority")
    if (chosen.tag_status == "tagged") is not bool(chosen.tag_prefix_list or chosen.tag_pattern_list):
        raise _invalid("tagPrefixList or tagPatternList go with tagStatus tagged")
    if chosen.tag_prefix_list and chosen.tag_pattern_list:
        raise _invalid("tagPrefixList and tagPatternList can't be used together")
    if any(pattern.count("*") > _WILDCARDS_MAX for pattern in chosen.tag_pattern_list):
        raise _invalid(f"A pattern can have at most {_WILDCARDS_MAX} wildcards")
    if (chosen.count_type in _SINCE) is not (chosen.count_unit == "days"):
        raise _invalid("countUnit goes with a countType that begins with since")


def _invalid(why: str) -> Fault:
    message = f"Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: 'Lifecycle policy validation failure: {why}'"
    return Fault("InvalidParameterException", message)


def expiring(rules: list[Rule], images: Mapping[str, Image], now: float) -> list[tuple[str, int]]:
    """(digest, rule's priority) of the images that rules remove.

    All rules look at all images. One that a rule is about is left alone by those after it, whether the first removes it or not.
    """
    found: list[tuple[str, int]] = []
    settled: set[str] = set()
    for rule in rules:
        about = [digest for digest, image in images.items() if _is_about(rule.selection, image)]
        found += [(digest, rule.rule_priority) for digest in _over(rule.selection, about, images, now) if digest not in settled]
        settled.update(about)
    return found


def _is_about(chosen: Selection, image: Image) -> bool:
    if chosen.tag_status != "tagged":
        return chosen.tag_status == "any" or not image.tags
    prefixes = all(any(tag.startswith(prefix) for tag in image.tags) for prefix in chosen.tag_prefix_list)
    return prefixes and all(any(fnmatchcase(tag, _literal(pattern)) for tag in image.tags) for pattern in chosen.tag_pattern_list)


def _literal(pattern: str) -> str:
    """Only the asterisk stands for others."""
    return pattern.replace("[", "[[]").replace("?", "[?]")


def _over(chosen: Selection, about: list[str], images: Mapping[str, Image], now: float) -> list[str]:
    """Those that are too many, the oldest, or too old."""
    if chosen.count_type == "imageCountMoreThan":
        newest: Any = sorted(about, key=lambda digest: (-images[digest].pushed, digest))
        return newest[chosen.count_number :]
    oldest = now - chosen.count_number * _DAY_SECONDS
    pulled = chosen.count_type == "sinceImagePulled"
    return [digest for digest in about if ((pulled and images[digest].pulled) or images[digest].pushed) <= oldest]
