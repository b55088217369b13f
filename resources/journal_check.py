"""Whether a session's journal plays again to the decisions that it holds, told as a value."""

from dataclasses import dataclass
from pathlib import Path

from tickledger.domain.errors import TickledgerError


@dataclass(frozen=True, slots=True)
class JournalCheck:
    """What came of it; `unreadable` says why nothing could be played again."""

    events: int = 0
    decisions: int = 0
    differences: tuple[str, ...] = ()
    is_same: bool = False
    unreadable: str = ""


def check_journal(path: Path) -> JournalCheck:
    """Play the journal of a session again, in this thread."""
    # Imported here: it brings the whole session with it, which the definitions do without.
    from resources.session_replay import replayed  # noqa: PLC0415

    try:
        found = replayed(path)
    except (TickledgerError, OSError) as error:
        return JournalCheck(unreadable=f"{path.name}: {error}")
    differences = tuple(str(problem) for problem in (*found.differences, *found.left_out))
    return JournalCheck(found.events, len(found.recorded), differences, found.is_same)
