"""The part of the tree an operator sees: all of it, or for a department manager his own.

Lists, pages, searches, exports and actions take their rows through `people` and `departments`, and
forms their choices through `restrict`, so that nothing outside is seen or written.
"""

from collections.abc import Set
from typing import Any

from django import forms
from django.db.models import QuerySet

from admin_ui.models import Operator
from admin_ui.roles import Role
from admin_ui.tree import company_outline, subtree
from im.models import IMDepart, IMUser


def departments_of(operator: Operator) -> Set[int] | None:
    """Return the ids of the departments he may see; None: of all.  At most one query a request."""
    if operator.role != Role.MANAGER:
        return None
    known: Set[int] | None = getattr(operator, "_departments", None)
    if known is None:
        known = frozenset(subtree(company_outline(), operator.depart_id or 0))
        operator._departments = known  # type: ignore[attr-defined]  # kept for the request
    return known


def departments(operator: Operator, rows: QuerySet[IMDepart]) -> QuerySet[IMDepart]:
    """Return those of the departments he may see."""
    ids = departments_of(operator)
    return rows if ids is None else rows.filter(pk__in=ids)


def people(operator: Operator, rows: QuerySet[IMUser]) -> QuerySet[IMUser]:
    """Return those of the people he may see."""
    ids = departments_of(operator)
    return rows if ids is None else rows.filter(depart_id__in=ids)


def restrict(form: forms.BaseForm, operator: Operator) -> None:
    """Let a form choose only among departments and people the operator may see.

    A manager always has to choose: "none" would be the top of the company.
    """
    if departments_of(operator) is None:
        return
    for field in form.fields.values():
        rows: Any = getattr(field, "queryset", None)
        if rows is not None and rows.model is IMDepart:
            field.queryset = departments(operator, rows)  # type: ignore[attr-defined]
            field.required = True
        elif rows is not None and rows.model is IMUser:
            field.queryset = people(operator, rows)  # type: ignore[attr-defined]
