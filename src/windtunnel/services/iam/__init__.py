"""AWS Identity and Access Management: users, groups, roles and their policies, the same in every region of an account."""

from windtunnel.fabric import Service
from windtunnel.services.iam import keys, policies, roles, users
from windtunnel.services.iam.state import RESOURCES

SERVICE = Service(
    "iam",
    modules=(users, keys, roles, policies),
    resources=RESOURCES,
    faults={"ValidationError": 400, "AccessDenied": 403},
)
