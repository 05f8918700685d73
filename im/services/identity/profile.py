"""What people change about themselves."""

import time

from django.db.models import F, Value
from django.db.models.functions import Greatest

from im.errors import Refused
from im.models import IMUser
from im.services.characters import turning_in
from im.types import AvatarChanged, SignatureChanged

MAX_SIGNATURE_BYTES = 128  # and characters: the column has as many
MAX_AVATAR_CHARS = 255


def set_signature(user_id: int, sign_info: str) -> SignatureChanged:
    """Store a user's signature.  Raises Refused when it is too long or misleading."""
    if len(sign_info.encode()) > MAX_SIGNATURE_BYTES:
        raise Refused(f"a signature has at most {MAX_SIGNATURE_BYTES} bytes")
    if turning_in(sign_info):
        raise Refused("a signature can't turn the direction of writing")
    _change(user_id, sign_info=sign_info)
    return SignatureChanged(user_id, sign_info)


def set_avatar(user_id: int, avatar: str) -> AvatarChanged:
    """Store the address of a user's picture.  Raises Refused when it is too long."""
    if len(avatar) > MAX_AVATAR_CHARS:
        raise Refused(f"an avatar's address has at most {MAX_AVATAR_CHARS} characters")
    _change(user_id, avatar=avatar)
    return AvatarChanged(user_id, avatar)


def set_push_shield(user_id: int, is_shielded: bool) -> None:
    """Switch a user's night-time silence of pushes."""
    IMUser.objects.filter(id=user_id).update(push_shield_status=int(is_shielded))


def push_shield(user_id: int) -> bool | None:
    """Return whether a user wants no push at night; None if there is no such user."""
    found = IMUser.objects.filter(id=user_id).values_list("push_shield_status", flat=True).first()
    return None if found is None else bool(found)


def _change(user_id: int, **values: str) -> None:
    stamp = Greatest(Value(int(time.time())), F("updated") + 1)
    if not IMUser.objects.filter(id=user_id).update(**values, updated=stamp):
        raise Refused(f"there is no user {user_id}")
