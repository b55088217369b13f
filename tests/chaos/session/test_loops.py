"""The processes of a scenario: time jumps to where something happens, however many of them are frozen inside others."""

import asyncio

from tests.chaos.session.loops import World


class _CountedWorld(World):
    turns = 0

    def _turn(self) -> None:
        self.turns += 1
        super()._turn()


def test_time_jumps_over_a_freeze_that_lasts_longer_than_the_one_around_it() -> None:
    with _CountedWorld() as world:
        thawed: list[tuple[str, float]] = []

        def no_error(*_: object) -> None: ...

        def freeze(name: str, seconds: float) -> None:
            world.freeze_here(actors[name], seconds)
            thawed.append((name, round(world.time.now, 3)))

        actors = {name: world.actor(no_error) for name in ("first", "second")}
        actors["first"].loop.call_at(1.0, freeze, "first", 2.0)
        actors["second"].loop.call_at(2.0, freeze, "second", 20.0)
        world.run(asyncio.sleep(30.0), on_error=no_error)

    # The first one's call lies around the second's, and so returns after it.
    assert thawed == [("second", 22.0), ("first", 22.0)]
    assert world.turns < 100
