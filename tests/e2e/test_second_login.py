"""The second login of each client: what has changed since the first one, and no more.

Edits by other tests would be news as well: this server and its database are for these tests alone.
"""

from collections.abc import Iterator

import pytest

from im.types import SessionType, UserStatus
from tests.e2e.clients import IOS, Android, Cache, Device, Mac, Windows
from tests.e2e.conftest import SwitchOn, make_database, running_server
from tests.e2e.database import Database
from tests.people import Entrance, People, Person
from tests.server import Server

SINGLE = int(SessionType.SINGLE)

every_client = pytest.mark.parametrize("kind", [Windows, Mac, IOS, Android])


@pytest.fixture(scope="module", params=["sqlite", "mariadb"])
def database_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """DATABASE_URL of a database for this module."""
    return make_database(request, tmp_path_factory, request.param, "second_login")


@pytest.fixture(scope="module")
def server(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server for this module."""
    with running_server(database_url, tmp_path_factory) as server:
        yield server


@pytest.fixture(scope="module")
def database(database_url: str) -> Database:
    """The database of this module's server."""
    return Database(database_url)


def change(database: Database, person: Person, cache: Cache, column: str, value: str | int) -> None:
    """Edit a person in the second after the one that a client has been told of last.

    That second is long over: what happens while it lasts, tests of syncing look at.
    """
    database.change(
        f"UPDATE IMUser SET {column} = %s, updated = %s WHERE id = %s",
        value,
        cache.people_stamp,
        person.id,
    )


@every_client
async def test_it_brings_what_has_changed_and_no_more(
    switch_on: SwitchOn,
    entrance: Entrance,
    people: People,
    database: Database,
    kind: type[Device],
) -> None:
    ada, bob, cleo = people(3)
    talker = await entrance.log_in(bob)
    await talker.tell(ada.id, "before")
    first = await switch_on(kind, ada)
    await first.close()

    change(database, cleo, first.cache, "nick", "Cleopatra")
    await talker.tell(ada.id, "meanwhile")
    second = await switch_on(kind, ada, first.cache)

    cache = second.cache
    assert cache.news == [cleo.id]
    assert cache.people[cleo.id].user_nick_name == "Cleopatra"
    assert cache.sessions[SINGLE, bob.id].latest_msg_id == 2
    assert cache.unread == {(SINGLE, bob.id): 2}
    assert cache.messages[SINGLE, bob.id][2] == b"meanwhile"


@every_client
async def test_when_nothing_has_changed_it_brings_nobody(
    switch_on: SwitchOn, people: People, kind: type[Device]
) -> None:
    [ada] = people(1)
    first = await switch_on(kind, ada)
    await first.close()

    second = await switch_on(kind, ada, first.cache)

    assert second.cache.news == []
    assert second.cache.people


@every_client
async def test_who_left_meanwhile_is_known_to_have_left(
    switch_on: SwitchOn, people: People, database: Database, kind: type[Device]
) -> None:
    ada, bob = people(2)
    first = await switch_on(kind, ada)
    await first.close()

    change(database, bob, first.cache, "status", UserStatus.LEFT)
    second = await switch_on(kind, ada, first.cache)
    fresh = await switch_on(kind, ada)

    assert second.cache.people[bob.id].status == UserStatus.LEFT
    assert bob.id not in fresh.cache.people
