"""Which view answers which path; those of original clients come first, in im.views.legacy."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

urlpatterns: list[URLPattern | URLResolver] = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/language/", include("django.conf.urls.i18n")),  # before what the admin catches
    path("admin/", admin.site.urls),
]
