#!/usr/bin/env python3
"""Stand-in for frpc: a real TCP relay on loopback that speaks the one line that is read of it.

FAKE_FRPC chooses what it does: relay, exit, refuse or silent.
"""

import os
import socket
import sys
import threading
import time


def main() -> None:
    mode = os.environ.get("FAKE_FRPC", "relay")
    if pid_file := os.environ.get("FAKE_FRPC_PID"):
        with open(pid_file, "w") as file:
            file.write(str(os.getpid()))
    print("fake frpc", flush=True)
    if mode == "refuse":
        print("login to server failed: connection refused", flush=True)
    if mode in ("refuse", "silent"):
        time.sleep(60)
    if mode == "relay":
        relay(sys.argv[1:])


def relay(arguments: list[str]) -> None:
    target = arguments[arguments.index("-i") + 1], int(arguments[arguments.index("-l") + 1])
    name = os.environ.get("FAKE_FRPC_HOST", "127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as server:
        print(f"[x] start proxy success: http://{name}:{server.getsockname()[1]}", flush=True)
        while True:
            visitor, _ = server.accept()
            page = socket.create_connection(target)
            for pair in ((visitor, page), (page, visitor)):
                threading.Thread(target=pump, args=pair, daemon=True).start()


def pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            sink.sendall(data)
    except OSError:
        pass
    finally:
        for end in (source, sink):
            end.close()


if __name__ == "__main__":
    main()
