"""What templates of the console say about audit entries."""

from django import template

from admin_ui import audit_texts
from admin_ui.models import AuditEntry

register = template.Library()
register.filter("action_name", audit_texts.action_name)


@register.filter
def detail_lines(entry: AuditEntry) -> str:
    """Return what an entry changed, one change a line."""
    return audit_texts.detail_html(entry)
