"""What the console writes in bulk, on SQLite and on MariaDB."""

from tests.conftest import manage

WORK = """
from django.core.management import call_command
from admin_ui.models import AuditEntry, Operator
from admin_ui.people_plan import plan
from admin_ui.people_storing import store
from admin_ui.people_wishes import Wish
from im.models import IMDepart, IMUser
from im.services.directory import users
from im.services.directory.bulk_import import secret_of
from im.services.directory.department_closing import close_department
from im.services.directory.users import DepartmentCard
from im.services.groups import administration, members, offboarding
from im.services.groups.administration import GroupDescription
from im.types import GroupChange

chief = Operator.objects.create_superuser("chief", password="x")
top = users.create_department(DepartmentCard("Top")).depart_id
old = users.create_department(DepartmentCard("Old", parent_id=top)).depart_id

def bring(nick, password):
    secret = secret_of(password) if password else None
    rows = [
        Wish(n, {"name": f"p{n:03d}", "nick": f"{nick}{n}", "department": "Old"}, secret)
        for n in range(700)
    ]
    assert store(plan(chief, rows), chief, address="", file_name="people.csv").is_complete

bring("李", "welcome to us")
bring("王\U0001f600", "")
people = list(IMUser.objects.order_by("name"))
print(len(people), {row.nick[0] for row in people}, people[5].domain)
print(AuditEntry.objects.filter(action="import").count())

ada, bob = people[0].pk, people[1].pk
group, told = administration.create_group(ada, GroupDescription("Lunch"), [bob])
offboarding.offboard(ada, bob)
print(members.member_ids(group) == (bob,))
administration.dissolve(group)
print(members.member_ids(group))

print(close_department(old, top).people)
print(IMUser.objects.filter(depart_id=top).count(), IMDepart.objects.get(pk=old).status)
call_command("verify_audit")
"""


def test_what_is_written_in_bulk_is_the_same_on_both(backend: str) -> None:
    said = manage("shell", "-v0", "-c", WORK, database_url=backend)

    *lines, audit = said.splitlines()
    assert lines == ["700 {'王'} li5", "1400", "True", "()", "699", "699 1"]
    assert "its end is 1400:" in audit
