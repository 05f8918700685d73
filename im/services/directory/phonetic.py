"""Phonetic names: what clients sort and search Chinese names by (`IMUser.domain`).

Some characters sound differently as a surname.  Names of people have two to four characters; what
is longer, or a word of the dictionary, is taken for the name of something else.
"""

import re

MAX_CHARS = 32  # the column's width
_CHINESE = re.compile(r"[\u3400-\u9fff]")
_NAME = re.compile(r"[\u3400-\u9fff]{2,4}(?![\u3400-\u9fff])")
_PERHAPS_A_WORD = 4  # characters: with a surname of one, hardly anybody has a name so long

# Where the surname differs from the most frequent reading, which is the dictionary's.
_SURNAMES = {
    "曾": "zeng", "单": "shan", "單": "shan", "仇": "qiu", "区": "ou", "區": "ou", "解": "xie",
    "查": "zha", "朴": "piao", "盖": "ge", "蓋": "ge", "翟": "zhai", "覃": "qin", "乐": "yue",
    "樂": "yue", "员": "yun", "員": "yun", "召": "shao", "洗": "xian", "种": "chong", "黑": "he",
    "缪": "miao", "繆": "miao", "秘": "bi", "祕": "bi", "折": "she", "薄": "bo", "句": "gou",
    "佴": "nai", "祭": "zhai", "能": "nai", "郇": "xun", "都": "du", "阚": "kan", "闞": "kan",
    "卜": "bu", "乜": "nie", "繁": "po", "炅": "gui", "藏": "zang", "角": "jue", "会": "gui",
}  # fmt: skip
_COMPOUND_SURNAMES = {
    "尉迟": "yuchi", "尉遲": "yuchi", "万俟": "moqi", "萬俟": "moqi", "长孙": "zhangsun",
    "長孫": "zhangsun", "澹台": "tantai", "澹臺": "tantai", "单于": "chanyu", "單于": "chanyu",
    "乐正": "yuezheng", "樂正": "yuezheng", "令狐": "linghu", "宰父": "zaifu", "亓官": "qiguan",
    "夹谷": "jiagu", "拓跋": "tuoba", "相里": "xiangli", "鲜于": "xianyu", "皇甫": "huangfu",
    "呼延": "huyan", "宇文": "yuwen", "闾丘": "lvqiu",
}  # fmt: skip


def phonetic_name(text: str) -> str:
    """Return the pinyin of a name without tones, "李娜" -> "lina"; empty if nothing is Chinese."""
    if not _CHINESE.search(text):
        return ""
    # Imported when first needed: its dictionaries take a moment and some memory.
    from pypinyin import lazy_pinyin

    name = "".join(text.split())
    length, surname = _surname(name)
    syllables = "".join([surname, *lazy_pinyin(name[length:])]).lower()
    return re.sub(r"[^a-z0-9]", "", syllables)[:MAX_CHARS]


def _surname(text: str) -> tuple[int, str]:
    """Return the surname at the beginning: how many characters it has, how it is spoken.

    (0, "") when there is none that sounds differently from what the dictionary says.
    """
    from pypinyin.constants import PHRASES_DICT

    found = _NAME.match(text)
    if found is None:
        return 0, ""
    name = found[0]
    compound = _COMPOUND_SURNAMES.get(name[:2])
    if compound is not None:
        return 2, compound
    spoken = _SURNAMES.get(name[0])
    is_word = name in PHRASES_DICT
    if len(name) == _PERHAPS_A_WORD:
        is_word = is_word or name[:2] in PHRASES_DICT
    return (0, "") if spoken is None or is_word else (1, spoken)
