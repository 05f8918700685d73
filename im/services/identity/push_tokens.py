"""Phones' tokens for push: one per user, and one user per token."""

import time

from django.db.transaction import atomic

from im.errors import Refused
from im.models import DeviceToken

MAX_TOKEN_CHARS = 255


@atomic(savepoint=False)
def register(user_id: int, client_type: int, token: str) -> None:
    """Store the token of a user's phone; who had it before has none now.

    A phone that changes accounts without a logout would show the pushes for both.  An empty token
    only clears.  Raises Refused when it is too long, and IntegrityError when another account gets
    the same token at this moment: begin the transaction again.
    """
    if not token:
        forget(user_id)
        return
    if len(token) > MAX_TOKEN_CHARS:
        raise Refused(f"a device token has at most {MAX_TOKEN_CHARS} characters")
    DeviceToken.objects.filter(token=token).exclude(user_id=user_id).delete()
    DeviceToken.objects.update_or_create(
        user_id=user_id,
        defaults={"token": token, "client_type": client_type, "updated": int(time.time())},
    )


def forget(user_id: int) -> None:
    """Drop the token of a user's phone."""
    DeviceToken.objects.filter(user_id=user_id).delete()
