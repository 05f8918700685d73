"""Who is where: sessions of this process, and what other gateways say of theirs."""

import pytest

from im.delivery.local.presence import Logins, Mirror, Presence
from im.delivery.local.sessions import Delivery, Session, Sessions
from im.delivery.local.unacked import UnackedDeliveries
from im.types import ClientType, DeviceClass
from tests.doubles import RecordingLink, session_on

ADA, BOB = 1, 2
PC, MOBILE, WEB = DeviceClass.PC, DeviceClass.MOBILE, DeviceClass.WEB


@pytest.fixture
def sessions() -> Sessions:
    return Sessions(UnackedDeliveries(seconds=15, items=100))


@pytest.fixture
def presence(sessions: Sessions) -> Presence:
    return Presence(sessions)


def connect(
    sessions: Sessions, user_id: int, client_type: ClientType
) -> tuple[Session, RecordingLink]:
    link = RecordingLink()
    session = session_on(link)
    sessions.bind(session, user_id, client_type)
    return session, link


# --- sessions ---------------------------------------------------------------------------------


def test_a_login_displaces_every_older_one_of_its_class_and_no_other(sessions: Sessions) -> None:
    pcs = [connect(sessions, ADA, type_)[0] for type_ in (ClientType.WINDOWS, ClientType.MAC)]
    connect(sessions, ADA, ClientType.IOS)
    connect(sessions, ADA, ClientType.WEB)
    connect(sessions, BOB, ClientType.WINDOWS)

    displaced = sessions.bind(session_on(RecordingLink()), ADA, ClientType.WINDOWS)

    assert displaced == pcs


def test_who_is_unbound_is_out_once_and_for_all(sessions: Sessions) -> None:
    session, link = connect(sessions, ADA, ClientType.IOS)

    assert [sessions.unbind(session), sessions.unbind(session)] == [True, False]
    sessions.deliver(Delivery(b"late", (ADA,)))

    assert link.sent == []
    assert (len(sessions), list(sessions.users()), sessions.of_user(ADA)) == (0, [], [])


def test_a_session_that_never_logged_in_cannot_be_unbound(sessions: Sessions) -> None:
    assert not sessions.unbind(session_on(RecordingLink()))


def test_a_delivery_reaches_the_users_devices_it_is_for(sessions: Sessions) -> None:
    author, author_link = connect(sessions, ADA, ClientType.WINDOWS)
    links = {
        name: connect(sessions, user_id, client_type)[1]
        for name, user_id, client_type in [
            ("Ada's phone", ADA, ClientType.IOS),
            ("Bob's PC", BOB, ClientType.MAC),
            ("Bob's phone", BOB, ClientType.ANDROID),
            ("a stranger's PC", 3, ClientType.MAC),
        ]
    }

    sessions.deliver(Delivery(b"to both", (ADA, BOB, 99)), skip=author)
    sessions.deliver(Delivery(b"to phones", (ADA, BOB), MOBILE))
    sessions.deliver(Delivery(b"to all PCs", None, PC | WEB))

    assert author_link.sent == [b"to all PCs"]
    assert {name: link.sent for name, link in links.items()} == {
        "Ada's phone": [b"to both", b"to phones"],
        "Bob's PC": [b"to both", b"to all PCs"],
        "Bob's phone": [b"to both", b"to phones"],
        "a stranger's PC": [b"to all PCs"],
    }


# --- presence ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("client_type", "is_seen"),
    [
        (ClientType.WINDOWS, True),
        (ClientType.MAC, True),
        (ClientType.WEB, True),
        (ClientType.IOS, False),
        (ClientType.ANDROID, False),
    ],
)
def test_others_see_pcs_and_browsers_but_no_phones(
    sessions: Sessions, presence: Presence, client_type: ClientType, is_seen: bool
) -> None:
    session, _ = connect(sessions, ADA, client_type)

    assert presence.is_online(ADA) is is_seen
    sessions.unbind(session)
    assert not presence.is_online(ADA)


def at(presence: Presence, channel: str, user_id: int, *devices: DeviceClass) -> None:
    """Let a gateway tell of a user's logins."""
    presence.mirror(channel).note(user_id, tuple((int(device), 1) for device in devices))


