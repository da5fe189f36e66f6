"""Repositories of container images: what is in them, who may, and what becomes of images in time."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.stories.events_kit import bodies, queue, rule
from tests.stories.here import ACCOUNT, BEGIN, Here
from tests.stories.refusals import refusal
from tests.stories.test_cloudformation_stacks import create, status
from windtunnel.fabric import Visit

DAY = 86_400
OTHER = "111111111111"
ARN = f"arn:aws:ecr:us-east-1:{ACCOUNT}:repository/shop"
NAMED = {"registryId": ACCOUNT, "repositoryName": "shop"}
DOCKER = "application/vnd.docker.distribution.manifest.v2+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.docker.container.image.v1+json"
FIVE_MIB = 5_242_880


@pytest.fixture
def ecr(here: Here) -> Any:
    """ECR of a region with a repository `shop`."""
    here.ecr.create_repository(repositoryName="shop")
    return here.ecr


def digest_of(data: bytes | str) -> str:
    return f"sha256:{sha256(data if isinstance(data, bytes) else data.encode()).hexdigest()}"


def layer(ecr: Any, data: bytes, *parts: int) -> str:
    """Uploads a layer, cut at the given places; its digest."""
    upload = ecr.initiate_layer_upload(repositoryName="shop")["uploadId"]
    begin = 0
    for end in (*parts, len(data)):
        part = {"partFirstByte": begin, "partLastByte": end - 1, "layerPartBlob": data[begin:end]}
        received = ecr.upload_layer_part(repositoryName="shop", uploadId=upload, **part)
        assert received == {**NAMED, "uploadId": upload, "lastByteReceived": end - 1}
        begin = end
    done = ecr.complete_layer_upload(repositoryName="shop", uploadId=upload, layerDigests=[digest_of(data)])
    assert done == {**NAMED, "uploadId": upload, "layerDigest": digest_of(data)}
    return done["layerDigest"]


def manifest(config: str, *layers: str) -> str:
    about = {"mediaType": CONFIG, "size": 2, "digest": config}
    return json.dumps(
        {"schemaVersion": 2, "mediaType": DOCKER, "config": about, "layers": [{"digest": each, "size": 5} for each in layers]}
    )


def push(ecr: Any, name: str, tag: str = "", **more: Any) -> str:
    """Pushes an image of one layer; its digest."""
    known = ecr.batch_check_layer_availability(repositoryName="shop", layerDigests=[digest_of(b"{}"), digest_of(name)])
    missing = {each["layerDigest"] for each in known["layers"] if each["layerAvailability"] == "UNAVAILABLE"}
    for data in (b"{}", name.encode()):
        if digest_of(data) in missing:
            layer(ecr, data)
    text = manifest(digest_of(b"{}"), digest_of(name))
    return ecr.put_image(repositoryName="shop", imageManifest=text, **({"imageTag": tag} if tag else {}), **more)["image"]["imageId"][
        "imageDigest"
    ]


def ids(ecr: Any, **more: Any) -> list[tuple[str, str]]:
    """(digest, tag) of all images."""
    return sorted((each["imageDigest"], each.get("imageTag", "")) for each in ecr.list_images(repositoryName="shop", **more)["imageIds"])


def download(here: Here, url: str) -> tuple[int, bytes]:
    path = urlsplit(url).path
    host = here.cloud.visits.path(path)
    assert host is not None
    answer: Any = here.run(here.cloud.visits.answer(host, Visit("", "", "GET", path, "", {}, b"", "http", None), here.scope))

    async def read() -> bytes:
        return answer.body if isinstance(answer.body, bytes) else b"".join([piece async for piece in answer.body])

    return answer.status, here.run(read())


def test_a_repository_is_made_described_set_up_and_deleted(here: Here) -> None:
    made = here.ecr.create_repository(repositoryName="shop", tags=[{"Key": "team", "Value": "blue"}])["repository"]
    assert made == {
        "repositoryArn": ARN,
        **NAMED,
        "repositoryUri": f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/shop",
        "createdAt": BEGIN,
        "imageTagMutability": "MUTABLE",
        "imageScanningConfiguration": {"scanOnPush": False},
        "encryptionConfiguration": {"encryptionType": "AES256"},
    }
    filters = [{"filterType": "WILDCARD", "filter": "dev*"}]
    fixed = {"imageTagMutability": "IMMUTABLE_WITH_EXCLUSION", "imageTagMutabilityExclusionFilters": filters}
    assert here.ecr.put_image_tag_mutability(repositoryName="shop", **fixed) == {**NAMED, **fixed}
    scanning = {"imageScanningConfiguration": {"scanOnPush": True}}
    assert here.ecr.put_image_scanning_configuration(repositoryName="shop", **scanning) == {**NAMED, **scanning}
    assert here.ecr.describe_repositories(repositoryNames=["shop"]) == {"repositories": [{**made, **fixed, **scanning}]}
    secret = here.ecr.create_repository(repositoryName="secret", encryptionConfiguration={"encryptionType": "KMS"})["repository"]
    key = here.kms.describe_key(KeyId="alias/aws/ecr")["KeyMetadata"]["Arn"]
    assert secret["encryptionConfiguration"] == {"encryptionType": "KMS", "kmsKey": key}
    page = here.ecr.describe_repositories(maxResults=1)
    assert [each["repositoryName"] for each in page["repositories"]] == ["secret"]
    rest = here.ecr.describe_repositories(nextToken=page["nextToken"])
    assert rest == here.ecr.describe_repositories(repositoryNames=["shop"])
    here.ecr.tag_resource(resourceArn=ARN, tags=[{"Key": "cost", "Value": "7"}])
    here.ecr.untag_resource(resourceArn=ARN, tagKeys=["team"])
    assert here.ecr.list_tags_for_resource(resourceArn=ARN) == {"tags": [{"Key": "cost", "Value": "7"}]}
    assert here.ecr.delete_repository(repositoryName="shop")["repository"]["repositoryArn"] == ARN
    assert [each["repositoryName"] for each in here.ecr.describe_repositories()["repositories"]] == ["secret"]


def test_an_image_is_pushed_in_layers_and_pulled(here: Here, ecr: Any) -> None:
    data = b"L" * FIVE_MIB + b"end"
    big, config = layer(ecr, data, FIVE_MIB), layer(ecr, b"{}")
    checked = ecr.batch_check_layer_availability(repositoryName="shop", layerDigests=[big, digest_of("none"), "x"])
    media = "application/vnd.docker.image.rootfs.diff.tar.gzip"
    assert checked["layers"] == [
        {"layerDigest": big, "layerAvailability": "AVAILABLE", "layerSize": len(data), "mediaType": media},
        {"layerDigest": digest_of("none"), "layerAvailability": "UNAVAILABLE"},
    ]
    assert [each["failureCode"] for each in checked["failures"]] == ["InvalidLayerDigest"]
    assert refusal(ecr.get_download_url_for_layer, repositoryName="shop", layerDigest=big)[0] == "LayerInaccessibleException"
    text = manifest(config, big)
    image = {
        **NAMED,
        "imageId": {"imageDigest": digest_of(text), "imageTag": "v1"},
        "imageManifest": text,
        "imageManifestMediaType": DOCKER,
    }
    assert ecr.put_image(repositoryName="shop", imageManifest=text, imageTag="v1") == {"image": image}
    here.jump(60)
    pulled = ecr.batch_get_image(repositoryName="shop", imageIds=[{"imageTag": "v1"}, {"imageTag": "v2"}])
    missing = {"imageId": {"imageTag": "v2"}, "failureCode": "ImageNotFound", "failureReason": "Requested image not found"}
    assert pulled == {"images": [image], "failures": [missing]}
    url = ecr.get_download_url_for_layer(repositoryName="shop", layerDigest=big)
    assert url["layerDigest"] == big
    assert download(here, url["downloadUrl"]) == (200, data)
    here.jump(3600)
    assert download(here, url["downloadUrl"]) == (403, b"")
    assert ecr.describe_images(repositoryName="shop", imageIds=[{"imageDigest": digest_of(text)}]) == {
        "imageDetails": [
            {
                **NAMED,
                "imageDigest": digest_of(text),
                "imageTags": ["v1"],
                "imageSizeInBytes": len(data) + 2,
                "imagePushedAt": BEGIN,
                "imageManifestMediaType": DOCKER,
                "imageStatus": "ACTIVE",
                "artifactMediaType": CONFIG,
                "lastRecordedPullTime": BEGIN + 60,
            }
        ]
    }


def test_a_tag_moves_to_the_image_that_was_pushed_last_unless_tags_are_fixed(ecr: Any) -> None:
    first, second = push(ecr, "one", "live"), push(ecr, "two", "live")
    assert ids(ecr) == sorted([(first, ""), (second, "live")])
    assert [each for each, _ in ids(ecr, filter={"tagStatus": "UNTAGGED"})] == [first]
    push(ecr, "two", "v2")
    assert ids(ecr, filter={"tagStatus": "TAGGED"}) == [(second, "live"), (second, "v2")]
    pulled = ecr.batch_get_image(repositoryName="shop", imageIds=[{"imageDigest": second}])["images"]
    assert [each["imageId"]["imageTag"] for each in pulled] == ["live", "v2"]
    filters = [{"filterType": "WILDCARD", "filter": "l*"}]
    ecr.put_image_tag_mutability(
        repositoryName="shop", imageTagMutability="IMMUTABLE_WITH_EXCLUSION", imageTagMutabilityExclusionFilters=filters
    )
    push(ecr, "one", "live")
    text = manifest(digest_of(b"{}"), digest_of("one"))
    why = f"The image tag 'v2' already exists in the repository with name 'shop' in the registry with id '{ACCOUNT}' and cannot be"
    fixed = ("ImageTagAlreadyExistsException", f"{why} overwritten because the tag is immutable.")
    assert refusal(ecr.put_image, repositoryName="shop", imageManifest=text, imageTag="v2") == fixed


def test_an_image_goes_with_its_last_tag_or_by_its_digest_and_its_layers_with_it(here: Here, ecr: Any) -> None:
    first, second = push(ecr, "one", "a"), push(ecr, "two", "c")
    push(ecr, "one", "b")
    delete = ecr.batch_delete_image
    assert delete(repositoryName="shop", imageIds=[{"imageTag": "a"}])["imageIds"] == [{"imageDigest": first, "imageTag": "a"}]
    assert ids(ecr) == sorted([(first, "b"), (second, "c")])
    gone = [{"imageDigest": first, "imageTag": "b"}, {"imageDigest": second, "imageTag": "c"}]
    answer = delete(repositoryName="shop", imageIds=[{"imageTag": "b"}, {"imageDigest": second}, {"imageTag": "b"}])
    missing = {"imageId": {"imageTag": "b"}, "failureCode": "ImageNotFound", "failureReason": "Requested image not found"}
    assert answer == {"imageIds": gone, "failures": [missing]}
    assert ids(ecr) == []
    known = ecr.batch_check_layer_availability(repositoryName="shop", layerDigests=[digest_of("one"), digest_of(b"{}")])["layers"]
    assert [each["layerAvailability"] for each in known] == ["UNAVAILABLE", "UNAVAILABLE"]
    assert not any(path.is_file() for path in here.cloud.blobs.root.glob("objects/*/*"))


def test_a_list_of_images_keeps_those_it_names(ecr: Any) -> None:
    part = push(ecr, "one")
    text = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [{"digest": part}]})
    whole = ecr.put_image(repositoryName="shop", imageManifest=text, imageTag="all")["image"]["imageId"]["imageDigest"]
    (failure,) = ecr.batch_delete_image(repositoryName="shop", imageIds=[{"imageDigest": part}])["failures"]
    assert failure["failureCode"] == "ImageReferencedByManifestList"
    sizes = {each["imageDigest"]: each["imageSizeInBytes"] for each in ecr.describe_images(repositoryName="shop")["imageDetails"]}
    assert sizes == {part: 5, whole: 5}
    ecr.batch_delete_image(repositoryName="shop", imageIds=[{"imageTag": "all"}])
    ecr.batch_delete_image(repositoryName="shop", imageIds=[{"imageDigest": part}])
    assert ids(ecr) == []


def test_what_is_pushed_and_deleted_is_told(here: Here, ecr: Any) -> None:
    rule(here, {"source": ["aws.ecr"]}, queue(here))
    digest = push(ecr, "one", "v1")
    ecr.batch_delete_image(repositoryName="shop", imageIds=[{"imageDigest": digest}])
    here.rest()
    about = {"result": "SUCCESS", "repository-name": "shop", "image-digest": digest}
    assert [(event["detail-type"], event["detail"]) for event in bodies(here)] == [
        ("ECR Image Action", {**about, "action-type": "PUSH", "image-tag": "v1", "manifest-media-type": DOCKER}),
        ("ECR Image Action", {**about, "action-type": "DELETE", "image-tag": ""}),
    ]


def _rule(priority: int, **selection: Any) -> dict[str, Any]:
    return {"rulePriority": priority, "selection": selection, "action": {"type": "expire"}}


def _policy(*rules: Any) -> str:
    return json.dumps({"rules": list(rules)}, indent=4)


def test_a_lifecycle_policy_is_previewed_and_acts_every_day(here: Here, ecr: Any) -> None:
    old = [push(ecr, f"old {number}", f"dev{number}") for number in range(3)]
    kept = push(ecr, "kept", "prod-1")
    here.jump(1)
    new = push(ecr, "new", "dev9")
    loose = push(ecr, "loose")
    text = _policy(
        _rule(1, tagStatus="tagged", tagPrefixList=["prod-"], countType="imageCountMoreThan", countNumber=1),
        _rule(2, tagStatus="tagged", tagPatternList=["dev*"], countType="imageCountMoreThan", countNumber=1),
        _rule(3, tagStatus="any", countType="sinceImagePushed", countUnit="days", countNumber=2),
    )
    asked = ecr.start_lifecycle_policy_preview(repositoryName="shop", lifecyclePolicyText=text)
    assert asked == {**NAMED, "lifecyclePolicyText": text, "status": "IN_PROGRESS"}
    here.rest()
    told = ecr.get_lifecycle_policy_preview(repositoryName="shop")
    assert (told["status"], told["summary"]) == ("COMPLETE", {"expiringImageTotalCount": 3})
    assert {(each["imageDigest"], each["appliedRulePriority"]) for each in told["previewResults"]} == {(digest, 2) for digest in old}
    page = ecr.get_lifecycle_policy_preview(repositoryName="shop", maxResults=2)
    rest = ecr.get_lifecycle_policy_preview(repositoryName="shop", nextToken=page["nextToken"])
    assert page["previewResults"] + rest["previewResults"] == told["previewResults"]
    assert ecr.get_lifecycle_policy_preview(repositoryName="shop", filter={"tagStatus": "UNTAGGED"})["previewResults"] == []
    (only,) = ecr.get_lifecycle_policy_preview(repositoryName="shop", imageIds=[{"imageTag": "dev1"}])["previewResults"]
    assert only["imageTags"] == ["dev1"]
    ecr.put_lifecycle_policy(repositoryName="shop", lifecyclePolicyText=text)
    here.rest()
    assert ids(ecr) == sorted([(kept, "prod-1"), (new, "dev9"), (loose, "")])
    here.jump(2 * DAY)
    assert ids(ecr) == sorted([(kept, "prod-1"), (new, "dev9")])
    known = {**NAMED, "lifecyclePolicyText": text, "lastEvaluatedAt": BEGIN + 1 + 2 * DAY}
    assert ecr.get_lifecycle_policy(repositoryName="shop") == known
    assert ecr.delete_lifecycle_policy(repositoryName="shop") == known


def test_images_expire_by_the_time_they_were_last_pulled(here: Here, ecr: Any) -> None:
    idle, used = push(ecr, "idle"), push(ecr, "used")
    text = _policy(_rule(1, tagStatus="untagged", countType="sinceImagePulled", countUnit="days", countNumber=3))
    ecr.put_lifecycle_policy(repositoryName="shop", lifecyclePolicyText=text)
    here.jump(DAY)
    ecr.batch_get_image(repositoryName="shop", imageIds=[{"imageDigest": used}])
    here.jump(2 * DAY)
    assert ids(ecr) == [(used, "")]
    here.jump(DAY)
    assert (ids(ecr), idle != used) == ([], True)


def test_a_policy_lets_in_another_account(here: Here, ecr: Any) -> None:
    push(ecr, "one", "v1")
    pull = here.at(account=OTHER).ecr.batch_get_image
    asked = {**NAMED, "imageIds": [{"imageTag": "v1"}]}
    why = f"User: arn:aws:iam::{OTHER}:root is not authorized to perform: ecr:BatchGetImage on resource: {ARN} because no resource-based"
    assert refusal(pull, **asked) == ("AccessDeniedException", f"{why} policy allows the ecr:BatchGetImage action")
    statement = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{OTHER}:root"}, "Action": "ecr:BatchGetImage"}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    put = ecr.set_repository_policy(repositoryName="shop", policyText=json.dumps(policy))
    assert (json.loads(put["policyText"]), put["policyText"].splitlines()[1]) == (policy, '  "Version" : "2012-10-17",')
    assert len(pull(**asked)["images"]) == 1
    assert refusal(here.at(account=OTHER).ecr.describe_images, **NAMED)[0] == "AccessDeniedException"
    assert ecr.get_repository_policy(repositoryName="shop") == ecr.delete_repository_policy(repositoryName="shop") == put
    assert refusal(pull, **asked)[0] == "AccessDeniedException"


def test_a_policy_that_locks_its_owner_out_has_to_be_forced(ecr: Any) -> None:
    locked = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "ecr:*"}]})
    code, message = refusal(ecr.set_repository_policy, repositoryName="shop", policyText=locked)
    assert (code, "it has to be forced" in message) == ("InvalidParameterException", True)
    ecr.set_repository_policy(repositoryName="shop", policyText=locked, force=True)
    assert refusal(ecr.describe_images, repositoryName="shop")[0] == "AccessDeniedException"


def test_the_registry_has_a_policy_and_tokens(here: Here) -> None:
    policy = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "ecr:ReplicateImage", "Resource": "*"}],
    }
    put = here.ecr.put_registry_policy(policyText=json.dumps(policy))
    assert json.loads(put["policyText"]) == policy
    assert here.ecr.get_registry_policy() == here.ecr.delete_registry_policy() == put
    assert here.ecr.describe_registry() == {"registryId": ACCOUNT, "replicationConfiguration": {"rules": []}}
    (data,) = here.ecr.get_authorization_token()["authorizationData"]
    told = {"expiresAt": BEGIN + 43_200, "proxyEndpoint": f"https://{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com"}
    assert data == {"authorizationToken": data["authorizationToken"], **told}


def test_an_upload_that_nobody_completes_goes_after_a_day(here: Here, ecr: Any) -> None:
    upload = ecr.initiate_layer_upload(repositoryName="shop")["uploadId"]
    part = {"repositoryName": "shop", "uploadId": upload, "partFirstByte": 0, "partLastByte": 2, "layerPartBlob": b"abc"}
    ecr.upload_layer_part(**part)
    here.jump(DAY)
    assert refusal(ecr.complete_layer_upload, repositoryName="shop", uploadId=upload, layerDigests=[digest_of(b"abc")])[0] == (
        "UploadNotFoundException"
    )
    assert not any(path.is_file() for path in here.cloud.blobs.root.glob("objects/*/*"))


TEMPLATE = """
Resources:
  Images:
    Type: AWS::ECR::Repository
    Properties:
      ImageTagMutability: %s
      LifecyclePolicy: {LifecyclePolicyText: '%s'}
      %s
