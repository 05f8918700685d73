"""People talk from browsers, with each other and with an old client."""

import struct
import zlib
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import expect

from im.types import MsgType
from im.wire import cipher
from im.wire.proto import group_pb2, message_pb2
from tests.browser.chatting import READY, Chat
from tests.browser.conftest import NewPage
from tests.people import Entrance, People

SPEEX = (Path(__file__).parent.parent / "web" / "tone.spx").read_bytes()
KEY = b"12345678901234567890123456789012"
HOSTILE = '<img src=x onerror="document.title=\'owned\'"><script>document.title="owned"</script>'


def encrypted(text: str) -> bytes:
    return cipher.encrypt_text(text, KEY)


def png(path: Path) -> Path:
    """Write a small picture."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        check = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)

    rows = b"".join(b"\0" + b"\x20\x60\xc0" * 30 for _ in range(20))
    header = struct.pack(">IIBBBBB", 30, 20, 8, 2, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )
    return path


async def test_two_browsers_and_an_old_client_talk(
    new_page: NewPage, entrance: Entrance, people: People, tmp_path: Path
) -> None:
    ada, bob, cleo = people(3)
    a, b = Chat(await new_page()), Chat(await new_page())
    await a.log_in(ada)
    await b.log_in(bob)
    c = await entrance.log_in(cleo)

    await a.open(bob.name)
    await a.write("hello", "你好，世界", "[呵呵] [牙牙撒花]", "https://example.org/x 🎉")
    await b.row(f"1:{ada.id}").click()
    await b.sees("hello", "你好，世界", "🙂 牙牙撒花", "https://example.org/x 🎉")
    await b.write("and back")
    await expect(a.messages.last).to_contain_text("and back")
    await expect(a.waiting).to_have_count(0)

    await b.page.set_input_files("input[type=file]", png(tmp_path / "sea.png"))
    picture = a.messages.last.get_by_role("img", name="[Picture]")
    await expect(picture).to_be_visible()
    assert await picture.evaluate("image => image.naturalWidth") == 30

    await a.open(cleo.name)
    await a.write("to a PC [哈哈]")
    pushed = await c.receive(message_pb2.IMMsgData)
    assert cipher.decrypt_text(pushed.msg_data, KEY) == "to a PC [哈哈]"
    await c.tell(ada.id, encrypted("from a PC"))
    await a.sees("to a PC 😄", "from a PC")


async def test_what_was_being_sent_when_the_line_broke_arrives_once(
    new_page: NewPage, people: People
) -> None:
    ada, bob = people(2)
    a, b = Chat(await new_page()), Chat(await new_page())
    await a.log_in(ada)
    await b.log_in(bob)
    await a.open(bob.name)
    await a.write("before")
    await b.row(f"1:{ada.id}").click()
    # Frames reach the server, its answers don't reach the page: the worst moment.
    await a.page.evaluate(
        "() => { WebSocket.prototype.send = (send => function (frame) {"
        "  if (frame.includes('IMMsgData\"')) this.onmessage = null;"
        "  return send.call(this, frame); })(WebSocket.prototype.send); }"
    )

    await a.write("in the middle 1", "in the middle 2")
    await expect(b.messages).to_have_count(3)
    await a.page.context.set_offline(True)
    await expect(a.banner).to_contain_text("You are offline")
    await a.write("while away")
    await b.write("meanwhile")
    await expect(a.waiting).to_have_count(3)
    await a.page.context.set_offline(False)
    await a.page.reload()
    await a.page.wait_for_selector(READY)
    await a.open(bob.name)

    everything = ["before", "in the middle 1", "in the middle 2", "meanwhile", "while away"]
    await a.sees(*everything)
    await b.sees(*everything)
    await expect(a.waiting).to_have_count(0)


async def test_a_page_comes_back_by_itself_and_catches_up(
    new_page: NewPage, entrance: Entrance, people: People
) -> None:
    ada, bob = people(2)
    a = await Chat(await new_page()).log_in(ada)
    b = await entrance.log_in(bob)
    await a.open(bob.name)
    await b.tell(ada.id, encrypted("1"))
    await a.sees("1")

    await a.page.context.set_offline(True)
    await expect(a.banner).to_be_visible()
    for number in range(2, 6):
        await b.tell(ada.id, encrypted(str(number)))
    await a.write("sent while offline")
    await a.page.context.set_offline(False)

    await expect(a.banner).to_be_hidden()
    await a.sees("1", "2", "3", "4", "5", "sent while offline")


async def test_history_and_unread_counts_are_there_after_a_reload(
    new_page: NewPage, entrance: Entrance, people: People
) -> None:
    ada, bob, cleo = people(3)
    b, c = await entrance.log_in(bob), await entrance.log_in(cleo)
    for number in range(1, 76):
        await b.tell(ada.id, encrypted(f"text {number}"))
    await c.tell(ada.id, encrypted("once"))
    a = await Chat(await new_page()).log_in(ada)
    badge = a.row(f"1:{bob.id}").locator(".badge")
    await expect(badge).to_have_text("75")

    await a.row(f"1:{bob.id}").click()
    await expect(badge).to_have_count(0)
    await expect(a.messages.last).to_contain_text("text 75")
    while await a.messages.count() < 75:
        shown = await a.messages.count()
        await a.log.evaluate("log => { log.scrollTop = 0; }")
        await expect(a.messages).not_to_have_count(shown)
    await expect(a.messages.first).to_contain_text("text 1")
    await a.page.reload()
    await a.page.wait_for_selector(READY)

    await expect(a.row(f"1:{bob.id}").locator(".badge")).to_have_count(0)
    await expect(a.row(f"1:{cleo.id}").locator(".badge")).to_have_text("1")
    assert await b.unread_counts() == {}


async def test_reading_on_one_device_clears_the_count_on_the_page(
    new_page: NewPage, entrance: Entrance, people: People
) -> None:
    ada, bob = people(2)
    a = await Chat(await new_page()).log_in(ada)
    pc, b = await entrance.log_in(ada), await entrance.log_in(bob)
    await b.tell(ada.id, encrypted("hello"))
    await expect(a.row(f"1:{bob.id}").locator(".badge")).to_have_text("1")

    await pc.mark_read(bob.id, 1)

    await expect(a.row(f"1:{bob.id}").locator(".badge")).to_have_count(0)


async def test_a_group_that_is_made_is_seen_by_all_its_members(
    new_page: NewPage, entrance: Entrance, people: People
) -> None:
    ada, bob, cleo, dave = people(4)
    a, b = Chat(await new_page()), Chat(await new_page())
    await a.log_in(ada)
    await b.log_in(bob)
    c = await entrance.log_in(cleo)

    await a.page.get_by_role("button", name="New group").click()
    dialog = a.page.get_by_role("dialog")
    await dialog.get_by_label("Name of the group").fill(HOSTILE[:60])
    for person in (bob, cleo):
        await dialog.get_by_role("searchbox").fill(person.name)
        await dialog.get_by_role("checkbox").check()
    await dialog.get_by_role("button", name="Create").click()
    await a.write("welcome")

    await expect(b.rows.first).to_contain_text(HOSTILE[:60])
    await b.rows.first.click()
    await b.sees("welcome")
    heard = await c.receive(message_pb2.IMMsgData)
    await b.write("thanks")
    await a.sees("welcome", "thanks")

    await a.page.get_by_role("button", name="Details of the group").click()
    await dialog.get_by_text("Add people").click()
    await dialog.get_by_role("searchbox").fill(dave.name)
    await dialog.locator("details").get_by_role("checkbox").check()
    await dialog.get_by_role("button", name="Add", exact=True).click()
    told = await c.receive(group_pb2.IMGroupChangeMemberNotify)
    await expect(dialog.get_by_text("4 people")).to_be_visible()
    await dialog.get_by_role("button", name=f"Remove nick{bob.id}").click()
    await expect(b.page.locator(".head-line")).to_have_text("You are no longer in this group.")

    assert list(told.chg_user_id_list) == [dave.id]
    assert heard.to_session_id == told.group_id
    assert a.page.url.endswith("/chat")


async def test_a_second_page_ends_the_first_which_says_so(
    new_page: NewPage, people: People
) -> None:
    [ada] = people(1)
    first = await Chat(await new_page()).log_in(ada)

    await Chat(await new_page()).log_in(ada)

    await expect(first.banner).to_contain_text("logged in somewhere else")
    await expect(first.page.get_by_role("button", name="Use it here")).to_be_visible()


async def test_voice_of_an_old_client_is_played(
    new_page: NewPage, entrance: Entrance, people: People
) -> None:
    ada, bob = people(2)
    a = await Chat(await new_page()).log_in(ada)
    b = await entrance.log_in(bob)
    b.send(
        message_pb2.IMMsgData(
            from_user_id=bob.id,
            to_session_id=ada.id,
            msg_id=0,
            create_time=0,
            msg_type=MsgType.SINGLE_AUDIO,
            msg_data=(1).to_bytes(4, "big") + SPEEX,
        )
    )
    await expect(a.row(f"1:{bob.id}")).to_contain_text("[语音]")
    await a.row(f"1:{bob.id}").click()

    await a.page.get_by_role("button", name="Voice message, 1 seconds").click()

    player = a.page.locator("audio")
    await expect(player).to_be_visible()
    await expect(player).to_have_js_property("error", None)
    assert 0.9 < await player.evaluate("sound => sound.duration") < 1.2


@pytest.mark.parametrize(
    ("code", "told"),
    [(13, "as many pictures today"), (14, "no room for pictures"), (8, "could not be sent")],
)
async def test_it_is_said_why_a_picture_was_not_sent(
    new_page: NewPage, people: People, tmp_path: Path, code: int, told: str
) -> None:
    ada, bob = people(2)
    a = await Chat(await new_page()).log_in(ada)
    await a.open(bob.name)
    refusal = f'{{"error_code":{code},"error_msg":"","path":"","url":""}}'
    await a.page.route("**/chat/files", lambda route: route.fulfill(body=refusal))

    await a.page.set_input_files("input[type=file]", png(tmp_path / "sea.png"))

    await expect(a.page.get_by_text(told)).to_be_visible()


async def test_pictures_are_pasted_and_dropped(new_page: NewPage, people: People) -> None:
    ada, bob = people(2)
    a = await Chat(await new_page()).log_in(ada)
    await a.open(bob.name)
    script = """(area, how) => {
        const canvas = document.createElement("canvas");
        canvas.width = 40; canvas.height = 30;
        canvas.toBlob((blob) => {
            const carried = new DataTransfer();
            carried.items.add(new File([blob], "picture.png", {type: "image/png"}));
            const both = {bubbles: true, cancelable: true};
            const event = how === "paste"
                ? new ClipboardEvent("paste", {clipboardData: carried, ...both})
                : new DragEvent("drop", {dataTransfer: carried, ...both});
            area.dispatchEvent(event);
        });
    }"""

    area = a.page.get_by_role("textbox", name="Message")
    await area.evaluate(script, "paste")
    await expect(a.page.get_by_role("img", name="[Picture]")).to_have_count(1)
    await area.evaluate(script, "drop")

    await expect(a.page.get_by_role("img", name="[Picture]")).to_have_count(2)
    await expect(a.waiting).to_have_count(0)


async def test_typing_and_presence_are_shown(new_page: NewPage, people: People) -> None:
    ada, bob = people(2)
    a, b = Chat(await new_page()), Chat(await new_page())
    await a.log_in(ada)
    await a.open(bob.name)
    line = a.page.locator(".head-line")
    await expect(line).to_contain_text("offline")
    await b.log_in(bob)
    await expect(line).to_contain_text("online")
    await b.open(ada.name)

    await b.page.get_by_role("textbox", name="Message").press_sequentially("hm")

    await expect(line).to_have_text("is typing…")


async def test_people_are_found_by_pinyin_and_in_their_departments(
    new_page: NewPage, people: People
) -> None:
    ada, bob = people(2)
    a = await Chat(await new_page()).log_in(ada)

    await a.page.get_by_role("searchbox").first.fill(f"DOMAIN{bob.id}")
    await expect(a.rows.first).to_contain_text(f"nick{bob.id}")
    await a.page.get_by_role("searchbox").first.press("Escape")
    await a.page.get_by_role("tab", name="People").click()

    # The only one at the top is open from the start.
    await expect(a.rows.first).to_have_attribute("aria-expanded", "true")
    assert await a.rows.count() > 1
    await a.rows.first.click()
    await expect(a.rows.first).to_have_attribute("aria-expanded", "false")


async def test_names_signatures_and_texts_are_never_html(
    new_page: NewPage, entrance: Entrance, people: People
) -> None:
    ada, bob = people(2)
    a, b = Chat(await new_page()), Chat(await new_page())
    await a.log_in(ada)
    await b.log_in(bob)
    await a.open(bob.name)

    await a.write(HOSTILE, "&$#@~^@[{:javascript:alert(1):}]&$~@#@", 'https://x/"onclick=1')
    await b.row(f"1:{ada.id}").click()
    await a.page.get_by_role("button", name="Your profile").click()
    await a.page.get_by_label("Signature").fill(HOSTILE[:60])
    await a.page.get_by_role("button", name="Save").click()

    await b.sees(HOSTILE, "javascript:alert(1)", 'https://x/"onclick=1')
    await expect(b.page.locator(".head-line")).to_contain_text(HOSTILE[:60])
    for chat in (a, b):
        assert "owned" not in await chat.page.title()
        assert await chat.page.locator(".log img, .log script, [href^=javascript]").count() == 0


async def test_a_password_is_changed_and_the_page_stays(
    new_page: NewPage, entrance: Entrance, people: People
) -> None:
    [ada] = people(1)
    a = await Chat(await new_page()).log_in(ada)
    phone = await entrance.log_in(ada)

    await a.page.get_by_role("button", name="Your profile").click()
    await a.page.get_by_text("Change password").first.click()
    await a.page.get_by_label("Old password").fill("pass")
    await a.page.get_by_label("New password").fill("another one")
    await a.page.get_by_role("dialog").get_by_role("button", name="Change password").click()
    await expect(a.page.get_by_text("Password changed")).to_be_visible()

    assert await phone.closed()
    await expect(a.banner).to_be_hidden()
    again = await Chat(await new_page()).log_in(ada, "another one")
    await expect(again.page.get_by_role("button", name="Your profile")).to_be_visible()


async def test_on_a_phone_one_pane_is_shown_at_a_time(
    new_page: NewPage, entrance: Entrance, people: People
) -> None:
    ada, bob = people(2)
    b = await entrance.log_in(bob)
    await b.tell(ada.id, encrypted("hello"))
    a = await Chat(await new_page(width=390, height=800)).log_in(ada)

    await a.rows.first.click()
    await a.sees("hello")
    await expect(a.rows.first).to_be_hidden()
    assert await a.page.evaluate("() => document.documentElement.scrollWidth") <= 390
    await a.page.get_by_role("button", name="Back").click()

    await expect(a.rows.first).to_be_visible()
    await expect(a.log).to_be_hidden()


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_axe_finds_no_serious_problem(
    new_page: NewPage, entrance: Entrance, people: People, theme: str
) -> None:
    ada, bob = people(2)
    b = await entrance.log_in(bob)
    await b.tell(ada.id, encrypted("hello [呵呵] https://example.org"))
    page = await new_page()
    await page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    axe = Axe()
    problems: list[str] = []

    async def look(where: str) -> None:
        results = await axe.run(page)
        problems.extend(
            f"{where}: {found['id']} {[node['target'] for node in found['nodes']][:3]}"
            for found in results.response["violations"]
            if found["impact"] in ("serious", "critical")
        )

    await page.goto("/chat")
    await page.get_by_label("Login name").wait_for()
    await look("door")
    a = await Chat(page).log_in(ada)
    await look("list")
    await a.rows.first.click()
    await a.write("and back")
    await expect(a.waiting).to_have_count(0)
    await look("conversation")
    await a.page.get_by_role("button", name="Your profile").click()
    await look("profile")
    await page.keyboard.press("Escape")
    await a.page.get_by_role("tab", name="People").click()
    await a.rows.first.click()
    await look("people")

    assert problems == []


async def test_a_first_visit_is_no_error(new_page: NewPage) -> None:
    page = await new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text))

    await page.goto("/chat")
    await page.get_by_label("Login name").wait_for()

    assert complaints == []


async def test_a_group_without_a_word_is_there_after_a_reload(
    new_page: NewPage, people: People
) -> None:
    ada, bob = people(2)
    a, b = Chat(await new_page()), Chat(await new_page())
    await a.log_in(ada)
    await b.log_in(bob)
    await a.page.get_by_role("button", name="New group").click()
    dialog = a.page.get_by_role("dialog")
    await dialog.get_by_label("Name of the group").fill("Silence")
    await dialog.get_by_role("searchbox").fill(bob.name)
    await dialog.get_by_role("checkbox").check()
    await dialog.get_by_role("button", name="Create").click()
    await expect(b.rows.first).to_contain_text("Silence")

    for chat in (a, b):
        await chat.page.reload()
        await chat.page.wait_for_selector(READY)

        await expect(chat.rows.first).to_contain_text("Silence")


async def test_a_message_to_a_hidden_page_raises_a_notification(
    new_page: NewPage, entrance: Entrance, people: People
) -> None:
    ada, bob = people(2)
    page = await new_page()
    await page.context.grant_permissions(["notifications"])
    await page.add_init_script(
        "window.raised = [];"
        "window.Notification = class { static permission = 'granted';"
        " constructor(title, options) { raised.push([title, options.body]); } };"
        "Object.defineProperty(document, 'visibilityState', {get: () => window.seen ?? 'visible'});"
    )
    await Chat(page).log_in(ada)
    b = await entrance.log_in(bob)
    await b.tell(ada.id, encrypted("before"))
    await Chat(page).rows.first.click()
    await Chat(page).sees("before")
    await page.evaluate("() => { raised.length = 0; window.seen = 'hidden'; }")

    await b.tell(ada.id, encrypted(HOSTILE))

    await page.wait_for_function("() => raised.length")
    assert await page.evaluate("() => raised") == [[f"nick{bob.id}", HOSTILE]]
    await expect(page.locator(f'.list [data-row="1:{bob.id}"] .badge')).to_have_text("1")


async def test_an_avatar_is_uploaded_and_shown_to_others(
    new_page: NewPage, people: People, tmp_path: Path
) -> None:
    ada, bob = people(2)
    a, b = Chat(await new_page()), Chat(await new_page())
    await a.log_in(ada)
    await b.log_in(bob)
    await b.open(ada.name)

    await a.page.get_by_role("button", name="Your profile").click()
    await a.page.set_input_files("#avatar", png(tmp_path / "face.png"))

    face = b.page.locator(".head img")
    await expect(face).to_be_visible()
    await expect(face).to_have_js_property("complete", True)
    assert await face.evaluate("image => image.naturalWidth") > 0


async def test_everything_is_reached_by_keyboard(new_page: NewPage, people: People) -> None:
    ada, bob = people(2)
    a = await Chat(await new_page()).log_in(ada)
    keyboard = a.page.keyboard

    await keyboard.press("Control+k")
    await keyboard.type(bob.name)
    await keyboard.press("ArrowDown")
    await expect(a.rows.first).to_be_focused()
    await keyboard.press("Enter")
    await expect(a.page.get_by_role("textbox", name="Message")).to_be_focused()
    await keyboard.type("by keyboard")
    await keyboard.press("Enter")
    await a.sees("by keyboard")

    await keyboard.press("Shift+Tab")
    await keyboard.press("Shift+Tab")
    await keyboard.press("Enter")
    await expect(a.page.get_by_role("group", name="Emoji")).to_be_visible()
    await keyboard.press("Tab")
    await keyboard.press("Escape")
    await expect(a.page.get_by_role("group", name="Emoji")).to_be_hidden()
    await a.page.get_by_role("button", name="New group").focus()
    await keyboard.press("Enter")
    await expect(a.page.get_by_role("dialog")).to_be_visible()
    await keyboard.press("Escape")
    await expect(a.page.get_by_role("dialog")).to_have_count(0)
    await expect(a.page.get_by_role("button", name="New group")).to_be_focused()

    await a.page.get_by_role("tab", name="Chats").focus()
    await keyboard.press("ArrowRight")
    await expect(a.page.get_by_role("tab", name="People")).to_be_focused()
    await expect(a.page.get_by_role("tab", name="People")).to_have_attribute(
        "aria-selected", "true"
    )
    await keyboard.press("ArrowDown")
    await expect(a.rows.first).to_be_focused()
    await keyboard.press("ArrowDown")
    await expect(a.rows.nth(1)).to_be_focused()
    await keyboard.press("ArrowUp")
    await expect(a.rows.first).to_be_focused()
