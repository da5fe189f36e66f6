"""Streams that are read for somebody: shards in their order, batches that are tried until they are done with, places that are rows.

Lambda's event source mappings and Pipes read Kinesis and DynamoDB streams in this one way. Each says in a `Reading` how it reads, and
in a `Consumer` and its `Runs` what it does with the records.
"""
