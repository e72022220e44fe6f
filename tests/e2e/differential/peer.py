"""Serves main:app of the current directory with uvicorn; the first line of its output is the port."""

import socket
import sys

import uvicorn

# With the protocol named, asyncio knows the connections for TCP and sends without delay.
listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
listener.bind(("127.0.0.1", 0))
listener.listen(64)
print(listener.getsockname()[1], flush=True)
sys.path.insert(0, ".")
uvicorn.Server(uvicorn.Config("main:app", http="h11", log_level="critical")).run(sockets=[listener])
