"""Operators: the people who may log in to the console.

They are no users of the messenger: those live in IMUser and cannot log in here.
"""

from django.contrib.auth.models import AbstractUser
from django.utils.translation import gettext_lazy as _


class Operator(AbstractUser):
    """An account of the console, with Django's own permissions and groups."""

    class Meta(AbstractUser.Meta):
        # The stubs want texts that are translated at once.
        verbose_name = _("operator")  # type: ignore[assignment]
        verbose_name_plural = _("operators")  # type: ignore[assignment]
