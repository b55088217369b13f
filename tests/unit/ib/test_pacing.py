import asyncio
from collections.abc import Callable

import pytest

from tickledger.ib.pacing import Lane, Pacer


def _recorder(sent: list[tuple[str, float]], name: str) -> Callable[[], None]:
    return lambda: sent.append((name, asyncio.get_running_loop().time()))


def test_no_second_has_more_messages_than_the_limit_and_none_is_lost() -> None:
    sent: list[tuple[str, float]] = []

    async def scenario() -> None:
        pacer = Pacer(limit=20, reserved=5)
        for number in range(40):
            pacer.submit(_recorder(sent, str(number)), lane=Lane.ORDERS)
        for _ in range(400):
            if len(sent) == 40:
                return
            await asyncio.sleep(0.01)

    asyncio.run(scenario())
    assert [name for name, _ in sent] == [str(number) for number in range(40)]
    times = [at for _, at in sent]
    for first, last in zip(times, times[15:], strict=False):
        assert last - first >= 0.999, "more than 15 ordinary messages within a second"


def test_an_urgent_message_goes_at_once_behind_two_hundred() -> None:
    sent: list[tuple[str, float]] = []

    async def scenario() -> float:
        pacer = Pacer(limit=50, reserved=8)
        for number in range(200):
            pacer.submit(_recorder(sent, f"order {number}"), lane=Lane.ORDERS)
        before = asyncio.get_running_loop().time()
        for number in range(8):
            pacer.submit(_recorder(sent, f"cancel {number}"), lane=Lane.URGENT)
        assert [name for name, _ in sent[-8:]] == [f"cancel {number}" for number in range(8)]
        pacer.clear()
        return sent[-1][1] - before

    assert asyncio.run(scenario()) < 0.1


def test_what_is_sent_at_once_does_not_ask_the_budget() -> None:
    sent: list[tuple[str, float]] = []

    async def scenario() -> None:
        pacer = Pacer(limit=2, reserved=0)
        for _ in range(5):
            pacer.submit(_recorder(sent, "cancel"), lane=Lane.URGENT)
        pacer.send_at_once(_recorder(sent, "cancel all"))
        pacer.clear()

    asyncio.run(scenario())
    assert [name for name, _ in sent] == ["cancel", "cancel", "cancel all"]


def test_what_is_withdrawn_is_never_sent() -> None:
    sent: list[tuple[str, float]] = []

    async def scenario() -> list[str]:
        pacer = Pacer(limit=1, reserved=0)
        for name in ("a", "b", "c"):
            pacer.submit(_recorder(sent, name), lane=Lane.ORDERS, key=name)
        pacer.submit(_recorder(sent, "question"), lane=Lane.ORDERS)
        assert pacer.withdraw(["b"]) == ["b"]
        rest = pacer.withdraw()
        await asyncio.sleep(1.1)
        return rest

    assert asyncio.run(scenario()) == ["c"]
    assert [name for name, _ in sent] == ["a", "question"]


def test_after_a_complaint_a_third_as_much_is_sent() -> None:
    sent: list[tuple[str, float]] = []

    async def scenario() -> None:
        pacer = Pacer(limit=30, reserved=3)
        pacer.slow_down()
        for number in range(30):
            pacer.submit(_recorder(sent, str(number)), lane=Lane.ORDERS)
        pacer.clear()

    asyncio.run(scenario())
    assert len(sent) == 7


def test_complaints_about_one_burst_count_once_and_a_minute_later_the_full_limit_is_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 0.0
    monkeypatch.setattr("tickledger.ib.pacing._now", lambda: now)
    sent: list[tuple[str, float]] = []

    async def sent_of_forty(pacer: Pacer) -> int:
        sent.clear()
        for number in range(40):
            pacer.submit(_recorder(sent, str(number)), lane=Lane.ORDERS)
        pacer.clear()
        return len(sent)

    async def scenario() -> None:
        nonlocal now
        pacer = Pacer(limit=30, reserved=3)
        for _ in range(10):
            pacer.slow_down()
        assert await sent_of_forty(pacer) == 7
        now = 59.9
        assert await sent_of_forty(pacer) == 7
        now = 61.0
        assert await sent_of_forty(pacer) == 27

    asyncio.run(scenario())


def test_the_keys_of_what_waits_are_known() -> None:
    async def scenario() -> None:
        pacer = Pacer(limit=3, reserved=1)
        for number in range(4):
            pacer.submit(lambda: None, lane=Lane.ORDERS, key=f"ord_{number}")
        assert pacer.keys() == {"ord_2", "ord_3"}
        pacer.clear()
        assert pacer.keys() == frozenset()

    asyncio.run(scenario())


def test_a_limit_that_leaves_nothing_for_orders_is_refused() -> None:
    with pytest.raises(ValueError, match="expected a limit of more than 10, found 5"):
        Pacer(limit=5, reserved=5)


def test_requests_for_data_wait_behind_orders_and_leave_them_room() -> None:
    sent: list[tuple[str, float]] = []

    async def scenario() -> None:
        pacer = Pacer(limit=10, reserved=2)
        for _ in range(50):
            pacer.submit(_recorder(sent, "data"), lane=Lane.DATA)
        for _ in range(50):
            pacer.submit(_recorder(sent, "order"), lane=Lane.ORDERS)
        pacer.submit(_recorder(sent, "cancel"), lane=Lane.URGENT)
        pacer.clear()

    asyncio.run(scenario())
    assert [name for name, _ in sent] == ["data"] * 6 + ["order"] * 2 + ["cancel"]


def test_a_message_that_leads_to_another_leaves_nothing_waiting() -> None:
    sent: list[tuple[str, float]] = []

    async def scenario() -> None:
        pacer = Pacer(limit=2, reserved=0)

        def first() -> None:
            sent.append(("first", 0.0))
            for name in ("second", "third"):
                pacer.submit(_recorder(sent, name), lane=Lane.URGENT)

        pacer.submit(first, lane=Lane.ORDERS)
        for _ in range(150):
            if len(sent) == 3:
                return
            await asyncio.sleep(0.01)

    asyncio.run(scenario())
    assert [name for name, _ in sent] == ["first", "second", "third"]
