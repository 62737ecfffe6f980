"""Verifies an audit log with nothing of Hangu's: `python3 verify.py DIR 'name+hash+key'`.

Prints `ok RECORDS ROOT` and exits 0, or says what is wrong and exits 1. The format is described in `audit/src/frame.rs`
and `audit/src/segment.rs`; trees are RFC 6962, checkpoints C2SP tlog-checkpoint.
"""

import base64, hashlib, pathlib, struct, sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def sha(data):
    return hashlib.sha256(data).digest()


def fail(what):
    print("tampered:", what)
    sys.exit(1)


TABLE = []
for n in range(256):
    for _ in range(8):
        n = (n >> 1) ^ 0x82F63B78 if n & 1 else n >> 1
    TABLE.append(n)


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = TABLE[(crc ^ byte) & 255] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


class Tree:
    def __init__(self):
        self.size, self.peaks = 0, []

    def push(self, leaf):
        node, n = leaf, self.size
        while n & 1:
            node, n = sha(b"\x01" + self.peaks.pop() + node), n >> 1
        self.peaks.append(node)
        self.size += 1

    def root(self):
        if not self.peaks:
            return sha(b"")
        node = self.peaks[-1]
        for left in reversed(self.peaks[:-1]):
            node = sha(b"\x01" + left + node)
        return node


def checkpoint(note, name, key):
    """Size and root of a signed note."""
    text, signatures = note.split("\n\n", 1)
    origin, size, root = text.split("\n")[:3]
    ids = {kind: sha(f"{name}\n".encode() + bytes([kind]) + key)[:4] for kind in (1, 4)}
    good, body = set(), (text + "\n").encode()
    for line in signatures.rstrip("\n").split("\n"):
        _, signer, encoded = line.split(" ")
        raw = base64.b64decode(encoded)
        public = Ed25519PublicKey.from_public_bytes(key)
        if signer == name and raw[:4] == ids[1]:
            public.verify(raw[4:], body)
            good.add(1)
        if signer == name and raw[:4] == ids[4]:
            seconds = struct.unpack(">Q", raw[4:12])[0]
            public.verify(raw[12:], f"cosignature/v1\ntime {seconds}\n".encode() + body)
            good.add(4)
    if origin != name or good != {1, 4}:
        fail("a checkpoint is not the log's")
    return int(size), base64.b64decode(root)


def main(folder, vkey):
    folder = pathlib.Path(folder)
    name, _, material = vkey.strip().split("+", 2)
    key = base64.b64decode(material)[1:]
    history = (folder / "checkpoints.log").read_text()
    notes = ["\n\n".join(p) for p in zip(*[iter(history.split("\n\n"))] * 2)]
    signed = dict(checkpoint(note, name, key) for note in notes)
    latest = checkpoint((folder / "checkpoint").read_text(), name, key)
    if signed.get(latest[0]) != latest[1]:
        fail("the latest checkpoint is not in the history")
    tree, roots = Tree(), {0: sha(b"")}
    for path in sorted(folder.glob("segment-*.log")):
        data = path.read_bytes()
        length, first = struct.unpack_from("<IQ", data, 12)
        if data[:8] != b"HANGULOG" or crc32c(data[: length - 4]) != struct.unpack_from("<I", data, length - 4)[0]:
            fail(f"{path.name}: header")
        if first != tree.size or int(path.name[8:28]) != first:
            fail(f"{path.name}: does not go on where the segment before ends")
        at = length
        while at + 8 <= len(data) and any(data[at : at + 8]):
            size, crc = struct.unpack_from("<II", data, at)
            body = data[at + 8 : at + 8 + size]
            if len(body) < size or crc32c(data[at : at + 4] + body) != crc:
                fail(f"{path.name} at {at}: frame")
            number, kind = struct.unpack_from("<QB", body)
            if kind == 0 and number == tree.size:
                tree.push(sha(body[8:]))
                if tree.size in signed:
                    roots[tree.size] = tree.root()
            elif kind != 1 or (number, body[17:]) != (tree.size, tree.root()):
                fail(f"{path.name} at {at}: record or marker {number}")
            at += 8 + size
    for size, root in signed.items():
        if roots.get(size) != root:
            fail(f"the checkpoint of {size} records")
    print("ok", latest[0], latest[1].hex())


if __name__ == "__main__":
    try:
        main(sys.argv[1], sys.argv[2])
    except (InvalidSignature, ValueError, KeyError, struct.error) as wrong:
        fail(repr(wrong))
