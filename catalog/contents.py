"""Digests of the content of files, read again only when a file has changed.

A command needs to know that a thousand files are those from which its cache was made. Reading them takes 40 ms, asking
the file system when each was last changed takes 4. So digests are kept in the cache folder, each with the size, inode
and times of all its files (as git's index has them); a file that changed a moment ago is read all the same, for a clock
may not tell two changes apart.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pickle
import time
from collections.abc import Mapping
from pathlib import Path

from catalog.writing import write_whole

SETTLED_NS = 2_000_000_000
"""How long a file must have been left alone for its times to be trusted."""
MOST = 200
"""Digests that are kept; beyond, the oldest give way."""
FILE = "contents.pickle"
HERE = Path(__file__).parent
Known = dict[str, tuple[bytes, bytes]]

_READ: dict[Path, Known] = {}


def content_digest(name: str, files: Mapping[str, Path], folder: Path, start: bytes = b"") -> bytes:
    """A digest of the names and content of some files.

    Args:
        name: Of the collection, to find it again.
        files: Paths by name.
        folder: Of the cache; it may be missing or impossible to write.
        start: What else the digest follows from.

    Raises:
        OSError: If a file cannot be read.
    """
    stamp, youngest = _stamp(files, start)
    known = _known(folder)
    place = f"{name} in {HERE}"
    found = known.get(place)
    if found is not None and found[0] == stamp:
        return found[1]
    digest = hashlib.blake2b(start, digest_size=16)
    for key, path in files.items():
        digest.update(key.encode() + b"\0" + path.read_bytes() + b"\0")
    if time.time_ns() - youngest > SETTLED_NS and _stamp(files, start)[0] == stamp:
        _keep(folder, place, stamp, digest.digest())
    return digest.digest()


def _stamp(files: Mapping[str, Path], start: bytes) -> tuple[bytes, int]:
    """What tells these files from changed ones, and when the youngest was changed, in nanoseconds."""
    seen: list[object] = [start]
    youngest = 0
    for key, path in files.items():
        s = os.stat(path)
        seen.append((key, s.st_size, s.st_ino, s.st_mtime_ns, s.st_ctime_ns))
        youngest = max(youngest, s.st_mtime_ns, s.st_ctime_ns)
    return hashlib.blake2b(repr(seen).encode(), digest_size=16).digest(), youngest


def _known(folder: Path) -> Known:
    if folder not in _READ:
        _READ[folder] = {}
        with contextlib.suppress(Exception):  # whatever is wrong with the file, it can be made again
            found = pickle.loads((folder / FILE).read_bytes())
            _READ[folder] = {str(name): (bytes(stamp), bytes(digest)) for name, (stamp, digest) in found.items()}
    return _READ[folder]


def _keep(folder: Path, place: str, stamp: bytes, digest: bytes) -> None:
    known = _known(folder)
    known.pop(place, None)
    known[place] = stamp, digest
    while len(known) > MOST:
        del known[next(iter(known))]
    with contextlib.suppress(OSError):
        write_whole(folder / FILE, pickle.dumps(known))
