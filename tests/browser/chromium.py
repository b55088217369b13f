"""Chromium as the browser tests use it: one page, printed or photographed once it has come to rest."""

import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

CHROMIUM: Final = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
#: Ignored by git; the paths are printed so that a person can look.
SCREENSHOTS: Final = Path(__file__).resolve().parents[2] / "build" / "screenshots"


def browse(url: str, profile: Path, *options: str) -> str:
    """What Chromium prints for `url` once the page has come to rest."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine (Debian: apt-get install chromium)")
    flags = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--virtual-time-budget=25000",
        "--window-size=1600,1000",
        f"--user-data-dir={profile}",
    ]
    shown = subprocess.run(
        [CHROMIUM, *flags, *options, url], capture_output=True, text=True, timeout=120, check=True, cwd=profile.parent
    )
    return shown.stdout


def photograph(url: str, profile: Path, name: str) -> Path:
    """Keep a picture of the page as `name`, and print where it is."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    picture = SCREENSHOTS / f"{name}.png"
    picture.unlink(missing_ok=True)
    browse(url, profile, f"--screenshot={picture}")
    print(f"screenshot: {picture}")
    return picture
