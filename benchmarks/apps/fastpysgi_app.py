"""Starts fastpysgi with a bare application: `fastpysgi_app.py asgi|wsgi PORT WORKERS`."""

from __future__ import annotations

import importlib
import sys

import fastpysgi

if __name__ == "__main__":
    interface, port, workers = sys.argv[1:]
    app = importlib.import_module(f"raw_{interface}").app
    fastpysgi.server.tcp_nodelay = 1
    fastpysgi.run(app, host="127.0.0.1", port=int(port), workers=int(workers))
