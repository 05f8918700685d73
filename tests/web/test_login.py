"""The page's login over HTTP: a short token for the WebSocket, a session in a cookie."""

from tests.people import Entrance, People
from tests.web.conftest import Browser, Sockets


async def test_a_token_logs_in_over_the_websocket(sockets: Sockets, people: People) -> None:
    [ada] = people(1)
    browser = sockets.browser()

    answer = await browser.post("login", name=ada.name, password="pass")
    a = await sockets.connect()
    await a.send("IMLoginReq", {"user_name": ada.name, "password": answer.json["token"]})
    result = await a.receive("IMLoginRes")

    assert answer.status == 200
    assert result["user_info"]["user_id"] == ada.id
    assert "HttpOnly" in browser.set_cookie
    assert "SameSite=Strict" in browser.set_cookie


async def test_a_token_is_good_for_its_owner_and_as_it_was_signed(
    sockets: Sockets, people: People
) -> None:
    ada, bob = people(2)
    token = (await sockets.browser().post("login", name=ada.name, password="pass")).json["token"]

    for name, password in ((bob.name, token), (ada.name, token + "x"), (ada.name, "token:")):
        client = await sockets.connect()
        await client.send("IMLoginReq", {"user_name": name, "password": password})
        assert (await client.receive("IMLoginRes"))["result_code"].endswith("VALIDATE_FAILED")


async def test_wrong_passwords_and_foreign_forms_are_refused(
    sockets: Sockets, people: People
) -> None:
    [ada] = people(1)
    browser = sockets.browser()

    wrong = await browser.post("login", name=ada.name, password="wrong")
    malformed = await browser.post("login", name=1)
    half = [
        (await browser.post("login", name=name, password=password)).status
        for name, password in ((ada.name, "\ud800"), ("\ud800", "pass"))
    ]
    without_csrf = await Browser(sockets.http_port).post("login", name=ada.name, password="pass")

    assert (wrong.status, malformed.status, without_csrf.status) == (403, 400, 403)
    assert half == [400, 400]
    assert wrong.json["error"] == "refused"


async def test_a_browser_stays_logged_in_until_it_logs_out(
    sockets: Sockets, people: People
) -> None:
    [ada] = people(1)
    browser = sockets.browser()
    stranger = await browser.post("token")
    await browser.post("login", name=ada.name, password="pass")

    renewed = await browser.post("token")
    await browser.post("logout")
    after = await browser.post("token")

    assert (stranger.status, renewed.status, after.status) == (204, 200, 204)
    assert stranger.body == after.body == b""
    assert renewed.json["token"].startswith("token:")


async def test_a_token_logs_in_once(sockets: Sockets, people: People) -> None:
    [ada] = people(1)
    token = (await sockets.browser().post("login", name=ada.name, password="pass")).json["token"]
    results = []

    for _ in range(3):
        client = await sockets.connect()
        await client.send("IMLoginReq", {"user_name": ada.name, "password": token})
        results.append((await client.receive("IMLoginRes"))["result_string"])

    assert results == ["成功", "登录已过期", "登录已过期"]


async def test_a_logout_ends_the_browsers_connection_copies_of_its_cookie_and_its_tokens(
    sockets: Sockets, people: People
) -> None:
    [ada] = people(1)
    browser = sockets.browser()
    answer = await browser.post("login", name=ada.name, password="pass")
    spare = (await browser.post("token")).json["token"]
    copy = browser.copied()
    connection = await sockets.connect()
    await connection.send("IMLoginReq", {"user_name": ada.name, "password": answer.json["token"]})
    await connection.receive("IMLoginRes")

    await browser.post("logout")

    assert await connection.closed()
    assert (await copy.post("token")).status == 204
    assert (await copy.upload("dot_1x1.png", b"\x89PNG")).status == 403
    late = await sockets.connect()
    await late.send("IMLoginReq", {"user_name": ada.name, "password": spare})
    assert (await late.receive("IMLoginRes"))["result_string"] == "登录已过期"


async def test_a_browser_that_logs_in_again_goes_on_with_its_session_and_another_person_with_none(
    sockets: Sockets, people: People
) -> None:
    ada, bob = people(2)
    browser = sockets.browser()
    answer = await browser.post("login", name=ada.name, password="pass")
    connection = await sockets.connect()
    await connection.send("IMLoginReq", {"user_name": ada.name, "password": answer.json["token"]})
    await connection.receive("IMLoginRes")
    copy = browser.copied()

    await browser.post("login", name=ada.name, password="pass")
    assert (await copy.post("token")).status == 200
    await browser.post("login", name=bob.name, password="pass")

    assert await connection.closed()
    assert (await copy.post("token")).status == 204


async def test_a_logout_leaves_other_browsers_and_devices_alone(
    sockets: Sockets, entrance: Entrance, people: People
) -> None:
    [ada] = people(1)
    leaving, staying = sockets.browser(), sockets.browser()
    phone = await entrance.log_in(ada)
    await leaving.post("login", name=ada.name, password="pass")
    await staying.post("login", name=ada.name, password="pass")

    await leaving.post("logout")

    assert (await staying.post("token")).status == 200
    assert await phone.server_time()


async def test_a_new_password_ends_connections_sessions_and_tokens(
    sockets: Sockets, entrance: Entrance, people: People
) -> None:
    [ada] = people(1)
    mine, other = sockets.browser(), sockets.browser()
    token = (await other.post("login", name=ada.name, password="pass")).json["token"]
    await mine.post("login", name=ada.name, password="pass")
    phone = await entrance.log_in(ada)

    wrong = await mine.post("password", old="no", new="a new password")
    short = await mine.post("password", old="pass", new="short")
    changed = await mine.post("password", old="pass", new="a new password")

    assert (wrong.status, wrong.json["error"]) == (403, "old")
    assert (short.status, short.json["error"]) == (400, "new")
    assert changed.status == 200
    assert await phone.closed()
    assert (await other.post("token")).status == 204
    assert (await mine.post("token")).status == 200
    client = await sockets.connect()
    await client.send("IMLoginReq", {"user_name": ada.name, "password": token})
    assert (await client.receive("IMLoginRes"))["result_code"].endswith("VALIDATE_FAILED")
    again = await (await sockets.connect()).log_in(ada.name, "a new password")
    assert again.user_id == ada.id


async def test_only_who_is_logged_in_uploads_pictures(sockets: Sockets, people: People) -> None:
    [ada] = people(1)
    browser = sockets.browser()
    refused = await browser.upload("dot_1x1.png", b"\x89PNG")
    await browser.post("login", name=ada.name, password="pass")

    taken = await browser.upload("dot_1x1.png", b"\x89PNG")

    assert refused.status == 403
    assert taken.json["error_code"] == 0
    assert taken.json["path"].endswith("_1x1.png")
    assert (await browser.get("/" + taken.json["path"])).body == b"\x89PNG"
