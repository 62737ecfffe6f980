"""Processes: started on their core, weighed, stopped. And one request by hand, for the checks."""

import http.client
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import time
from pathlib import Path

from material import HOST
from peers import PEERS, Place, environment

PROXY_CORE, LOAD_CORE = "0", "1"


def prefer(pid):
    """Puts a session before other work by BENCH_NICE, on a machine that is not quiet (see README.md)."""
    if nice := os.environ.get("BENCH_NICE"):
        # Linux weighs whole sessions against each other; the nice value of a process counts only within its own.
        Path(f"/proc/{pid}/autogroup").write_text(nice)


class NotStarted(Exception):
    """A peer that did not come up, with what it said."""


class Process:
    """A command on one core, with everything it starts."""

    def __init__(self, command, core, folder, output="output.log", env=None):
        self.folder = folder
        self.output = folder / output
        with self.output.open("wb") as out, (folder / "errors.log").open("wb") as err:
            self.child = subprocess.Popen(
                ["taskset", "-c", core, *command],
                stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=env, cwd=folder, start_new_session=True,
            )  # fmt: skip
        prefer(self.child.pid)

    def tree(self):
        """Ids of the process and its descendants."""
        parents = {}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                text = stat.read_text()
            except OSError:
                continue
            fields = text[text.rindex(")") + 2 :].split()
            parents.setdefault(int(fields[1]), []).append(int(stat.parent.name))
        found, waiting = [], [self.child.pid]
        while waiting:
            found.append(waiting.pop())
            waiting += parents.get(found[-1], [])
        return found

    def processor_ns(self):
        """Time on a processor, of every thread of the tree: user, kernel, and what interrupts did meanwhile."""
        total = 0
        for pid in self.tree():
            for file in Path(f"/proc/{pid}/task").glob("*/schedstat"):
                try:
                    total += int(file.read_text().split()[0])
                except OSError:
                    continue
        return total

    def memory_kb(self, what="VmRSS"):
        """Resident memory of the tree, or its highest with `VmHWM`."""
        total = 0
        for pid in self.tree():
            try:
                lines = Path(f"/proc/{pid}/status").read_text().splitlines()
            except OSError:
                continue
            total += sum(int(line.split()[1]) for line in lines if line.startswith(what + ":"))
        return total

    def forget_highest(self):
        """From now on `VmHWM` counts anew."""
        for pid in self.tree():
            Path(f"/proc/{pid}/clear_refs").write_text("5")

    def said(self):
        files = [self.folder / "errors.log", self.output]
        return "\n".join(f.read_text(errors="replace")[-1500:] for f in files if f.exists())

    def stop(self):
        if self.child.poll() is None:
            tree = self.tree()
            self.child.send_signal(signal.SIGTERM)
            try:
                self.child.wait(5)
            except subprocess.TimeoutExpired:
                for pid in tree:
                    try:
                        os.kill(pid, signal.SIGKILL)
                    except ProcessLookupError:
                        continue
                self.child.wait(5)


class Ground:
    """Where everything of a run is found."""

    def __init__(self, cache, tools, hangu):
        self.material = cache / "material"
        self.venv = cache / "venv"
        self.run = cache / "run"
        self.tools = tools
        self.hangu = hangu
        self.port = int(os.environ.get("BENCH_PORT", "21000"))
        self.upstream_at = f"127.0.0.1:{self.port}"
        shutil.rmtree(self.run, ignore_errors=True)
        self.run.mkdir(parents=True)
        prefer("self")

    def upstream(self):
        folder = self.folder("upstream")
        process = Process([str(self.tools / "bench-upstream"), self.upstream_at], LOAD_CORE, folder)
        wait_for(self.port, process)
        return process

    def folder(self, name):
        folder = self.run / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, mode=0o755)
        return folder

    def start(self, peer, work, number):
        """A peer doing `work`, or None where it cannot."""
        folder = self.folder(f"{peer}-{number}")
        port = self.port + 1 + number
        at = Place(folder, port, self.upstream_at, self.material, self.tools, self.hangu, self.venv)
        launch = PEERS[peer](work, at)
        if launch is None:
            return None
        for file, text in launch.files.items():
            file.write_text(text)
        process = Process(launch.command, PROXY_CORE, folder, launch.output, environment(launch))
        wait_for(port, process)
        return Peer(self, peer, work, port, process)


