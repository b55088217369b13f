"""The state of the code, read from real repositories."""

import subprocess
from pathlib import Path

import pytest

from ml.code_state import UNKNOWN_COMMIT, code_state


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=someone", "-c", "user.email=someone@example.invalid")
    done = subprocess.run(["git", "-C", folder, *identity, *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q")
    (tmp_path / "rules.py").write_text("SPEED = 1\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "First")
    return tmp_path


def test_a_clean_checkout_is_its_commit_alone(checkout: Path) -> None:
    state = code_state(checkout)
    assert state.git_commit == git(checkout, "rev-parse", "HEAD")
    assert (state.uncommitted_diff, state.diff_sha256) == ("", "")


def test_an_edit_shows_in_the_difference_staged_or_not(checkout: Path) -> None:
    (checkout / "rules.py").write_text("SPEED = 2\n")
    unstaged = code_state(checkout)
    git(checkout, "add", ".")
    assert "+SPEED = 2" in unstaged.uncommitted_diff
    assert code_state(checkout) == unstaged


def test_an_untracked_file_is_named_with_its_hash_and_an_ignored_one_is_not(checkout: Path) -> None:
    (checkout / ".gitignore").write_text("secret.env\n")
    (checkout / "secret.env").write_text("PASSWORD=x\n")
    (checkout / "new rules.py").write_text("SPEED = 3\n")
    lines = code_state(checkout).uncommitted_diff.splitlines()
    assert [line.split(" sha256 ")[0] for line in lines] == ["untracked .gitignore", "untracked new rules.py"]


def test_a_folder_that_is_no_checkout_has_no_known_commit(tmp_path: Path) -> None:
    assert code_state(tmp_path).git_commit == UNKNOWN_COMMIT


def test_a_machine_without_git_has_no_known_commit(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(checkout))
    assert code_state(checkout).git_commit == UNKNOWN_COMMIT
