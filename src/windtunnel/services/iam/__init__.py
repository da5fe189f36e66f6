"""AWS Identity and Access Management: users, groups, roles and their policies, the same in every region of an account."""

from windtunnel.fabric import Service
from windtunnel.services.iam import (
    account,
    attachments,
    certificates,
    credentials,
    details,
    devices,
    groups,
    inline,
    keys,
    linked,
    logins,
    outbound,
    policies,
    profiles,
    providers,
    roles,
    signing,
    simulate,
    ssh_keys,
    users,
)
from windtunnel.services.iam.state import RESOURCES

SERVICE = Service(
    "iam",
    modules=(
        users,
        groups,
        roles,
        keys,
        credentials,
        policies,
        inline,
        attachments,
        profiles,
        linked,
        account,
        logins,
        certificates,
        providers,
        simulate,
        details,
        devices,
        ssh_keys,
        signing,
        outbound,
    ),
    resources=RESOURCES,
    faults={"ValidationError": 400, "AccessDenied": 403, "NotImplemented": 501},
)
