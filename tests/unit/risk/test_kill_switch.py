"""What the kill switch means, event by event."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from tickledger.domain.kill_switch import KillSwitchEvent, KillSwitchEventKind, KillSwitchState
from tickledger.risk.kill_switch import KillSwitch

AT = datetime(2026, 6, 10, 15, tzinfo=UTC)


def switch(*lines: str) -> KillSwitch:
    """Events in sequence from 1: ``"engaged flatten"``, ``"resumed"``, ``"flatten_sent 1 U1 A"``."""
    return KillSwitch([_event(number, line.split()) for number, line in enumerate(lines, start=1)])


def _event(sequence: int, words: list[str]) -> KillSwitchEvent:
    kind, *rest = words
    is_step = bool(rest) and rest[0].isdigit()
    answers, account, symbol = [*rest, None, None, None][:3] if is_step else (None, None, None)
    return KillSwitchEvent(
        kind=KillSwitchEventKind(kind),
        actor="ann",
        reason="too fast",
        occurred_at=AT,
        flattens=rest == ["flatten"],
        answers=int(answers) if answers else None,
        obeying_account=account,
        symbol=symbol,
        sequence=sequence,
    )


def test_nobody_has_touched_it() -> None:
    assert not KillSwitch().state.is_engaged
    assert KillSwitch().state.reason == ""
    assert KillSwitch().unanswered("U1") == ()


def test_it_is_engaged_until_it_is_resumed_and_steps_change_nothing() -> None:
    engaged = switch("engaged", "cancel_sent 1 U1", "carried_out 1 U1")
    assert engaged.state.is_engaged
    assert engaged.state.reason == "engaged by ann at 2026-06-10 15:00:00 UTC: too fast"
    assert not switch("engaged", "resumed", "carried_out 1 U1").state.is_engaged


def test_a_state_that_cannot_be_read_counts_as_engaged() -> None:
    assert KillSwitchState(unreadable="timeout").is_engaged


def test_each_account_answers_for_itself_and_a_failure_is_no_answer() -> None:
    events = switch("engaged", "carried_out 1 U1", "failed 1 U2")
    assert events.unanswered("U1") == ()
    assert [event.sequence for event in events.unanswered("U2")] == [1]


def test_flattening_that_was_asked_for_stays_asked_for_until_it_is_done_or_resumed() -> None:
    asked = ("engaged flatten", "engaged")
    assert [event.flattens for event in switch(*asked).unanswered("U1")] == [True, False]
    assert switch(*asked, "resumed").unanswered("U1") == ()


def test_what_was_sent_for_one_request_is_not_sent_for_it_again() -> None:
    events = switch("engaged flatten", "flatten_sent 1 U1 A", "flatten_sent 1 U2 B", "engaged flatten")
    first, second = events.unanswered("U1")
    assert events.flattened(first, "U1") == {"A"}
    assert events.flattened(second, "U1") == frozenset()


@given(st.lists(st.sampled_from(["engaged", "engaged flatten", "resumed", "cancel_sent 1 U1", "failed 1 U1"])))
def test_the_last_request_decides_and_an_engaged_switch_always_has_work_or_was_obeyed(lines: list[str]) -> None:
    requests = [line for line in lines if line.split()[0] in {"engaged", "resumed"}]
    events = switch(*lines)
    assert events.state.is_engaged == (bool(requests) and requests[-1] != "resumed")
    assert bool(events.unanswered("U1")) == events.state.is_engaged
