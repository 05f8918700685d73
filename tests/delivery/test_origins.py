"""Whether people are connected from a network, as a process without connections finds out."""

import asyncio

import pytest

from im.delivery.remote import origins
from im.delivery.remote.control_client import Answers
from im.delivery.remote.origins import KNOWN_S, MOST_ASKING, STALE_S, UNKNOWN_S, Origins
from tests.gateway.connected import GATEWAY

OFFICE = "192.0.2.1"


class Gateways:
    """What gateways answer, and how often they were asked; `now` is the clock."""

    def __init__(self) -> None:
        self.answers = Answers()
        self.asked = 0
        self.now = 1000.0
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.origins = Origins(self.ask, lambda: self.now)
        self.people_at = self.origins.people_at

    async def ask(self, name: str, network: str) -> Answers:
        self.asked += 1
        await self.go_on.wait()
        return self.answers


@pytest.fixture
async def gateways() -> Gateways:
    return Gateways()


async def test_the_people_of_all_gateways_are_added(gateways: Gateways) -> None:
    gateways.answers = Answers({"one": 2, "two": 3, "an older one": None})

    assert await gateways.people_at(OFFICE) == 5


async def test_an_answer_is_remembered_for_a_moment(gateways: Gateways) -> None:
    gateways.answers = Answers({"one": 2})
    await gateways.people_at(OFFICE)
    gateways.answers = Answers({"one": 0})

    found = [await gateways.people_at(OFFICE)]
    gateways.now += KNOWN_S
    found += [await gateways.people_at(OFFICE), await gateways.people_at(OFFICE)]
    gateways.now += UNKNOWN_S
    found += [await gateways.people_at(OFFICE)]

    assert found == [2, 0, 0, 0]
    assert gateways.asked == 3


@pytest.mark.parametrize("answers", [Answers(is_cut_off=True), Answers(silent=(GATEWAY,))])
async def test_while_nobody_answers_what_was_known_counts_for_a_while(
    gateways: Gateways, answers: Answers
) -> None:
    gateways.answers = Answers({"one": 2})
    await gateways.people_at(OFFICE)
    gateways.answers = answers

    gateways.now += KNOWN_S
    found = [await gateways.people_at(OFFICE), await gateways.people_at("198.51.100.7")]
    gateways.now += STALE_S
    found += [await gateways.people_at(OFFICE)]

    assert found == [2, 0, 0]


async def test_strangers_make_no_more_than_a_few_questions_at_once(gateways: Gateways) -> None:
    gateways.go_on.clear()
    waiting = [asyncio.create_task(gateways.people_at(f"192.0.2.{n}")) for n in range(20)]
    while gateways.asked < MOST_ASKING:  # noqa: ASYNC110  # tasks have begun
        await asyncio.sleep(0)
    gateways.answers = Answers({"one": 1})
    gateways.go_on.set()

    found = await asyncio.gather(*waiting)

    assert gateways.asked == MOST_ASKING
    assert sum(found) == MOST_ASKING


async def test_no_more_networks_are_remembered_than_a_bound(
    gateways: Gateways, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(origins, "MOST_KNOWN", 3)

    for number in range(10):
        await gateways.people_at(f"192.0.2.{number}")

    assert len(gateways.origins) == 3