def test_a_pc_elsewhere_counts_too(sessions: Sessions, presence: Presence) -> None:
    connect(sessions, ADA, ClientType.IOS)
    at(presence, "there", ADA, PC)

    assert presence.is_online(ADA)
    assert presence.devices_of(ADA) == PC | MOBILE


def test_only_gateways_with_one_of_the_users_are_written_to(presence: Presence) -> None:
    at(presence, "there", ADA, PC)
    at(presence, "elsewhere", ADA, MOBILE)
    at(presence, "elsewhere", BOB, MOBILE)

    assert presence.channels_of([BOB, 3]) == ["elsewhere"]
    assert presence.channels_of([ADA, BOB]) == ["there", "elsewhere"]
    assert presence.channels_of([3]) == []


def test_what_a_gateway_says_last_counts(presence: Presence) -> None:
    at(presence, "there", ADA, PC, MOBILE)
    at(presence, "there", ADA, MOBILE)

    assert not presence.is_online(ADA)
    at(presence, "there", ADA)
    at(presence, "there", ADA)
    assert presence.channels_of([ADA]) == []


def test_the_end_of_a_gateway_names_those_who_were_seen_online(
    sessions: Sessions, presence: Presence
) -> None:
    for user_id, device in ((1, PC), (2, PC), (3, PC), (4, MOBILE), (5, WEB)):
        at(presence, "there", user_id, device)
    at(presence, "elsewhere", 2, PC)
    connect(sessions, 3, ClientType.WINDOWS)

    were_seen = presence.drop("there")

    assert sorted(were_seen) == [1, 2, 3, 5]
    assert [presence.is_online(user_id) for user_id in range(1, 6)] == (
        [False, True, True, False, False]
    )


def test_the_newest_login_of_a_class_is_known_wherever_it_is(
    sessions: Sessions, presence: Presence
) -> None:
    session, _ = connect(sessions, ADA, ClientType.MAC)
    session.epoch = 7
    presence.mirror("there").note(ADA, ((int(PC), 5), (int(MOBILE), 9)))
    presence.mirror("elsewhere").note(ADA, ((int(PC), 6),))

    newest = [presence.newest_epoch(ADA, device) for device in (PC, MOBILE, WEB)]

    assert newest == [7, 9, 0]


# --- digests ----------------------------------------------------------------------------------

LOGINS = {1: ((1, 10),), 2: ((1, 20), (2, 21)), 3: ((4, 30),)}


def test_mirrors_of_the_same_logins_have_the_same_digest_whatever_the_way_there() -> None:
    straight, detour = Mirror(), Mirror()
    for user_id, logins in LOGINS.items():
        straight.note(user_id, logins)
    detour.note(4, ((1, 40),))
    for user_id, logins in reversed(LOGINS.items()):
        detour.note(user_id, ((1, 5),))
        detour.note(user_id, logins)
    detour.note(4, ())

    assert straight.logins == detour.logins
    assert straight.digest == detour.digest


@pytest.mark.parametrize(
    "change",
    [{1: ()}, {4: ((1, 10),)}, {1: ((1, 11),)}, {1: ((2, 10),)}, {1: ((1, 30),), 3: ((4, 10),)}],
    ids=["one less", "one more", "another epoch", "another device", "epochs swapped"],
)
def test_mirrors_that_differ_have_different_digests(change: dict[int, Logins]) -> None:
    one, other = Mirror(), Mirror()
    for user_id, logins in LOGINS.items():
        one.note(user_id, logins)
    for user_id, logins in (LOGINS | change).items():
        other.note(user_id, logins)

    assert one.digest != other.digest


def test_a_mirror_of_nothing_any_more_has_the_digest_of_a_new_one() -> None:
    mirror = Mirror()
    for user_id, logins in LOGINS.items():
        mirror.note(user_id, logins)
    for user_id in LOGINS:
        mirror.note(user_id, ())

    assert (mirror.logins, mirror.digest) == ({}, 0)


def test_no_two_connections_ever_have_the_same_number() -> None:
    sessions = [session_on(RecordingLink()) for _ in range(100)]
    numbers = {session.id for session in sessions}
    del sessions

    assert len(numbers) == 100
    assert session_on(RecordingLink()).id > max(numbers)
