"""The weak site and a gateway before it, on free ports."""

import pathlib
import signal
import socket
import subprocess
import sys
import time
import urllib.request

HERE = pathlib.Path(__file__).parent
MODEL = HERE.parent.parent / "configs/policy/model.conf"

# Whoever attacks is limited and banned within a few requests; here inspection has to stand alone. Everything else is
# as it ships.
CONFIGURATION = """
[gateway]
state = "state"
grace = "1s"
[[zone]]
name = "internet"
listen = ["127.0.0.1:{gateway}"]
[[portal]]
name = "weak"
zone = "internet"
department = "weak"
hosts = ["localhost"]
[portal.upstream]
addresses = ["127.0.0.1:{site}"]
answer-time = "120s"
[policy]
model = "{model}"
rules = ["rules.csv"]
[limit]
address = {{ rate = "100000/s", burst = 100000 }}
[limit.class]
gold = {{ rate = "100000/s", burst = 100000 }}
[situational.responses]
mode = "rehearse"
"""
RULES = "p, *, weak, *, localhost, /*, *, true, allow, rate:gold\n"


class Place:
    """Both, running, until the end of a `with`."""

    def __init__(self, folder, binary):
        self.folder = folder
        self.effects = folder / "effects.jsonl"
        self.effects.touch()
        site, gateway = free_port(), free_port()
        self.site, self.gateway = f"http://localhost:{site}", f"http://localhost:{gateway}"
        (folder / "rules.csv").write_text(RULES, encoding="utf-8")
        (folder / "hangu.toml").write_text(
            CONFIGURATION.format(gateway=gateway, site=site, model=MODEL), encoding="utf-8"
        )
        self.commands = [
            ["/usr/bin/python3", str(HERE / "weak"), "--port", str(site), "--effects", str(self.effects)],
            [binary, "run", "--config", str(folder / "hangu.toml")],
        ]
        self.running = []

    def __enter__(self):
        for command, base in zip(self.commands, (self.site, self.gateway), strict=True):
            log = (self.folder / f"{pathlib.Path(command[0]).name}.log").open("wb")
            self.running.append(subprocess.Popen(command, stdout=log, stderr=log))
            if not answers(base):
                self.__exit__()
                sys.exit(f"{command} did not come up: {pathlib.Path(log.name).read_text(encoding='utf-8')}")
        return self

    def __exit__(self, *_):
        for process in reversed(self.running):
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


def answers(base):
    """Waits until the front page comes."""
    for _ in range(150):
        try:
            return urllib.request.urlopen(base, timeout=5).status == 200
        except OSError:
            time.sleep(0.2)
    return False


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
