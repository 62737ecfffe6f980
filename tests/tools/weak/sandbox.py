"""What an attack that succeeds may touch: nothing. The site and whatever it starts run as `nobody`."""

import os
import resource
import signal
import subprocess
import sys

NOBODY = 65534
SECONDS = 8
# A namespace without a network, where the kernel gives one to `nobody`.
_ALONE = []


def give_up_rights(folder):
    """Becomes `nobody`, in `folder`. Payload lists delete what they can reach: as anybody else the site does not run."""
    if os.getuid() != 0:
        sys.exit("the weak site runs as `nobody`, and only root can make it so: run this as root, in a container")
    for path in [folder, *folder.rglob("*")]:
        os.chown(path, NOBODY, NOBODY)
    os.chdir(folder)
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)
    resource.setrlimit(resource.RLIMIT_NPROC, (400, 400))
    alone = ["unshare", "--user", "--net"]
    if subprocess.run([*alone, "true"], capture_output=True, check=False).returncode == 0:
        _ALONE.extend(alone)


def run(command, folder, stdin=None):
    """Runs a command for a few seconds; returns what it wrote and complained of."""
    environment = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
    child = subprocess.Popen(
        [*_ALONE, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=folder,
        env=environment, start_new_session=True, preexec_fn=_bound,
    )  # fmt: skip
    try:
        out, errors = child.communicate(stdin, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        out, errors = child.communicate()
    return out.decode("utf-8", "replace")[:65536], errors.decode("utf-8", "replace")[:65536]


def _bound():
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (512 << 20, 512 << 20))
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
