"""Pages of groups: what each is, who is in it, and whose it is."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from admin_ui import theme
from admin_ui.confirm import confirmed
from admin_ui.console import change_url, readable
from admin_ui.edit_pages import CardAdmin, CardForm, announce_on_commit, number_choice
from admin_ui.filters import ChoiceFilter, Choices, DayRangeFilter, name_of
from admin_ui.person_choice import PeopleField, PersonField
from im.errors import Refused
from im.models import IMGroup, IMGroupMember, IMUser
from im.services.groups import administration
from im.services.groups.administration import GroupDescription
from im.services.groups.members import MAX_AVATAR_CHARS, MAX_NAME_CHARS
from im.services.validation import Problem, stale_problem
from im.types import GroupChange, GroupType, RowStatus

TYPES: Choices = [(GroupType.NORMAL, _("fixed")), (GroupType.TEMPORARY, _("temporary"))]
STATES: Choices = [(RowStatus.SHOWN, _("in use")), (RowStatus.REMOVED, _("dissolved"))]
MEMBERS_PER_PAGE = 100


class TypeFilter(ChoiceFilter):
    title = _("type")
    parameter_name = "type"
    numbers = TYPES


class StateFilter(ChoiceFilter):
    title = _("status")
    parameter_name = "status"
    numbers = STATES


class LastChatFilter(DayRangeFilter):
    title = _("last chat")
    parameter_name = "last_chated"


class GroupForm(CardForm):
    """One group; its members have a page of their own."""

    name = forms.CharField(label=_("Name"), max_length=MAX_NAME_CHARS)
    type = number_choice(TYPES, _("Type"), GroupType.NORMAL)
    avatar = forms.CharField(
        label=_("Picture"),
        max_length=MAX_AVATAR_CHARS,
        required=False,
        help_text=_("The address of a picture, as clients upload one."),
    )
    owner = PersonField(
        label=_("Creator"),
        required=False,
        help_text=_("Who may change the group in his client. Empty: only operators."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # Any: ModelForm's own signature
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["owner"] = self.instance.creator or None

    def description(self) -> GroupDescription:
        """Return what the operator entered."""
        entered = self.cleaned_data
        return GroupDescription(entered["name"], entered["avatar"], entered["type"])

    def problems(self) -> Sequence[Problem]:
        found = list(administration.problems_of(self.description()))
        if self.instance.pk:
            row = IMGroup.objects.get(pk=self.instance.pk)
            found += stale_problem(row, self.cleaned_data["seen"])
        return found


class NewGroupForm(GroupForm):
    """A group to make."""

    members = PeopleField(label=_("Members"))


class MembersForm(forms.Form):
    """People to add."""

    people = PeopleField(label=_("Add people"))


@admin.register(IMGroup)
class GroupAdmin(CardAdmin):
    """The groups of the messenger."""

    form = GroupForm
    list_display = [
        "name", "type_name", "owner_name", "user_cnt", "state", "last_chat_at", "updated_at",
    ]  # fmt: skip
    list_filter = [TypeFilter, StateFilter, LastChatFilter]
    list_select_related = ["creator_user"]
    search_fields = ["name"]
    search_help_text = _("The group's name")
    ordering = ["-id"]
    actions = ["dissolve"]
    fields = [
        "name", "type", "avatar", "owner", "members_link", "version", "state", "created_at",
        "updated_at", "seen",
    ]  # fmt: skip
    readonly_fields = ["members_link", "version", "state", "created_at", "updated_at"]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fields if obj else ["name", "type", "avatar", "owner", "members"]

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        kwargs.setdefault("form", GroupForm if obj else NewGroupForm)
        return super().get_form(request, obj, change, **kwargs)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody changes a group that is dissolved."""
        is_dissolved = obj is not None and obj.status != RowStatus.SHOWN
        return not is_dissolved and super().has_change_permission(request, obj)

    def has_dissolve_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("im.delete_imgroup")

    def get_urls(self) -> list[URLPattern]:
        page = self.admin_site.admin_view(self.members_page)
        return [path("<id>/members/", page, name="im_imgroup_members"), *super().get_urls()]

    def write(self, form: Any, row_id: int | None) -> int:
        owner = form.cleaned_data["owner"]
        owner_id = owner.pk if owner else 0
        if row_id is None:
            members = [person.pk for person in form.cleaned_data["members"]]
            row_id, told = administration.create_group(owner_id, form.description(), members)
            announce_on_commit([told])
            return row_id
        administration.describe(row_id, form.description())
        announce_on_commit(administration.hand_over(row_id, owner_id))
        return row_id

    # --- members --------------------------------------------------------------------------------

    def members_page(self, request: HttpRequest, id: str) -> HttpResponse:
        """Show who is in a group, add people and take them out."""
        row = self.get_object(request, id)
        if row is None:
            return HttpResponseRedirect(reverse("admin:im_imgroup_changelist"))
        may_change = self.has_change_permission(request, row)
        if not (may_change or self.has_view_permission(request, row)):
            raise PermissionDenied
        form = MembersForm(request.POST if "people" in request.POST else None)
        if request.method == "POST" and may_change:
            answer = self._change_members(request, row, form)
            if answer is not None:
                return answer
        theme.dress(form)
        rows = IMGroupMember.objects.filter(group_id=row.pk, status=RowStatus.SHOWN)
        pages = Paginator(rows.select_related("user__depart").order_by("pk"), MEMBERS_PER_PAGE)
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Members"),
            "subtitle": row.name,
            "opts": self.opts,
            "original": row,
            "form": form if may_change else None,
            "media": self.media + form.media,
            "page": pages.get_page(request.GET.get("p")),
            "cancel": change_url(IMGroup, row.pk),
        }
        return TemplateResponse(request, "admin_ui/members.html", context)

    def _change_members(
        self, request: HttpRequest, row: IMGroup, form: MembersForm
    ) -> HttpResponse | None:
        """Do what the page asks for; None: its form is not valid."""
        change, ids = GroupChange.REMOVE, _numbers(request.POST.getlist("remove"))
        if not ids:
            if not form.is_valid():
                return None
            change, ids = GroupChange.ADD, [person.pk for person in form.cleaned_data["people"]]
        try:
            with transaction.atomic():
                event = administration.change_members(row.pk, change, ids)
                announce_on_commit([event])
                names = IMUser.objects.filter(pk__in=event.changed).values_list("name", flat=True)
                action = "add members" if change is GroupChange.ADD else "remove members"
                self.record(request, action, row, {"people": sorted(names)})
        except Refused as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
        else:
            text = ngettext("%d member changed.", "%d members changed.", len(event.changed))
            self.message_user(request, text % len(event.changed), messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:im_imgroup_members", args=[row.pk]))

    # --- columns --------------------------------------------------------------------------------

    @admin.display(description=_("type"), ordering="type")
    def type_name(self, row: IMGroup) -> Any:  # Any: translated lazily
        return name_of(row.type, TYPES)

    @admin.display(description=_("creator"))
    def owner_name(self, row: IMGroup) -> str:
        return row.creator_user.nick if row.creator_user else "–"

    @admin.display(description=_("status"), ordering="status")
    def state(self, row: IMGroup) -> Any:  # Any: translated lazily
        return name_of(row.status, STATES)

    @admin.display(description=_("last chat"), ordering="last_chated")
    def last_chat_at(self, row: IMGroup) -> str:
        return readable(row.last_chated)

    @admin.display(description=_("members"))
    def members_link(self, row: IMGroup) -> str:
        return format_html(
            '<a href="{}" class="font-medium text-primary-600 dark:text-primary-500">{}</a>',
            reverse("admin:im_imgroup_members", args=[row.pk]),
            ngettext("%d member", "%d members", row.user_cnt) % row.user_cnt,
        )

    @confirmed(
        _("Dissolve: take everybody out"),
        permissions=["dissolve"],
        note=_("All members are taken out and told so. What was said stays stored."),
    )
    def dissolve(self, request: HttpRequest, queryset: QuerySet[IMGroup], form: forms.Form) -> None:
        """Dissolve the chosen ones, a transaction each."""
        done = 0
        for row in queryset.filter(status=RowStatus.SHOWN):
            with transaction.atomic():
                announce_on_commit(administration.dissolve(row.pk))
                self.record(request, "dissolve", row)
            done += 1
        text = ngettext("%d group is dissolved.", "%d groups are dissolved.", done)
        self.message_user(request, text % done, messages.SUCCESS)


def _numbers(texts: Sequence[str]) -> list[int]:
    return [int(text) for text in texts if text.isdecimal()]
