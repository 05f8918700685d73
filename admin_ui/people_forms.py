"""Forms of people: one person, a new one, a new password, offboarding."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from admin_ui.department_choice import DepartmentField
from admin_ui.edit_pages import CardForm, number_choice
from admin_ui.filters import Choices
from admin_ui.person_choice import PersonField
from im.models import IMUser
from im.services.directory import phone, users
from im.services.directory.users import USER_TEXTS, UserCard
from im.services.identity.password_rules import MAX_PASSWORD_CHARS, check_password
from im.services.validation import Problem
from im.types import UserStatus

SEXES: Choices = [(0, _("unknown")), (1, _("male")), (2, _("female"))]
STATUSES: Choices = [
    (UserStatus.NORMAL, _("normal")),
    (UserStatus.PROBATION, _("on probation")),
    (UserStatus.REGULAR, _("regular")),
    (UserStatus.INTERN, _("intern")),
    (UserStatus.LEFT, _("left")),
]
MAX_TYPED_PHONE_CHARS = 40
MAX_CHARS = {rule.field: rule.max_chars for rule in USER_TEXTS}


def password_field(label: Any, help_text: Any = "") -> forms.CharField:  # Any: translated lazily
    """Return an input whose value never comes back in a page; empty: make a random one."""
    return forms.CharField(
        label=label,
        strip=False,
        required=False,
        max_length=MAX_PASSWORD_CHARS,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=help_text,
    )


RANDOM_IF_EMPTY = _("Leave both empty for a random password, which is shown once.")


class UserForm(CardForm):
    """One person; all it does is make a UserCard."""

    name = forms.CharField(
        label=_("Login name"),
        max_length=MAX_CHARS["name"],
        help_text=_("What the person types to log in."),
    )
    nick = forms.CharField(
        label=_("Nickname"),
        max_length=MAX_CHARS["nick"],
        help_text=_("What colleagues see."),
    )
    domain = forms.CharField(
        label=_("Phonetic name"),
        max_length=MAX_CHARS["domain"],
        required=False,
        help_text=_("Pinyin, for sorting and searching. Left empty, it is made from the nickname."),
    )
    depart = DepartmentField(label=_("Department"))
    status = number_choice(STATUSES, _("Status"), UserStatus.NORMAL)
    sex = number_choice(SEXES, _("Sex"), 0)
    # Longer than the column: pasted numbers have a country code and separators.
    phone = forms.CharField(label=_("Phone"), max_length=MAX_TYPED_PHONE_CHARS, required=False)
    email = forms.CharField(
        label=_("E-mail"),
        max_length=MAX_CHARS["email"],
        required=False,
        widget=forms.EmailInput(attrs={"size": 40}),
    )
    sign_info = forms.CharField(
        label=_("Signature"),
        max_length=MAX_CHARS["sign_info"],
        required=False,
        widget=forms.TextInput(attrs={"size": 60}),
    )
    form_fields = {"depart_id": "depart"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # Any: ModelForm's own signature
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["depart"] = self.instance.depart_id

    def clean_phone(self) -> str:
        """Return the number as the column takes it; one that was not touched stays as it is."""
        typed: str = self.cleaned_data["phone"]
        return typed if typed == self.initial.get("phone") else phone.tidy(typed)

    def card(self) -> UserCard:
        """Return what the operator entered."""
        entered = self.cleaned_data
        return UserCard(
            name=entered["name"],
            nick=entered["nick"],
            depart_id=entered["depart"].pk,
            domain=entered["domain"],
            sex=entered["sex"],
            phone=entered["phone"],
            email=entered["email"],
            status=entered["status"],
            sign_info=entered["sign_info"],
        )

    def problems(self) -> Sequence[Problem]:
        seen = self.cleaned_data["seen"]
        return users.check_user(self.instance.pk, self.card(), seen=seen)


class NewUserForm(UserForm):
    """A person to add, by somebody who sets no passwords: nobody knows the first one."""

    def problems(self) -> Sequence[Problem]:
        return users.check_new_user(self.card())


class NewUserWithPasswordForm(NewUserForm):
    """A person to add, with a first password."""

    password = password_field(_("Password"), RANDOM_IF_EMPTY)
    password_again = password_field(_("Password again"))

    def problems(self) -> Sequence[Problem]:
        owner = asdict(self.card())
        return [*super().problems(), *password_problems(self.cleaned_data, owner)]


class PasswordForm(forms.Form):
    """A new password, typed twice, and what for."""

    password = password_field(_("New password"), RANDOM_IF_EMPTY)
    password_again = password_field(_("New password again"))
    reason = forms.CharField(
        label=_("Reason"),
        max_length=255,
        help_text=_(
            "Who sets a password can log in with it. The reason is recorded, and the person gets a "
            "message that you did it."
        ),
    )

    def __init__(self, owner: IMUser, *args: Any, **kwargs: Any) -> None:  # Any: Form's own
        super().__init__(*args, **kwargs)
        self._owner = owner

    def clean(self) -> None:
        super().clean()
        if not self.errors:
            personal = users.personal_of(self._owner)
            for problem in password_problems(self.cleaned_data, personal):
                self.add_error(problem.field, problem.text)


def password_problems(entered: dict[str, Any], owner: Mapping[str, object]) -> Sequence[Problem]:
    """Return what is wrong with a password typed twice."""
    if entered["password"] != entered["password_again"]:
        return [Problem("password_again", gettext("The two passwords are not the same."))]
    return check_password(entered["password"], owner) if entered["password"] else ()


class OffboardForm(forms.Form):
    """Who takes over what the leavers made."""

    successor = PersonField(
        label=_("Their groups go to"),
        required=False,
        help_text=_("Left empty, only operators can change these groups from now on."),
    )
