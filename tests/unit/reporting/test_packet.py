"""A packet is the same bytes for the same files, and tells when a file in it was touched."""

import io
import json
import zipfile

import pytest

from tickledger.reporting.packet import MANIFEST, packet, problems_of

FILES = {"README.txt": b"read me\n", "inputs/fills.csv": b"execution_id\n", "rebuild.sh": b"#!/bin/sh\n"}


def rewritten(archive: bytes, changed: dict[str, bytes | None]) -> bytes:
    """The archive with files changed, added, or (None) taken out."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as old, zipfile.ZipFile(target, "w") as new:
        contents: dict[str, bytes | None] = {**{name: old.read(name) for name in old.namelist()}, **changed}
        for name, content in contents.items():
            if content is not None:
                new.writestr(name, content)
    return target.getvalue()


def test_the_same_files_give_the_same_bytes_in_whatever_order() -> None:
    assert packet(FILES, {"year": 2024}) == packet(dict(reversed(FILES.items())), {"year": 2024})


def test_the_manifest_tells_size_and_hash_of_each_file() -> None:
    with zipfile.ZipFile(io.BytesIO(packet(FILES, {"year": 2024}))) as archive:
        manifest = json.loads(archive.read(MANIFEST))
        assert {name: archive.read(name) for name in FILES} == FILES
    assert manifest["year"] == 2024
    # printf 'read me\n' | sha256sum
    assert manifest["files"]["README.txt"] == {
        "bytes": 8,
        "sha256": "65ce01fcc3e22e78b63419ef0f4493b0950daac7cee97329b428f5cafd395cda",
    }
    assert sorted(manifest["files"]) == sorted(FILES)


def test_a_script_may_be_run_and_nothing_else() -> None:
    with zipfile.ZipFile(io.BytesIO(packet(FILES, {}))) as archive:
        rights = {info.filename: info.external_attr >> 16 & 0o111 for info in archive.infolist()}
    assert [name for name, may_run in rights.items() if may_run] == ["rebuild.sh"]


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"inputs/fills.csv": b"other\n"}, "inputs/fills.csv: expected SHA-256 "),
        ({"inputs/fills.csv": None}, "inputs/fills.csv: listed, and not there"),
        ({"more.txt": b""}, "more.txt: there, and not listed"),
    ],
)
def test_what_was_touched_is_told(changed: dict[str, bytes | None], told: str) -> None:
    whole = packet(FILES, {})
    assert problems_of(whole) == []
    (problem,) = problems_of(rewritten(whole, changed))
    assert problem.startswith(told)
