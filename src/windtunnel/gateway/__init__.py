"""The door: `http/` is the server, and what stands here joins it to the cloud.

`front.py` answers AWS's APIs, `admin.py` what is under `/_windtunnel/`; `buckets.py`, `posts.py` and `websites.py` answer what browsers ask
of S3, `cors.py` what they ask of everything; `proof.py` is what a client signed.
"""
