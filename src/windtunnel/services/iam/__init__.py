"""AWS Identity and Access Management: users, groups, roles and their policies, the same in every region of an account."""

from windtunnel.fabric import Service
from windtunnel.services.iam import account
from windtunnel.services.iam.credentials import certificates, credentials, devices, keys, logins, signing, ssh_keys
from windtunnel.services.iam.identities import groups, linked, profiles, roles, users
from windtunnel.services.iam.policies import attachments, inline, policies, simulate
from windtunnel.services.iam.providers import outbound, providers
from windtunnel.services.iam.reports import accessed, details, life, reports
from windtunnel.services.iam.stack import RESOURCES

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
        reports,
        accessed,
    ),
    timers={life.HANDLER: life.write_report, life.FORGET_JOB: life.forget_job},
    resources=RESOURCES,
    faults={"ValidationError": 400, "AccessDenied": 403, "NotImplemented": 501},
)
