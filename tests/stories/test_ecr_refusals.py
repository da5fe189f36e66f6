"""What ECR refuses, operation by operation: each case its request, its code and its sentence."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.stories.here import ACCOUNT, Here
from tests.stories.refusals import Case, filled, one_region, refusal, untold
from tests.stories.test_ecr import DOCKER, FIVE_MIB, INDEX, digest_of, manifest, push

SHOP = {"repositoryName": "shop"}
IN = f"in the registry with id '{ACCOUNT}'"
WHERE = f"the repository with name 'shop' {IN}"
NO_REPOSITORY = f"The repository with name 'none' does not exist {IN}"
NO_UPLOAD = f"The upload with upload id '{'0' * 8}-0000-0000-0000-{'0' * 12}' does not exist in {WHERE}"
UPLOAD = f"{'0' * 8}-0000-0000-0000-{'0' * 12}"
PART: dict[str, Any] = {"uploadId": UPLOAD, "partFirstByte": 0, "partLastByte": 0, "layerPartBlob": b"x"}
OPEN = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "ecr:*"}]})
RULE: dict[str, Any] = {
    "rulePriority": 1,
    "selection": {"tagStatus": "untagged", "countType": "imageCountMoreThan", "countNumber": 1},
    "action": {"type": "expire"},
}
OF_A_REPOSITORY: dict[str, dict[str, Any]] = {
    "batch_check_layer_availability": {"layerDigests": ["sha256:0"]},
    "batch_delete_image": {"imageIds": [{"imageTag": "a"}]},
    "batch_get_image": {"imageIds": [{"imageTag": "a"}]},
    "complete_layer_upload": {"uploadId": UPLOAD, "layerDigests": ["sha256:0"]},
    "delete_lifecycle_policy": {},
    "delete_repository": {},
    "delete_repository_policy": {},
    "describe_images": {},
    "get_download_url_for_layer": {"layerDigest": "sha256:0"},
    "get_lifecycle_policy": {},
    "get_lifecycle_policy_preview": {},
    "get_repository_policy": {},
    "initiate_layer_upload": {},
    "list_images": {},
    "put_image": {"imageManifest": "{}"},
    "put_image_scanning_configuration": {"imageScanningConfiguration": {}},
    "put_image_tag_mutability": {"imageTagMutability": "MUTABLE"},
    "put_lifecycle_policy": {"lifecyclePolicyText": json.dumps({"rules": [RULE]})},
    "set_repository_policy": {"policyText": OPEN},
    "start_lifecycle_policy_preview": {"lifecyclePolicyText": json.dumps({"rules": [RULE]})},
    "upload_layer_part": PART,
}
"""Operations on a repository, and a valid request but for its name."""


def _put(media_type: str = DOCKER, **given: Any) -> dict[str, Any]:
    return {**SHOP, "imageManifest": json.dumps({"schemaVersion": 2, "mediaType": media_type, **given})}


def _lifecycle(why: str, *rules: dict[str, Any]) -> list[Case]:
    request = {**SHOP, "lifecyclePolicyText": json.dumps({"rules": rules})}
    message = f"Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: 'Lifecycle policy validation failure: {why}'"
    return [(name, request, "InvalidParameterException", message) for name in ("put_lifecycle_policy", "start_lifecycle_policy_preview")]


def _selecting(**given: Any) -> dict[str, Any]:
    return {**RULE, "selection": {**RULE["selection"], **given}}


def _unmet(parameter: str, why: str) -> str:
    return f"Invalid parameter at '{parameter}' failed to satisfy constraint: '{why}'"


DAYS = {"countType": "sinceImagePushed", "countUnit": "days"}
POLICY = _unmet("PolicyText", "Invalid repository policy provided")
TOKEN = _unmet("nextToken", "Invalid token")
FILTERS = (
    "Invalid parameter at 'imageTagMutabilityExclusionFilters' failed to satisfy constraint:"
    " 'imageTagMutabilityExclusionFilters' go with an 'imageTagMutability' that ends in _WITH_EXCLUSION"
)
TAGGING: tuple[tuple[str, dict[str, Any]], ...] = (
    ("tag_resource", {"tags": []}),
    ("untag_resource", {"tagKeys": []}),
    ("list_tags_for_resource", {}),
)
CASES: list[Case] = [
    *((name, {"repositoryName": "none", **more}, "RepositoryNotFoundException", NO_REPOSITORY) for name, more in OF_A_REPOSITORY.items()),
    ("describe_repositories", {"repositoryNames": ["none"]}, "RepositoryNotFoundException", NO_REPOSITORY),
    *((name, {"resourceArn": f"arn:aws:ecr:us-east-1:{ACCOUNT}:repository/none", **more}, "RepositoryNotFoundException", NO_REPOSITORY)
      for name, more in TAGGING),
    *((name, {"resourceArn": "no", **more}, "InvalidParameterException", _unmet("resourceArn", "Invalid ARN"))
      for name, more in TAGGING),
    ("create_repository", SHOP, "RepositoryAlreadyExistsException", f"The repository with name 'shop' already exists {IN}"),
    ("create_repository", {"repositoryName": "new", "registryId": "1" * 12}, "InvalidParameterException", (
        _unmet("registryId", "Cross-account access is not allowed")
    )),
    ("describe_repositories", {"registryId": "1" * 12}, "InvalidParameterException", (
        _unmet("registryId", "Cross-account access is not allowed")
    )),
    ("create_repository", {"repositoryName": "new", "encryptionConfiguration": {"encryptionType": "AES256", "kmsKey": "k"}}, (
        "InvalidParameterException"
    ), _unmet("encryptionConfiguration", "kmsKey needs the encryption type KMS")),
    ("create_repository", {"repositoryName": "new", "encryptionConfiguration": {"encryptionType": "KMS", "kmsKey": "alias/none"}}, (
        "KmsException"
    ), f"Alias arn:aws:kms:us-east-1:{ACCOUNT}:alias/none is not found."),
    ("create_repository", {"repositoryName": "new", "tags": [{"Key": str(each), "Value": ""} for each in range(51)]}, (
        "TooManyTagsException"
    ), "The number of tags can't be more than 50."),
    ("tag_resource", {"resourceArn": f"arn:aws:ecr:us-east-1:{ACCOUNT}:repository/shop", "tags": [
        {"Key": str(each), "Value": ""} for each in range(51)
    ]}, "TooManyTagsException", "The number of tags can't be more than 50."),
    ("create_repository", {"repositoryName": "new", "imageTagMutability": "MUTABLE_WITH_EXCLUSION"}, "InvalidParameterException", FILTERS),
    ("put_image_tag_mutability", {**SHOP, "imageTagMutability": "IMMUTABLE_WITH_EXCLUSION"}, "InvalidParameterException", FILTERS),
    ("delete_repository", SHOP, "RepositoryNotEmptyException", (
        f"The repository with name 'shop' in registry with id '{ACCOUNT}' cannot be deleted because it still contains images"
    )),
    *((name, {**named, "nextToken": "x"}, "InvalidParameterException", TOKEN) for name, named in (
        ("describe_repositories", {}), ("describe_images", SHOP), ("list_images", SHOP),
        ("get_lifecycle_policy_preview", {"repositoryName": "seen"}),
    )),
    *((name, {**SHOP, "policyText": "no"}, "InvalidParameterException", POLICY) for name in ("set_repository_policy",)),
    ("put_registry_policy", {"policyText": "no"}, "InvalidParameterException", POLICY),
    *((name, SHOP, "RepositoryPolicyNotFoundException", f"Repository policy does not exist for {WHERE}")
      for name in ("get_repository_policy", "delete_repository_policy")),
    *((name, {}, "RegistryPolicyNotFoundException", f"Registry policy does not exist {IN}")
      for name in ("get_registry_policy", "delete_registry_policy")),
    *((name, SHOP, "LifecyclePolicyNotFoundException", f"Lifecycle policy does not exist for {WHERE}")
      for name in ("get_lifecycle_policy", "delete_lifecycle_policy", "start_lifecycle_policy_preview")),
    ("get_lifecycle_policy_preview", {"repositoryName": "empty"}, "LifecyclePolicyPreviewNotFoundException", (
        f"Lifecycle policy preview does not exist for the repository with name 'empty' {IN}"
    )),
    *((name, {**SHOP, **more, "uploadId": UPLOAD}, "UploadNotFoundException", NO_UPLOAD) for name, more in (
        ("upload_layer_part", PART), ("complete_layer_upload", {"layerDigests": ["sha256:0"]})
    )),
    *(("upload_layer_part", {**SHOP, **PART, "uploadId": "$upload", "partFirstByte": first, "partLastByte": last}, (
        "InvalidLayerPartException"
    ), f"The layer part from byte {first} to byte {last} has 1 bytes and follows on 1 bytes.") for first, last in ((0, 0), (1, 5))),
    ("complete_layer_upload", {**SHOP, "uploadId": "$empty", "layerDigests": ["sha256:0"]}, "EmptyUploadException", (
        "The upload with upload id '$empty' has no layer parts."
    )),
    ("complete_layer_upload", {**SHOP, "uploadId": "$small", "layerDigests": ["sha256:0"]}, "LayerPartTooSmallException", (
        "Layer parts must be at least 5 MiB in size."
    )),
    ("complete_layer_upload", {**SHOP, "uploadId": "$upload", "layerDigests": ["sha256:0"]}, "InvalidLayerException", (
        f"Layer digest 'sha256:0' does not match the digest '{digest_of('x')}' of what was uploaded"
    )),
    ("complete_layer_upload", {**SHOP, "uploadId": "$again", "layerDigests": [digest_of("one")]}, "LayerAlreadyExistsException", (
        f"The layer with digest '{digest_of('one')}' already exists in {WHERE}"
    )),
    ("get_download_url_for_layer", {**SHOP, "layerDigest": "sha256:0"}, "LayersNotFoundException", (
        f"The layer with digest 'sha256:0' does not exist in {WHERE}"
    )),
    ("put_image", {**SHOP, "imageManifest": "no"}, "InvalidParameterException", (
        _unmet("ImageManifest", "Image manifest is not valid JSON")
    )),
    ("put_image", {**SHOP, "imageManifest": "{}"}, "InvalidParameterException", (
        _unmet("ImageManifest", "Image manifest media type is neither in the manifest nor in the request")
    )),
    ("put_image", _put("text/plain"), "InvalidParameterException", (
        _unmet("ImageManifest", "Image manifest with media type text/plain and schema version 2 is not supported")
    )),
    ("put_image", _put(layers=[]), "InvalidParameterException", (
        _unmet("ImageManifest", "Image manifest lacks what its media type demands")
    )),
    ("put_image", {**SHOP, "imageManifest": manifest("sha256:1", "sha256:2")}, "LayersNotFoundException", (
        f"Layers with digests '[sha256:2, sha256:1]' required for pushing image into {WHERE} don't exist"
    )),
    ("put_image", _put(INDEX, manifests=[{"digest": "sha256:1"}]), "ReferencedImagesNotFoundException", (
        f"Images with digests '[sha256:1]' required for pushing image into {WHERE} don't exist"
    )),
    ("put_image", {**SHOP, "imageManifest": "{}", "imageDigest": "sha256:1"}, "ImageDigestDoesNotMatchException", (
        f"The provided image digest 'sha256:1' does not match the digest '{digest_of('{}')}' of the manifest"
    )),
    ("put_image", {**SHOP, "imageManifest": "$manifest"}, "ImageAlreadyExistsException", (
        f"Image with digest '$digest' already exists in {WHERE}"
    )),
    ("put_image", {**SHOP, "imageManifest": "$manifest", "imageTag": "v1"}, "ImageAlreadyExistsException", (
        f"Image with digest '$digest' and the tag 'v1' already exists in {WHERE}"
    )),
    ("describe_images", {**SHOP, "imageIds": [{"imageTag": "none"}]}, "ImageNotFoundException", (
        f"The image with imageId {{imageDigest:'null', imageTag:'none'}} does not exist within {WHERE}"
    )),
    *((name, {**SHOP, "filter": {"imageStatus": "ARCHIVED"}}, "NotImplemented", "windtunnel does not implement images that are ARCHIVED.")
      for name in ("describe_images", "list_images")),
    *_lifecycle("Rule priorities must be unique", RULE, RULE),
    *_lifecycle("rulePriority and countNumber must be greater than 0", {**RULE, "rulePriority": 0}),
    *_lifecycle("A rule with tagStatus any must have the highest value for rulePriority", (
        _selecting(tagStatus="any")
    ), {**RULE, "rulePriority": 2}),
    *_lifecycle("tagPrefixList or tagPatternList go with tagStatus tagged", _selecting(tagStatus="tagged")),
    *_lifecycle("tagPrefixList or tagPatternList go with tagStatus tagged", _selecting(tagPrefixList=["a"])),
    *_lifecycle("tagPrefixList and tagPatternList can't be used together", (
        _selecting(tagStatus="tagged", tagPrefixList=["a"], tagPatternList=["a"])
    )),
    *_lifecycle("A pattern can have at most 4 wildcards", _selecting(tagStatus="tagged", tagPatternList=["*a*b*c*d*"])),
    *_lifecycle("countUnit goes with a countType that begins with since", _selecting(countType="sinceImagePushed")),
    *_lifecycle("countUnit goes with a countType that begins with since", _selecting(countUnit="days")),
    ("put_lifecycle_policy", {**SHOP, "lifecyclePolicyText": json.dumps({"rules": [
        {**_selecting(**DAYS), "action": {"type": "transition", "targetStorageClass": "archive"}}
    ]})}, "NotImplemented", "windtunnel does not implement ECR's archive."),
]  # fmt: skip
ELSEWHERE = {
    "put_image ImageTagAlreadyExistsException": ("test_ecr.py::test_a_tag_moves_to_the_image_that_was_pushed_last_unless_tags_are_fixed"),
    "get_download_url_for_layer LayerInaccessibleException": "test_ecr.py::test_an_image_is_pushed_in_layers_and_pulled",
    "start_lifecycle_policy_preview LifecyclePolicyPreviewInProgressException": (
        "test_ecr_refusals.py::test_a_preview_is_waited_for_before_the_next"
    ),
}
NEVER = (
    *("ServerException", "LimitExceededException", "InvalidTagParameterException", "ValidationException"),
    "untag_resource TooManyTagsException",
    *("UnableToGetUpstreamLayerException", "UnableToGetUpstreamImageException"),
    *(
        f"{operation} KmsException"
        for operation in ("complete_layer_upload", "delete_repository", "initiate_layer_upload", "put_image", "upload_layer_part")
    ),
    *(
        f"{operation} InvalidParameterException"
        for operation in (
            *(
                "batch_check_layer_availability",
                "batch_delete_image",
                "batch_get_image",
                "complete_layer_upload",
                "delete_lifecycle_policy",
            ),
            *("delete_registry_policy", "delete_repository", "delete_repository_policy", "describe_registry", "get_authorization_token"),
            *(
                "get_download_url_for_layer",
                "get_lifecycle_policy",
                "get_registry_policy",
                "get_repository_policy",
                "initiate_layer_upload",
            ),
            *("put_image_scanning_configuration", "upload_layer_part"),
        )
    ),
)


here = one_region()


@pytest.fixture(scope="module")
def world(here: Here) -> dict[str, str]:
    """A repository with an image and uploads in every state, one without anything, and one whose policy was previewed."""
    ecr = here.ecr
    for name in ("shop", "empty", "seen"):
        ecr.create_repository(repositoryName=name)
    ecr.start_lifecycle_policy_preview(repositoryName="seen", lifecyclePolicyText=json.dumps({"rules": [RULE]}))
    here.rest()
    digest = push(ecr, "one", "v1")

    def upload(*parts: bytes) -> str:
        id, at = ecr.initiate_layer_upload(**SHOP)["uploadId"], 0
        for part in parts:
            ecr.upload_layer_part(**SHOP, uploadId=id, partFirstByte=at, partLastByte=at + len(part) - 1, layerPartBlob=part)
            at += len(part)
        return id

    uploads = {"$upload": upload(b"x"), "$empty": upload(), "$small": upload(b"a" * (FIVE_MIB - 1), b"b"), "$again": upload(b"one")}
    return {**uploads, "$digest": digest, "$manifest": manifest(digest_of(b"{}"), digest_of("one"))}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]}-{case[2]}")
def test_what_is_refused(here: Here, world: dict[str, str], case: Case) -> None:
    operation, request, code, said = case
    for name, text in world.items():
        said = said.replace(name, text)
    assert refusal(getattr(here.ecr, operation), **filled(request, world)) == (code, said)


def test_a_preview_is_waited_for_before_the_next(here: Here, world: dict[str, str]) -> None:
    request = {**SHOP, "lifecyclePolicyText": json.dumps({"rules": [RULE]})}

    def twice(tx: Any) -> None:
        tx.call("ecr", "start_lifecycle_policy_preview", request)
        tx.call("ecr", "start_lifecycle_policy_preview", request)

    why = "The previous lifecycle policy preview request has not completed. Wait and try again."
    assert refusal(here.cloud.transact, function=twice, scope=here.scope, service="ecr") == (
        "LifecyclePolicyPreviewInProgressException",
        why,
    )


def test_a_policy_is_json_of_the_right_form(here: Here, world: dict[str, str]) -> None:
    text = json.dumps({"rules": [{**RULE, "selection": {"tagStatus": "none"}}], "padding": "x" * 60})
    code, message = refusal(here.ecr.put_lifecycle_policy, **SHOP, lifecyclePolicyText=text)
    assert (code, "Lifecycle policy validation failure: " in message) == ("InvalidParameterException", True)


def test_every_error_that_aws_documents_has_a_story() -> None:
    assert untold("ecr", CASES, ELSEWHERE, NEVER) == []
