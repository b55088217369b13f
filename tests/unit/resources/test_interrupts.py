"""An interrupt ends what asyncio runs in good order, also where it arrives inside a callback."""

import asyncio
import signal
import threading

import pytest

from resources.interrupts import cancelling_interrupts


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_in_a_callback_cancels_the_program_and_is_raised_after_its_end(number: signal.Signals) -> None:
    told: list[str] = []

    async def program() -> None:
        asyncio.get_running_loop().call_soon(signal.raise_signal, number)
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            await asyncio.sleep(0.01)
            told.append("ended in good order")
            raise

    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), cancelling_interrupts():
        asyncio.run(program())
    assert told == ["ended in good order"]
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_another_thread_than_the_main_one_is_left_alone() -> None:
    def run() -> None:
        with cancelling_interrupts():
            asyncio.run(asyncio.sleep(0))

    thread = threading.Thread(target=run)
    before = signal.getsignal(signal.SIGTERM)
    thread.start()
    thread.join()
    assert signal.getsignal(signal.SIGTERM) is before
