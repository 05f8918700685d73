"""Which view answers which path; those of original clients come first, in im.views.legacy."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

from im.views import chat, chat_assets

urlpatterns: list[URLPattern | URLResolver] = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/language/", include("django.conf.urls.i18n")),  # before what the admin catches
    path("admin/", admin.site.urls),
    path("chat", chat.page, name="chat"),
    path("chat/assets/<str:version>/<str:name>", chat_assets.asset, name="chat-asset"),
    path("chat/login", chat.log_in, name="chat-login"),
    path("chat/token", chat.renew, name="chat-token"),
    path("chat/logout", chat.log_out, name="chat-logout"),
    path("chat/password", chat.change_password, name="chat-password"),
    path("chat/voice", chat.voice, name="chat-voice"),
    path("chat/files", chat.upload, name="chat-files"),
]

handler500 = "im.views.outage.server_error"
