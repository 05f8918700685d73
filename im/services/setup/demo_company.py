"""A small made-up company, so that a fresh installation has somebody to log in as and write to."""

from dataclasses import dataclass

from django.db.transaction import atomic

from im.models import IMUser
from im.services.directory import discovery_links, users
from im.services.directory.discovery_links import ItemCard
from im.services.directory.users import DepartmentCard, UserCard
from im.services.setup import seed_people

FIXED_GROUP = 1  # values of IMGroup.type
TEMPORARY_GROUP = 2


@dataclass(frozen=True, slots=True)
class DemoCompany:
    """What there is to log in with: login names, and the password they all share."""

    names: tuple[str, ...]
    password: str


@dataclass(frozen=True, slots=True)
class Person:
    """A demo person; `pinyin` is the phonetic name, which e-mail addresses are made of too."""

    name: str
    nick: str
    pinyin: str
    department: str
    sex: int
    sign: str = ""


# (name, parent), parents first.
DEPARTMENTS = (
    ("星河科技", ""),
    ("研发中心 R&D", "星河科技"),
    ("产品设计部", "星河科技"),
    ("Sales", "星河科技"),
    ("人力行政部", "星河科技"),
    ("服务器组", "研发中心 R&D"),
    ("客户端组", "研发中心 R&D"),
    ("Quality", "研发中心 R&D"),
    ("User Research", "产品设计部"),
    ("华东区", "Sales"),
    ("International", "Sales"),
)

PEOPLE = (
    Person("zhangwei", "张伟", "zhangwei", "星河科技", 1, "路虽远，行则将至"),
    Person("liumin", "刘敏", "liumin", "星河科技", 2, "有事请留言"),
    Person("wangfang", "王芳", "wangfang", "研发中心 R&D", 2, "Code review 优先"),
    Person("lina", "李娜", "lina", "服务器组", 2, "稳定压倒一切"),
    Person("chenjie", "陈杰", "chenjie", "服务器组", 1, "Make it work, make it right"),
    Person("yanglei", "杨磊", "yanglei", "服务器组", 1),
    Person("赵强", "赵强", "zhaoqiang", "服务器组", 1, "周三在家办公"),
    Person("tom", "Tom Becker", "tom", "服务器组", 1, "On call this week"),
    Person("huangyan", "黄艳", "huangyan", "客户端组", 2, "像素级还原"),
    Person("zhoutao", "周涛", "zhoutao", "客户端组", 1),
    Person("wuxia", "吴霞", "wuxia", "客户端组", 2, "今天也要加油"),
    Person("anna", "Anna Lindqvist", "anna", "客户端组", 2, "Swift and coffee"),
    Person("孙悦", "孙悦", "sunyue", "客户端组", 2),
    Person("mahao", "马昊", "mahao", "Quality", 1, "没有测过就是没有做完"),
    Person("grace", "Grace Okafor", "grace", "Quality", 2, "It broke. I can show you."),
    Person("zhuling", "朱玲", "zhuling", "Quality", 2),
    Person("hujun", "胡军", "hujun", "产品设计部", 1, "少即是多"),
    Person("linxue", "林雪", "linxue", "产品设计部", 2, "设计评审中"),
    Person("guopeng", "郭鹏", "guopeng", "产品设计部", 1),
    Person("marie", "Marie Dubois", "marie", "User Research", 2, "Tell me how you use it"),
    Person("heqing", "何晴", "heqing", "User Research", 2),
    Person("gaofeng", "高峰", "gaofeng", "Sales", 1, "客户第一"),
    Person("luodan", "罗丹", "luodan", "华东区", 2, "出差上海"),
    Person("liangbo", "梁博", "liangbo", "华东区", 1),
    Person("宋佳", "宋佳", "songjia", "华东区", 2, "电话联系更快"),
    Person("james", "James Carter", "james", "International", 1, "UTC-5, replies may take a while"),
    Person("sofia", "Sofia Rossi", "sofia", "International", 2, "Ciao!"),
    Person("kenji", "田中健二", "tianzhong", "International", 1),
    Person("xiemei", "谢梅", "xiemei", "人力行政部", 2, "入职手续请找我"),
    Person("hanbing", "韩冰", "hanbing", "人力行政部", 0),
)

LUNCH = ("wangfang", "tom", "huangyan", "mahao", "grace", "hujun", "sofia")

LINKS = (
    ("Django 文档", "https://docs.djangoproject.com/"),
    ("维基百科", "https://zh.wikipedia.org/"),
    ("OpenStreetMap", "https://www.openstreetmap.org/"),
)


@atomic(savepoint=False)
def load_demo_company(password: str) -> DemoCompany | None:
    """Add the demo company with this password for everybody, unless there are people already.

    Returns what to tell the operator, or None when nothing was done.  Raises InvalidFields for a
    password that is too short.
    """
    if IMUser.objects.exists():
        return None
    depart_ids = _add_departments()
    user_ids = {
        person.name: _add_person(number, person, depart_ids, password)
        for number, person in enumerate(PEOPLE, start=1)
    }
    everybody = list(user_ids.values())
    seed_people.add_group("全体员工 Everybody", FIXED_GROUP, everybody[0], everybody)
    lunch = [user_ids[name] for name in LUNCH]
    seed_people.add_group("周五午餐 Friday lunch", TEMPORARY_GROUP, lunch[0], lunch)
    for priority, (name, url) in enumerate(LINKS, start=1):
        discovery_links.create_item(ItemCard(name, url, priority))
    return DemoCompany(tuple(user_ids), password)


def _add_departments() -> dict[str, int]:
    ids = {"": 0}
    for priority, (name, parent) in enumerate(DEPARTMENTS, start=1):
        card = DepartmentCard(name, priority, ids[parent])
        ids[name] = users.create_department(card).depart_id
    return ids


def _add_person(number: int, person: Person, depart_ids: dict[str, int], password: str) -> int:
    card = UserCard(
        name=person.name,
        nick=person.nick,
        depart_id=depart_ids[person.department],
        domain=person.pinyin,
        sex=person.sex,
        phone=f"138{number:08d}",
        email=f"{person.pinyin}@starriver.example",
        sign_info=person.sign,
    )
    return users.create_user(card, password).user_id
