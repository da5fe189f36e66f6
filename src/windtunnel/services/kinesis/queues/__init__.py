"""Queues over streams: records that are received, acknowledged, and come back when they are not."""
