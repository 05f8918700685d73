"""How names are spoken."""

import pytest

from im.services.directory.phonetic import phonetic_name


@pytest.mark.parametrize(
    ("name", "spoken"),
    [
        ("单雄信", "shanxiongxin"),
        ("曾国藩", "zengguofan"),
        ("仇英", "qiuying"),
        ("区大相", "oudaxiang"),
        ("解缙", "xiejin"),
        ("查良镛", "zhaliangyong"),
        ("朴敏熙", "piaominxi"),
        ("盖叫天", "gejiaotian"),
        ("乐毅", "yueyi"),
        ("翟志刚", "zhaizhigang"),
        ("覃文", "qinwen"),
        ("洗星海", "xianxinghai"),
        ("员半千", "yunbanqian"),
        ("召忽", "shaohu"),
        ("种师道", "chongshidao"),
        ("缪荣株", "miaorongzhu"),
        ("秘书", "mishu"),  # a word
        ("任正非", "renzhengfei"),
        ("宁静", "ningjing"),
        ("卜凡", "bufan"),
        ("阚泽", "kanze"),
        ("曾林月娥", "zenglinyuee"),
        ("单雄信(销售)", "shanxiongxinxiaoshou"),
        ("曾　国藩", "zengguofan"),
    ],
)
def test_a_surname_is_spoken_as_one(name: str, spoken: str) -> None:
    assert phonetic_name(name) == spoken


@pytest.mark.parametrize(
    ("name", "spoken"),
    [
        ("尉迟恭", "yuchigong"),
        ("尉遲恭", "yuchigong"),
        ("万俟卨", "moqixie"),
        ("萬俟卨", "moqixie"),
        ("澹台灭明", "tantaimieming"),
        ("长孙无忌", "zhangsunwuji"),
        ("单于", "chanyu"),
        ("令狐冲", "linghuchong"),
    ],
)
def test_surnames_of_two_characters_are_known(name: str, spoken: str) -> None:
    assert phonetic_name(name) == spoken


@pytest.mark.parametrize(
    ("name", "spoken"),
    [
        ("重庆办事处", "chongqingbanshichu"),
        ("单位食堂", "danweishitang"),
        ("查询助手", "chaxunzhushou"),
        ("解放军", "jiefangjun"),
        ("区域销售部", "quyuxiaoshoubu"),
    ],
)
def test_what_is_nobodys_name_is_spoken_as_it_is_written(name: str, spoken: str) -> None:
    assert phonetic_name(name) == spoken


def test_a_surname_elsewhere_in_a_name_is_no_surname() -> None:
    assert phonetic_name("李解") == "lijie"
    assert phonetic_name("Tom") == ""