Outputs:
  Uri: {Value: !GetAtt Images.RepositoryUri}
"""
OPEN = "RepositoryPolicyText: {Version: '2012-10-17', Statement: [{Effect: Allow, Principal: '*', Action: 'ecr:BatchGetImage'}]}"


def test_a_template_makes_changes_and_removes_a_repository(here: Here) -> None:
    text = json.dumps({"rules": [_rule(1, tagStatus="untagged", countType="imageCountMoreThan", countNumber=9)]})
    create(here, "shop", TEMPLATE % ("IMMUTABLE", text, OPEN))
    assert status(here, "shop") == ("CREATE_COMPLETE", "")
    (made,) = here.ecr.describe_repositories()["repositories"]
    name = made["repositoryName"]
    assert (made["imageTagMutability"], name.startswith("shop-images-")) == ("IMMUTABLE", True)
    (output,) = here.cloudformation.describe_stacks(StackName="shop")["Stacks"][0]["Outputs"]
    assert output["OutputValue"] == made["repositoryUri"]
    assert here.ecr.get_lifecycle_policy(repositoryName=name)["lifecyclePolicyText"] == text
    here.cloudformation.update_stack(
        StackName="shop", TemplateBody=TEMPLATE % ("MUTABLE", text, "ImageScanningConfiguration: {ScanOnPush: true}")
    )
    here.rest()
    assert status(here, "shop") == ("UPDATE_COMPLETE", "")
    (changed,) = here.ecr.describe_repositories()["repositories"]
    assert changed == {**made, "imageTagMutability": "MUTABLE", "imageScanningConfiguration": {"scanOnPush": True}}
    assert refusal(here.ecr.get_repository_policy, repositoryName=name)[0] == "RepositoryPolicyNotFoundException"
    here.cloudformation.delete_stack(StackName="shop")
    here.rest()
    assert here.ecr.describe_repositories() == {"repositories": []}
