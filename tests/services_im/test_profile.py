"""What people say of themselves, and the names of their groups."""

import pytest

from im.errors import Refused
from im.models import IMUser
from im.services.groups import members
from im.services.identity import profile
from im.types import GroupType

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("char", ["\u202e", "\u2066", "\u202a", "\x00", "\x1b"])
def test_nobody_turns_the_writing_of_others(char: str) -> None:
    row = IMUser.objects.create(name="ada", nick="Ada", sex=0, depart_id=0, created=1, updated=1)

    with pytest.raises(Refused):
        profile.set_signature(row.pk, f"a{char}b")
    with pytest.raises(Refused):
        members.create_group(row.pk, f"a{char}b", "", [row.pk], GroupType.TEMPORARY)


def test_line_breaks_of_a_client_are_its_own() -> None:
    row = IMUser.objects.create(name="ada", nick="Ada", sex=0, depart_id=0, created=1, updated=1)

    profile.set_signature(row.pk, "one\ntwo 😀\ufe0f")

    assert IMUser.objects.get(pk=row.pk).sign_info == "one\ntwo 😀\ufe0f"
