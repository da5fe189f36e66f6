"""Our own HTTP/1.1, WebSocket and TLS server on asyncio, which knows nothing of AWS.

`app.py` has the interface to what lies above, `server.py` opens a port, `connection.py` is one client, `exchange.py` one of its requests.
The others are the parts: `head.py` and `body.py` read; `reply.py`, `send.py` and `outlet.py` write; `handshake.py`, `upgraded.py` and
`websocket.py` do so without requests; `secure.py` and `tls.py` are TLS.
"""
