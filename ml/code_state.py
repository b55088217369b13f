"""The state of the code: the commit checked out and everything that differs from it.

A model is reproducible only with both. Where there is no git or no checkout (an installed wheel), the
commit is "unknown" and the difference is empty.
"""

import hashlib
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

UNKNOWN_COMMIT: Final = "unknown"
CHECKOUT: Final = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class CodeState:
    """`uncommitted_diff` is a patch against `git_commit`, followed by a line for each file git does not track."""

    git_commit: str
    uncommitted_diff: str

    @property
    def diff_sha256(self) -> str:
        """The hash of the difference, empty where there is none."""
        return hashlib.sha256(self.uncommitted_diff.encode()).hexdigest() if self.uncommitted_diff else ""


def code_state(checkout: Path = CHECKOUT) -> CodeState:
    """The state of the code in `checkout`; changes nothing there."""
    commit = _git(checkout, "rev-parse", "HEAD")
    if commit is None:
        return CodeState(git_commit=UNKNOWN_COMMIT, uncommitted_diff="")
    patch = _git(checkout, "diff", "HEAD", "--no-ext-diff", "--no-color") or ""
    return CodeState(git_commit=commit.strip(), uncommitted_diff=patch + _untracked(checkout))


def _untracked(checkout: Path) -> str:
    listed = _git(checkout, "ls-files", "--others", "--exclude-standard", "-z") or ""
    paths = sorted(path for path in listed.split("\0") if path and (checkout / path).is_file())
    hashes = ((path, hashlib.sha256((checkout / path).read_bytes()).hexdigest()) for path in paths)
    return "".join(f"untracked {path} sha256 {digest}\n" for path, digest in hashes)


def _git(checkout: Path, *arguments: str) -> str | None:
    """What git prints, None where it is not there or refuses. The checkout may belong to another user than ours."""
    git = shutil.which("git")
    if git is None:
        return None
    command = [git, "-C", str(checkout), "-c", f"safe.directory={checkout}", *arguments]
    done = subprocess.run(command, capture_output=True, check=False, timeout=60)  # noqa: S603  arguments are our own
    return done.stdout.decode(errors="replace") if done.returncode == 0 else None
