"""Networks that people are connected from."""

import pytest

from im.delivery.networks import PeopleByNetwork
from im.networks import is_within

ADA, BOB = 1, 2
OFFICE, HOME = "192.0.2.1", "198.51.100.7"


@pytest.mark.parametrize(
    ("host", "is_in"),
    [
        ("10.1.2.3", True),
        ("::ffff:10.1.2.3", True),
        ("2001:db8::5", True),
        ("11.1.2.3", False),
        ("", False),
    ],
)
def test_a_host_is_in_a_network_or_not(host: str, is_in: bool) -> None:
    assert is_within(host, ["10.0.0.0/8", "2001:db8::/32"]) is is_in


def test_somebody_with_two_devices_is_one_of_the_people_until_both_are_gone() -> None:
    people = PeopleByNetwork()
    for user_id in (ADA, ADA, BOB):
        people.add(OFFICE, user_id)
    people.add(HOME, ADA)

    counts = [people.count(OFFICE)]
    for user_id in (ADA, ADA, BOB):
        people.remove(OFFICE, user_id)
        counts.append(people.count(OFFICE))

    assert counts == [2, 2, 1, 0]
    assert people.count(HOME) == 1
