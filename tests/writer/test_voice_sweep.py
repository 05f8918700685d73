"""Voice whose message was refused is swept away; what a message names stays."""

import time

import pytest
from django.core.management import CommandError, call_command

from im.models import IMAudio
from im.services.groups import members
from im.services.media import small_files
from im.services.messages import orphaned_voice, voice
from im.services.messages.voice import Voice
from im.storage.writer.requests import NewGroupMessage, NewMessage
from im.storage.writer.writer import Writer
from im.types import GroupType, MsgType
from tests.writer.conftest import TakeUsers

HELLO = b"\0\0\0\3OggS hello"
HOUR_S, DAY_S = 3600, 86_400
Item = NewMessage | NewGroupMessage
NOBODY = 4_000_000_000
SINGLE, GROUP = MsgType.SINGLE_AUDIO, MsgType.GROUP_AUDIO


def said(sender_id: int, session_id: int, kind: MsgType, age_s: int = 2 * DAY_S) -> Item:
    """Store a sound, so long ago, and return its message for the writer."""
    return voice.store(Voice(sender_id, session_id, kind, HELLO, int(time.time()) - age_s))


@pytest.fixture
def writer(writer: Writer) -> Writer:
    """A writer that leaves the thread's connection to others, too."""
    return Writer()


def swept() -> int:
    return sum(deleted for _, deleted in orphaned_voice.sweep(DAY_S))


def kept_of(sender_id: int) -> set[str]:
    """Return the texts of the messages whose rows are there with their sounds."""
    rows = IMAudio.objects.filter(from_id=sender_id)
    return {str(row.id) for row in rows if small_files.read(row.path or "") == HELLO[4:]}


def test_voice_of_refused_messages_goes_and_that_of_stored_ones_stays(
    writer: Writer, users: TakeUsers
) -> None:
    ada, bob, cleo = users(3)
    own = members.create_group(ada, "a", "", [ada, bob], GroupType.TEMPORARY).group_id
    foreign = members.create_group(cleo, "c", "", [bob, cleo], GroupType.TEMPORARY).group_id
    items = [
        said(ada, bob, SINGLE),
        said(ada, own, GROUP),
        said(ada, foreign, GROUP),
        said(ada, NOBODY, SINGLE),
        said(ada, bob, SINGLE),  # of a server that was killed in between
    ]
    orphan_paths = list(
        IMAudio.objects.filter(id__in=[item.content for item in items[2:]]).values_list(
            "path", flat=True
        )
    )
    answers = writer(items[:4])

    deleted = swept()

    assert [answer is not None for answer in answers] == [True, True, False, False]
    assert deleted == 3
    assert kept_of(ada) == {item.content for item in items[:2]}
    assert [small_files.read(path or "") for path in orphan_paths] == [None] * 3


def test_voice_that_may_be_on_its_way_is_left_alone(writer: Writer, users: TakeUsers) -> None:
    [ada] = users(1)
    item = said(ada, NOBODY, SINGLE, age_s=HOUR_S // 2)

    deleted = sum(deleted for _, deleted in orphaned_voice.sweep(0))

    assert (deleted, kept_of(ada)) == (0, {item.content})


def test_rows_of_the_original_and_their_files_are_left_alone(
    writer: Writer, users: TakeUsers
) -> None:
    [ada] = users(1)
    shared = small_files.store(HELLO[4:], ".audio")
    for path in (shared, "http://192.0.2.1/g0/000/000/1_2.audio", ""):
        IMAudio.objects.create(from_id=ada, to_id=NOBODY, path=path, size=1, duration=1, created=1)

    assert swept() == 0
    assert IMAudio.objects.filter(from_id=ada).count() == 3
    assert small_files.read(shared) == HELLO[4:]


def test_a_picture_with_the_bytes_of_a_swept_sound_stays(writer: Writer, users: TakeUsers) -> None:
    [ada] = users(1)
    said(ada, NOBODY, SINGLE)
    picture = small_files.store(HELLO[4:], ".png")

    assert swept() == 1
    assert small_files.read(picture) == HELLO[4:]


def test_more_rows_than_fit_at_once_are_looked_at(
    writer: Writer, users: TakeUsers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orphaned_voice, "ROWS_AT_ONCE", 2)
    ada, bob = users(2)
    writer([said(ada, bob, SINGLE) for _ in range(3)])
    for _ in range(5):
        said(ada, NOBODY, SINGLE)

    assert swept() == 5
    assert len(kept_of(ada)) == 3


def test_the_command_says_what_it_did(
    writer: Writer, users: TakeUsers, capsys: pytest.CaptureFixture[str]
) -> None:
    [ada] = users(1)
    said(ada, NOBODY, SINGLE)

    call_command("sweep_voice")

    assert capsys.readouterr().out.startswith("1 of ")
    assert kept_of(ada) == set()


def test_the_command_wants_an_hour_at_least() -> None:
    with pytest.raises(CommandError, match="at least 1"):
        call_command("sweep_voice", hours=0)
