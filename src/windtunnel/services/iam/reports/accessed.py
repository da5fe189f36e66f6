"""Which services users and roles may reach, which of them they did reach, and when.

https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_access-advisor.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from windtunnel.aws.arn import parse_or_none
from windtunnel.aws.model import service_model, services
from windtunnel.fabric import Call, Fault, Tx
from windtunnel.fabric.access import Used, used_for
from windtunnel.services.iam.policies.grants import Grant, entity_of, grants_of, reaches
from windtunnel.services.iam.policies.managed import document_of, name_of
from windtunnel.services.iam.reports.life import FORGET_JOB, JOB_SECONDS
from windtunnel.services.iam.rules import moment, paged, start_of
from windtunnel.services.iam.state import ATTACHED, GROUPS, JOBS, MEMBERS, ROLES, USERS, Group, Job, Role, User, arn_of, with_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from windtunnel.aws.types import iam as t

_NAMESPACES = {"monitoring": "cloudwatch", "email": "ses"}
"""Services that policies call otherwise than signatures."""


async def generate_service_last_accessed_details(
    call: Call, req: t.GenerateServiceLastAccessedDetailsRequest
) -> t.GenerateServiceLastAccessedDetailsResponse:
    """The report is there at once, and tells of the services of this region: nobody can have reached another."""
    if req.get("Granularity") == "ACTION_LEVEL":
        raise Fault("NotImplemented", "windtunnel does not implement the granularity ACTION_LEVEL.", status=501)
    known = sorted(set(call.cloud.services.names) & set(services()))
    return {"JobId": call.act(_generate, req["Arn"], known)}


def get_service_last_accessed_details(tx: Tx, req: t.GetServiceLastAccessedDetailsRequest) -> t.GetServiceLastAccessedDetailsResponse:
    job, start = _job(tx, req["JobId"]), start_of(req)
    entities = list(_entities(tx, job.arn))
    rows = (((number,), service) for number, service in enumerate(job.services) if start is None or (number,) >= start)
    page = paged(req, "ServicesLastAccessed", rows, lambda _, service: _shown(tx, service, entities, job.created))
    return {"JobStatus": "COMPLETED", "JobType": "SERVICE_LEVEL", "JobCreationDate": job.created, "JobCompletionDate": job.created} | page


def get_service_last_accessed_details_with_entities(
    tx: Tx, req: t.GetServiceLastAccessedDetailsWithEntitiesRequest
) -> t.GetServiceLastAccessedDetailsWithEntitiesResponse:
    """Who used it last comes first, and those who never did come last."""
    job, start = _job(tx, req["JobId"]), start_of(req)
    service = next((each for each in job.services if _namespace(each) == req["ServiceNamespace"]), None)
    if service is None:
        raise Fault("NoSuchEntity", f"No service with the namespace {req['ServiceNamespace']} is in the report.")
    found = [(_used(tx, entity, service, job.created), entity) for entity in _entities(tx, job.arn)]
    found.sort(key=lambda row: (-row[0].at if row[0] else 0.0, row[1].name))
    rows = (((number,), row) for number, row in enumerate(found) if start is None or (number,) >= start)

    def shown(_: Any, row: tuple[Used | None, User | Role]) -> Any:
        used, entity = row
        info = {"Arn": arn_of(tx, entity), "Name": entity.name, "Type": type(entity).__name__.upper(), "Id": entity.id, "Path": entity.path}
        return {"EntityInfo": info} | ({} if used is None else {"LastAuthenticated": moment(used.at)})

    page = paged(req, "EntityDetailsList", rows, shown)
    return {"JobStatus": "COMPLETED", "JobCreationDate": job.created, "JobCompletionDate": job.created} | page


def list_policies_granting_service_access(
    tx: Tx, req: t.ListPoliciesGrantingServiceAccessRequest
) -> t.ListPoliciesGrantingServiceAccessResponse:
    grants = grants_of(tx, entity_of(tx, req["Arn"]))
    found: Any = [
        {"ServiceNamespace": namespace, "Policies": [_policy(grant) for grant in grants if reaches(grant.document, namespace)]}
        for namespace in req["ServiceNamespaces"]
    ]
    return {"PoliciesGrantingServiceAccess": found, "IsTruncated": False}


def _generate(tx: Tx, arn: str, known: list[str]) -> str:
    documents = _documents(tx, arn)
    reached = [service for service in known if any(reaches(document, _namespace(service)) for document in documents)]
    job_id = tx.new_id()
    tx.put(JOBS, job_id, value=Job(arn, moment(tx.now), reached))
    tx.timer(tx.now + JOB_SECONDS, FORGET_JOB, {"id": job_id})
    return job_id


def _documents(tx: Tx, arn: str) -> list[str]:
    """The policies of an entity, or the one that is a policy itself. Raises NoSuchEntity."""
    if _is_policy(arn):
        name_of(tx, arn)
        document = document_of(tx, arn)
        return [] if document is None else [document]
    return [grant.document for grant in grants_of(tx, entity_of(tx, arn))]


def _entities(tx: Tx, arn: str) -> Iterator[User | Role]:
    """The users and roles that a report is about; those that went since are left out."""
    if not _is_policy(arn):
        entity = entity_of(tx, arn)
        yield from _members(tx, entity.id) if isinstance(entity, Group) else (entity,)
        return
    seen: set[str] = set()
    for key, _ in tx.find(ATTACHED, "policy", arn):
        holder = str(key[0])
        if with_id(tx, GROUPS, holder) is not None:
            found = list(_members(tx, holder))
        else:
            found = [each for each in (with_id(tx, USERS, holder), with_id(tx, ROLES, holder)) if each is not None]
        for entity in found:
            if entity.id not in seen:
                seen.add(entity.id)
                yield entity


def _members(tx: Tx, group_id: str) -> Iterator[User]:
    return (with_id(tx, USERS, str(key[1])) for key, _ in tx.scan(MEMBERS, group_id))


def _is_policy(text: str) -> bool:
    arn = parse_or_none(text)
    return arn is not None and arn.type == "policy"


def _used(tx: Tx, entity: User | Role, service: str, until: float) -> Used | None:
    """When an entity reached a service last, as far as the report knows."""
    used = used_for(tx, entity.id, service)
    return None if used is None or used.at >= until + 1 else used


def _shown(tx: Tx, service: str, entities: list[User | Role], until: float) -> dict[str, Any]:
    metadata = service_model(service).metadata
    shown: dict[str, Any] = {
        "ServiceName": metadata.get("serviceAbbreviation") or metadata["serviceFullName"],
        "ServiceNamespace": _namespace(service),
    }
    uses = [(used, entity) for entity in entities if (used := _used(tx, entity, service, until)) is not None]
    if uses:
        used, entity = max(uses, key=lambda row: row[0].at)
        shown["LastAuthenticated"] = moment(used.at)
        shown["LastAuthenticatedEntity"] = arn_of(tx, entity)
        shown["LastAuthenticatedRegion"] = used.region
    return shown | {"TotalAuthenticatedEntities": len(uses)}


def _namespace(service: str) -> str:
    """A service as policies call it."""
    name = service_model(service).signing_name
    return _NAMESPACES.get(name, name)


def _policy(grant: Grant) -> dict[str, str]:
    if grant.arn:
        return {"PolicyName": grant.name, "PolicyType": "MANAGED", "PolicyArn": grant.arn}
    return {"PolicyName": grant.name, "PolicyType": "INLINE", "EntityType": grant.owner_type, "EntityName": grant.owner}


def _job(tx: Tx, job_id: str) -> Job:
    job = tx.get(JOBS, job_id)
    if job is None:
        raise Fault("NoSuchEntity", f"Job with id {job_id} cannot be found.")
    return job
