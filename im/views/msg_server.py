"""Discovery: which gateway a client shall connect to (the original's login_server)."""

import json

from django.http import HttpRequest, HttpResponse

from im.delivery.cluster import discovery
from im.delivery.cluster.gateway_registry import Choice
from im.types import LoginResult
from im.views.own_address import host_asked, public_url

_MESSAGES = {
    LoginResult.NO_MSG_SERVER: "没有msg_server",
    LoginResult.MSG_SERVER_FULL: "负载过高",
}


async def msg_server(request: HttpRequest) -> HttpResponse:
    """Answer with the least loaded gateway, or why there is none (spec/protocol 10.1).

    Always status 200 and JSON labelled as HTML, as the original's clients know it.
    """
    choice = await discovery.choice()
    body = json.dumps(_answer(request, choice), ensure_ascii=False, indent=3, sort_keys=True)
    response = HttpResponse(body + "\n", content_type="text/html;charset=utf-8")
    response["Connection"] = "close"
    return response


def _answer(request: HttpRequest, choice: Choice) -> dict[str, str | int]:
    gateway = choice.gateway
    if gateway is None:
        return {"code": int(choice.result), "msg": _MESSAGES[choice.result]}
    asked, web = host_asked(request), public_url(request)
    return {
        "code": 0,
        "msg": "",
        "priorIP": gateway.host or asked,
        "backupIP": gateway.backup_host or asked,
        "port": str(gateway.port),
        "msfsPrior": f"{web}/",
        "msfsBackup": f"{web}/",
        "discovery": f"{web}/api/discovery",
    }
