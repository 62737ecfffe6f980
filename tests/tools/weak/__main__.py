"""A site with every classic fault, on loopback: what attack tools are let loose on, with the gateway before it and
without. It must never stand anywhere else.

    /usr/bin/python3 tests/tools/weak --port 18099 --effects FILE

It runs as `nobody` in an empty folder of its own. Each request that achieved something is a line of JSON in FILE and
a header `Weak-Effect` in the answer: what an attack did is told by the site and not guessed from the tool.
"""

import argparse
import http.server
import json
import os
import pathlib
import shutil
import signal
import tempfile
import threading
import urllib.parse

import faults
import sandbox
import storage


class Site(http.server.ThreadingHTTPServer):
    """The server, and the file in which effects are told."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, port, folder, effects):
        super().__init__(("127.0.0.1", port), Request)
        self.folder = folder
        self.effects = effects
        self.told = threading.Lock()
        self.entries = []

    def tell(self, effect):
        with self.told:
            self.effects.write(json.dumps(effect, ensure_ascii=False) + "\n")
            self.effects.flush()


class Request(http.server.BaseHTTPRequestHandler):
    """One request: its parameters in, a page out."""

    protocol_version = "HTTP/1.1"
    server_version = "weak-on-purpose"
    timeout = 60

    def handle_one_request(self):
        try:
            super().handle_one_request()
        except (ConnectionError, TimeoutError):
            self.close_connection = True

    def answer(self):
        self.effect = None
        length = self.headers.get("Content-Length", "0")
        self.body = self.rfile.read(min(int(length), 1 << 20)) if length.isdigit() else b""
        path, _, query = self.path.partition("?")
        self.route = urllib.parse.unquote(path)
        self.query = parameters(query)
        self.form = {}
        if self.headers.get("Content-Type", "").startswith("application/x-www-form-urlencoded"):
            self.form = parameters(self.body.decode("utf-8", "replace"))
        cookies = self.headers.get("Cookie", "").split(";")
        self.cookies = dict(cookie.strip().partition("=")[::2] for cookie in cookies)
        try:
            page = faults.page(self)
        # Whatever an attack breaks, the site goes on and says so: an error is what many tools look for.
        except Exception as error:  # noqa: BLE001
            page = faults.Page(f"<h1>Error</h1><pre>{type(error).__name__}: {error}</pre>", status=500)
        self.send(page)

    do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = do_OPTIONS = do_PATCH = answer

    def achieved(self, fault, effect, detail):
        """Notes what the request did: `injected` where its value became code, `exploited` where that had an effect."""
        if self.effect == "exploited" and effect != "exploited":
            return
        self.effect = effect
        self.server.tell({
            "fault": fault, "effect": effect, "detail": detail[:300], "method": self.command, "target": self.path,
            "body": self.body[:2000].decode("utf-8", "replace"), "headers": dict(self.headers),
        })  # fmt: skip

    def send(self, page):
        body = page.body.encode("utf-8", "replace") if isinstance(page.body, str) else page.body
        # Written by hand: a header that an attack breaks in two is one of the faults.
        lines = [f"HTTP/1.1 {page.status} Weak", f"Content-Type: {page.media_type}", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in page.headers]
        if self.effect:
            lines.append(f"Weak-Effect: {self.effect}")
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")
        self.wfile.write(head if self.command == "HEAD" else head + body)

    def log_message(self, *_):
        pass


def parameters(text):
    """The last of each name, as careless frameworks have it."""
    return dict(urllib.parse.parse_qsl(text, keep_blank_values=True))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--effects", type=pathlib.Path, required=True)
    asked = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="weak-"))
    effects = asked.effects.open("a", encoding="utf-8")
    storage.fill(folder)
    site = Site(asked.port, folder, effects)
    # The server is another process than the one that tidies up: it has given up the rights to.
    child = os.fork()
    if child == 0:
        sandbox.give_up_rights(folder)
        site.serve_forever()
    site.server_close()

    def leave(*_):
        os.kill(child, signal.SIGKILL)

    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, leave)
    os.waitpid(child, 0)
    shutil.rmtree(folder, ignore_errors=True)


main()
