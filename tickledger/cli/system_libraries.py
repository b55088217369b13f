"""What to install where a library of the operating system is missing."""

import re
from typing import Final

_MISSING: Final = re.compile(r"(?P<library>lib[\w+.-]+\.so[\d.]*): cannot open shared object file")
# The Debian and Ubuntu package of each library that the wheels of requirements.lock leave to the system.
_PACKAGES: Final = {
    "libgomp.so.1": "libgomp1",
    "libstdc++.so.6": "libstdc++6",
    "libgcc_s.so.1": "libgcc-s1",
    "libz.so.1": "zlib1g",
    "libgfortran.so.5": "libgfortran5",
    "libquadmath.so.0": "libquadmath0",
    "libcrypt.so.1": "libcrypt1",
    "libresolv.so.2": "libc6",
}


def missing_library_hint(error: BaseException) -> str | None:
    """Which system library `error`, or what caused it, misses and how to install it; None where none is missing."""
    cause: BaseException | None = error
    while cause is not None:
        if hint := missing_library_hint_in(str(cause)):
            return hint
        cause = cause.__cause__ or cause.__context__
    return None


def missing_library_hint_in(text: str) -> str | None:
    """The same for a message of the dynamic loader."""
    found = _MISSING.search(text)
    if found is None:
        return None
    library = found["library"]
    package = _PACKAGES.get(library)
    advice = f"apt-get install {package}" if package else f"apt-get install apt-file && apt-file search {library}"
    return f"expected the system library {library}, found none. On Debian or Ubuntu: {advice}"
