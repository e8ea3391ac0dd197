"""Witnesses that answer on loopback: the real command in processes of its own, and a hostile one in a thread."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class WitnessProcess:
    """``relgate witness`` over one log, in its folder, always on the same port, which is held for it meanwhile."""

    folder: Path
    name: str
    log_key: str
    port: int
    key: str = ""
    process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it listens."""
        command = [sys.executable, "-m", "gateway", "witness", str(self.folder), "--name", self.name]
        command += ["--log", self.log_key, "--port", str(self.port)]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=ROOT)
        assert self.process.stderr is not None
        first, second = self.process.stderr.readline(), self.process.stderr.readline()
        assert re.search(r"http://\S+;", first), first + second + self.process.stderr.read()
        self.key = second.strip()
        threading.Thread(target=self.process.stderr.read, daemon=True).start()  # so that it never blocks on its own log

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End it, and wait until it is gone."""
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait()
            self.process = None


Answer = tuple[int, dict[str, str], bytes]
Behaviour = Callable[[bytes], Answer]


class HostileWitness:
    """A server that answers each submission as ``behaviour`` says, and remembers what it was sent and asked."""

    def __init__(self) -> None:
        self.behaviour: Behaviour = lambda body: (500, {}, b"")
        self.asked: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer.asked.append(self.path)
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, headers, answer = outer.behaviour(body)
                try:
                    self.send_response(status)
                    for name, value in {"Content-Length": str(len(answer)), **headers}.items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(answer)
                except OSError:
                    self.close_connection = True  # whoever asked has gone

            do_GET = do_POST

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
