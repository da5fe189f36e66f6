"""How templates deploy CloudFormation's own kinds of resources."""

from __future__ import annotations

from windtunnel.fabric import Resource

RESOURCES: tuple[Resource, ...] = ()
