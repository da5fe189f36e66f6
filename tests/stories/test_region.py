"""What a region is as a whole: what a kill leaves, what a snapshot brings back, what a reset forgets."""

from pathlib import Path

from tests.stories.here import Here

BODY = b"x" * 100_000


def files(here: Here) -> list[bytes]:
    return sorted(file.read_bytes() for file in here.cloud.blobs.collect().rglob("*") if file.is_file())


def test_bytes_that_a_kill_left_without_a_row_go_at_the_next_start(here: Here) -> None:
    here.s3.create_bucket(Bucket="box")
    here.s3.put_object(Bucket="box", Key="kept", Body=BODY)
    here.run(here.cloud.blobs.write(b"y" * 100_000))
    assert len(files(here)) == 2
    here.kill()
    assert files(here) == [BODY]
    assert here.s3.head_object(Bucket="box", Key="kept")["ContentLength"] == len(BODY)


def test_a_snapshot_brings_back_rows_and_bytes_and_the_time(here: Here, tmp_path: Path) -> None:
    here.s3.create_bucket(Bucket="box")
    here.s3.put_object(Bucket="box", Key="k", Body=BODY)
    url = here.sqs.create_queue(QueueName="q")["QueueUrl"]
    here.sqs.send_message(QueueUrl=url, MessageBody="later", DelaySeconds=60)
    then = here.now
    here.run(here.cloud.save(tmp_path / "saved"))
    here.jump(3_600)
    here.s3.delete_object(Bucket="box", Key="k")
    here.sqs.purge_queue(QueueUrl=url)
    here.run(here.cloud.load(tmp_path / "saved"))
    assert here.now == then
    assert files(here) == [BODY]
    assert "Messages" not in here.sqs.receive_message(QueueUrl=url)
    here.jump(60)
    assert here.sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"] == "later"


def test_a_snapshot_outlives_the_region_it_was_taken_of(here: Here, tmp_path: Path) -> None:
    url = here.sqs.create_queue(QueueName="q.fifo", Attributes={"FifoQueue": "true", "ContentBasedDeduplication": "true"})["QueueUrl"]
    for _ in range(3):
        here.restart()
    here.sqs.send_message(QueueUrl=url, MessageBody="first", MessageGroupId="g")
    here.run(here.cloud.save(tmp_path / "saved"))
    other = Here(tmp_path / "other")
    other.run(other.cloud.load(tmp_path / "saved"))
    other.sqs.send_message(QueueUrl=url, MessageBody="second", MessageGroupId="g")
    messages = other.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert [message["Body"] for message in messages] == ["first", "second"]
    other.close()


def test_a_reset_forgets_everything_but_the_time(here: Here) -> None:
    here.s3.create_bucket(Bucket="box")
    here.s3.put_object(Bucket="box", Key="k", Body=BODY)
    here.jump(60)
    then = here.now
    here.run(here.cloud.reset())
    assert here.s3.list_buckets()["Buckets"] == []
    assert files(here) == []
    assert here.now == then
