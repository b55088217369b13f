"""Which user runs the embedded server: ourselves, or `nobody` where we are root, whom PostgreSQL refuses.

`nobody` may not reach a checkout or a home inside a folder like /root (mode 700). That folder is not ours, so its
mode stays as it is; the server then keeps one of root's capabilities, the one to search and read folders, and no
other. Only stdlib modules are imported here: the server's keeper runs this without site-packages.
"""

import ctypes
import os
import pwd
import stat
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

# Numbers of the Linux interface: linux/prctl.h, securebits.h and capability.h.
_PR_SET_PDEATHSIG: Final = 1
_PR_CAPBSET_READ: Final = 23
_PR_SET_SECUREBITS: Final = 28
_SECBIT_NO_SETUID_FIXUP: Final = 4
_PR_CAP_AMBIENT: Final = 47
_PR_CAP_AMBIENT_RAISE: Final = 2
_CAP_DAC_OVERRIDE: Final = 1
_CAP_DAC_READ_SEARCH: Final = 2
_CAPABILITY_VERSION_3: Final = 0x20080522
_NOBODY: Final = 65534


@dataclass(frozen=True, slots=True)
class ServerUser:
    """The user and group of the server's processes; `capability` is the Linux capability they keep, if any."""

    uid: int
    gid: int
    capability: int | None = None

    @property
    def name(self) -> str:
        return user_name(self.uid)


def user_name(uid: int) -> str:
    """The login name of `uid`, or the number where it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def server_user() -> ServerUser:
    """The user that runs the server for this process."""
    if os.geteuid() != 0:
        return ServerUser(os.geteuid(), os.getegid())
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:  # an image without a user database
        return ServerUser(_NOBODY, _NOBODY)
    return ServerUser(entry.pw_uid, entry.pw_gid)


def barriers(user: ServerUser, paths: Iterable[Path]) -> tuple[Path, ...]:
    """The folders on the way to `paths`, root first, that `user` may not search."""
    folders = {parent for path in paths for way in (path, path.resolve()) for parent in way.parents}
    return tuple(sorted(folder for folder in folders if not may_execute(user, folder)))


def may_execute(user: ServerUser, path: Path) -> bool:
    """Whether the mode of `path` lets `user` execute the program, or search the folder, that it is."""
    status = path.stat()
    if status.st_uid == user.uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == user.gid:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)


def passing_capability(user: ServerUser, program: Path) -> int | None:
    """The smallest capability that takes `user` past barriers to run `program`, if root may hand one on here."""
    if os.geteuid() != 0 or sys.platform != "linux":
        return None
    # Containers commonly take the first away and leave the second, which alone executes what others may not.
    searching = (_CAP_DAC_READ_SEARCH,) if may_execute(user, program) else ()
    candidates = (*searching, _CAP_DAC_OVERRIDE)
    return next((number for number in candidates if _libc().prctl(_PR_CAPBSET_READ, number, 0, 0, 0) == 1), None)


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Sets(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


def become(user: ServerUser) -> None:
    """Make this process `user` for good, and the programs it executes too; raises OSError where that is not allowed."""
    if os.geteuid() == user.uid:
        return
    if user.capability is not None:
        # Neither setuid here nor access() in initdb, which looks for `postgres`, shall put the capability away.
        _prctl(_PR_SET_SECUREBITS, _SECBIT_NO_SETUID_FIXUP)
    os.setgroups([])
    os.setgid(user.gid)
    os.setuid(user.uid)
    if user.capability is not None:
        _keep_only(user.capability)


def _keep_only(capability: int) -> None:
    bit = 1 << capability
    sets = (_Sets * 2)(_Sets(bit, bit, bit), _Sets(0, 0, 0))
    _checked(_libc().capset(ctypes.byref(_Header(_CAPABILITY_VERSION_3, 0)), sets))
    _prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, capability)


def die_with_parent(signal_number: int, *, parent: int) -> None:
    """Have the kernel signal this process when the thread of `parent` that started it ends; only Linux can."""
    if sys.platform != "linux":
        return
    _prctl(_PR_SET_PDEATHSIG, signal_number)
    if os.getppid() != parent:  # it ended before we had asked
        os.kill(os.getpid(), signal_number)


def _prctl(option: int, *arguments: int) -> None:
    _checked(_libc().prctl(option, *arguments, *(0,) * (4 - len(arguments))))


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _checked(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
