"""The door: our own HTTP/1.1, WebSocket and TLS server on asyncio, which knows nothing of AWS.

`app.py` has the interface to what lies above, `server.py` opens a port, `connection.py` is one client. The others are the parts:
`head.py` and `body.py` read, `reply.py` and `send.py` write, `websocket.py`, `secure.py` and `tls.py` do what their names say.
"""