def wait_for(port, process, seconds=30):
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.child.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 0.5).close()
            # Somebody else may hold the port, left over from a run that was killed.
            time.sleep(0.05)
            if process.child.poll() is None:
                return
        except OSError:
            time.sleep(0.1)
    said = process.said()
    process.stop()
    raise NotStarted(f"{process.folder.name}: {said}")


class Peer:
    """A proxy that runs."""

    def __init__(self, ground, name, work, port, process):
        self.ground, self.name, self.work, self.port, self.process = ground, name, work, port, process

    def token(self, who="reader"):
        return (self.ground.material / f"{who}-{self.work.token}.token").read_text()

    def ask(self, path="/api/orders/7", method="GET", token=None, certificate=True):
        """The status and the body of one request; 0 where the connection was refused."""
        material = self.ground.material
        try:
            tcp = socket.create_connection(("127.0.0.1", self.port), 5)
            if self.work.tls:
                context = ssl.create_default_context(cafile=str(material / "root.pem"))
                if certificate:
                    context.load_cert_chain(material / "client.pem", material / "client.key")
                tcp = context.wrap_socket(tcp, server_hostname=HOST)
            client = http.client.HTTPConnection(HOST)
            client.sock = tcp
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            client.request(method, path, headers=headers)
            answer = client.getresponse()
            body = answer.read().decode(errors="replace")
            client.close()
            return answer.status, body
        except (OSError, http.client.HTTPException):
            return 0, ""

    def faults(self):
        """What this peer lets through though it must not, or the other way round."""
        expected = []
        if self.work.token:
            good = self.token()
            head, claims, signature = good.split(".")
            turned = signature[:40] + signature[40:60].swapcase() + signature[60:]
            expected += [
                ("a good token", {"token": good}, {200}),
                ("no token", {}, {401, 403}),
                ("a bad signature", {"token": f"{head}.{claims}.{turned}"}, {401, 403}),
                ("a role that may not", {"token": self.token("guest")}, {403}),
                ("another path", {"token": good, "path": "/secret/7"}, {403}),
                ("another method", {"token": good, "method": "DELETE"}, {403}),
            ]
            if self.name.startswith("hangu"):
                # With a certificate and no token the gateway takes the certificate for the caller, as it should.
                expected = [e for e in expected if e[0] != "no token"]
        else:
            expected.append(("a request", {}, {200}))
        if self.work.tls:
            expected.append(("no client certificate", {"certificate": False, "token": ""}, {0, 400, 401, 403}))
        seen = [(what, self.ask(**request)[0], allowed) for what, request, allowed in expected]
        return [f"{what}: {status}" for what, status, allowed in seen if status not in allowed]

    def load(self, what, *options, path="/api/orders/7", exchange="classic"):
        """The command of the load generator."""
        material = self.ground.material
        command = [str(self.ground.tools / "bench-load"), what, "--address", f"127.0.0.1:{self.port}"]
        command += ["--host", HOST, "--path", path, "--exchange", exchange, *options]
        if self.work.tls:
            command += ["--anchors", str(material / "root.pem")]
        if self.work.tls and not self.work.anonymous:
            command += ["--certificate", str(material / "client.pem"), "--key", str(material / "client.key")]
        if self.work.token:
            command += ["--header", f"Authorization: Bearer {self.token()}"]
        return ["taskset", "-c", LOAD_CORE, *command]

    def measure(self, seconds, fresh=False, exchange="classic", connections=32):
        """Loads the peer; gives what the generator saw, and the processor time that each request cost."""
        options = ["--seconds", str(seconds), "--connections", str(connections)] + (["--fresh"] if fresh else [])
        before = self.process.processor_ns()
        done = subprocess.run(
            self.load("closed", *options, exchange=exchange), capture_output=True, text=True, timeout=seconds + 60
        )
        spent = self.process.processor_ns() - before
        if done.returncode != 0:
            raise NotStarted(done.stderr)
        seen = json.loads(done.stdout)
        answered = seen["good"] + seen["bad"]
        seen["cpu_us"] = spent / 1000 / max(1, answered)
        seen["cpu_share"] = spent / 1e9 / seconds
        return seen
