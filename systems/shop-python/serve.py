"""Runs one service of the shop on a listening socket that its launcher owns.

The socket is inherited, so that a new version can start before the old one stops and no request is refused.
Instrumentation is none of its business: `opentelemetry-instrument` is put before the command.
"""

import importlib
import signal
import socket
import sys

import uvicorn


def main():
    """`serve.py MODULE FD`: serves `MODULE.app` on the inherited socket number FD."""
    module, number = sys.argv[1], int(sys.argv[2])
    # uvicorn finishes its requests and raises the signal again, which would end the process before its last spans
    # are sent.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    listener = socket.socket(fileno=number)
    app = importlib.import_module(module).app
    config = uvicorn.Config(app, access_log=False, log_level="warning", timeout_graceful_shutdown=3)
    uvicorn.Server(config).run(sockets=[listener])


main()
