"""An archive that is the same bytes whenever it is made of the same files, with a list of what is in it.

Times and rights are not kept: who compares two packets compares what they say.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any, Final

MANIFEST: Final = "MANIFEST.json"
_NO_TIME: Final = (1980, 1, 1, 0, 0, 0)
_READABLE: Final = 0o644 << 16
_EXECUTABLE: Final = 0o755 << 16


def packet(files: Mapping[str, bytes], facts: Mapping[str, Any]) -> bytes:
    """A zip of `files` by path, and of MANIFEST.json: `facts`, and the size and SHA-256 of every file."""
    told = {
        path: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for path, content in sorted(files.items())
    }
    manifest = json.dumps({**facts, "files": told}, indent=2, ensure_ascii=False) + "\n"
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in sorted({**files, MANIFEST: manifest.encode()}.items()):
            info = zipfile.ZipInfo(path, _NO_TIME)
            info.external_attr = _EXECUTABLE if path.endswith(".sh") else _READABLE
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    return target.getvalue()


def problems_of(archive: bytes) -> list[str]:
    """What differs between a packet and its own manifest; none where it is whole."""
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        listed: Mapping[str, Mapping[str, Any]] = json.loads(opened.read(MANIFEST))["files"]
        held = {name: opened.read(name) for name in opened.namelist() if name != MANIFEST}
    missing = [f"{name}: listed, and not there" for name in sorted(listed.keys() - held.keys())]
    unlisted = [f"{name}: there, and not listed" for name in sorted(held.keys() - listed.keys())]
    changed = [
        f"{name}: expected SHA-256 {listed[name]['sha256']}, found {found}"
        for name in sorted(listed.keys() & held.keys())
        if (found := hashlib.sha256(held[name]).hexdigest()) != listed[name]["sha256"]
    ]
    return [*missing, *unlisted, *changed]
