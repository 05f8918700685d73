"""Django settings: everything an operator may change comes from the environment.

`DATABASE_URL` and `REDIS_URL` decide between the embedded form (SQLite, in-memory layer, one
process) and the big one (MariaDB + Redis, many processes); the code path is the same.  Numbers of
this project carry the prefix IM_ and a unit; docs/operations.md has the table.
"""

import socket
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import environ
from django.core.exceptions import ImproperlyConfigured
from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy

from im import addresses
from teamtalk_site import secret_key
from teamtalk_site.environment import Environment

BASE_DIR = Path(__file__).resolve().parent.parent

env = Environment()

# --- where things are -----------------------------------------------------------------------

IM_DATA_DIR = Path(env.str("IM_DATA_DIR", default=str(BASE_DIR / "var"))).resolve()
IM_HTTP_HOST = env.host("IM_HTTP_HOST", default="127.0.0.1")
IM_HTTP_PORT = env.port("IM_HTTP_PORT", default=8080)
IM_TCP_HOST = env.host("IM_TCP_HOST", default="127.0.0.1")
IM_TCP_PORT = env.port("IM_TCP_PORT", default=8000)
IM_LOGIN_PORT = env.port("IM_LOGIN_PORT", default=8008)  # TCP discovery; 0 switches it off
# What discovery hands out; empty: the address the gateway listens on, or the one asked.
IM_ADVERTISED_HOST = env.host("IM_ADVERTISED_HOST", default="")
IM_ADVERTISED_HOST_BACKUP = env.host("IM_ADVERTISED_HOST_BACKUP", default="")
for _host in (IM_ADVERTISED_HOST, IM_ADVERTISED_HOST_BACKUP):
    if _host and addresses.is_everywhere(_host):
        raise ImproperlyConfigured(f"IM_ADVERTISED_HOST: no client can connect to {_host}")
# The web server's address as clients reach it (small files, discovery page); empty: the one asked.
IM_PUBLIC_URL = env.url(
    "IM_PUBLIC_URL",
    default=IM_ADVERTISED_HOST and addresses.url("http", IM_ADVERTISED_HOST, IM_HTTP_PORT),
)
# The web servers in front of this one, whose word is taken for whom a request comes from.
IM_TRUSTED_PROXIES = env.networks("IM_TRUSTED_PROXIES", default=[])
# Where clients move files: the file server's addresses, as they reach it.  None: no transfers.
IM_FILE_SERVERS = env.places("IM_FILE_SERVERS", default=[])

# --- Django ---------------------------------------------------------------------------------

DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="") or secret_key.load_or_create(IM_DATA_DIR)
_OWN_HOSTS = [
    host
    for host in (IM_ADVERTISED_HOST, IM_HTTP_HOST, urlsplit(IM_PUBLIC_URL).hostname or "")
    if not addresses.is_everywhere(host)
]
ALLOWED_HOSTS = env.hosts("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "::1", *_OWN_HOSTS])
_IS_TLS = IM_PUBLIC_URL.startswith("https:")
CSRF_TRUSTED_ORIGINS = env.origins(
    "CSRF_TRUSTED_ORIGINS",
    default=["{0.scheme}://{0.netloc}".format(urlsplit(IM_PUBLIC_URL))] if _IS_TLS else [],
)
# Where clients reach the web by https only, browsers send no cookie without it, and remember that.
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = _IS_TLS
IM_HSTS_SECONDS = env.int("IM_HSTS_SECONDS", default=31_536_000)  # 0: they don't remember

CONSOLE_THEMES: dict[str, list[str]] = {
    "unfold": [
        "unfold.apps.BasicAppConfig",
        "unfold.contrib.filters",
        "unfold.contrib.import_export",
    ],
    "stock": [],  # Django's own look
}
IM_CONSOLE_THEME = env.one_of("IM_CONSOLE_THEME", list(CONSOLE_THEMES), default="unfold")

INSTALLED_APPS = [
    # daphne stays out: its app would install a reactor inside django.setup(), before uvloop.
    *CONSOLE_THEMES[IM_CONSOLE_THEME],
    "admin_ui",
    "admin_ui.apps.ConsoleSiteConfig",  # django.contrib.admin, with a site of ours
    "import_export",
    "axes",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "servestatic.runserver_nostatic",
    "django.contrib.staticfiles",
    "channels",
    "im",
    "tcpgateway",
    "bench",
]

MIDDLEWARE = [
    "im.views.legacy.legacy_clients",  # before host and CSRF checks: old clients pass neither
    "im.views.own_address.named_host",
    "django.middleware.security.SecurityMiddleware",
    "im.views.own_address.strict_transport",
    "servestatic.middleware.ServeStaticMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "im.views.bad_values.BadValues",
    "axes.middleware.AxesMiddleware",  # last, as it asks
]

ROOT_URLCONF = "teamtalk_site.urls"
ASGI_APPLICATION = "teamtalk_site.asgi.application"
AUTH_USER_MODEL = "admin_ui.Operator"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
FORM_RENDERER = "django.forms.renderers.DjangoTemplates"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

LANGUAGES = [("en", "English"), ("zh-hans", "简体中文")]
LANGUAGE_CODE = env.one_of("LANGUAGE_CODE", [code for code, _ in LANGUAGES], default="en")
LOCALE_PATHS = [
    BASE_DIR / "locale",
    BASE_DIR / "locale" / "theme",  # texts of unfold, which brings no translations
]
TIME_ZONE = env.str("TIME_ZONE", default="UTC")
try:
    ZoneInfo(TIME_ZONE)
except (ValueError, ZoneInfoNotFoundError) as exc:
    raise ImproperlyConfigured(f"TIME_ZONE: there is no {TIME_ZONE!r}") from exc
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = IM_DATA_DIR / "static"
SERVESTATIC_USE_FINDERS = True

STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    # Pictures and voice.  What replaces it must have a file stored for good when it says so.
    "small_files": {
        "BACKEND": "im.services.media.durable_storage.DurableFiles",
        "OPTIONS": {"location": IM_DATA_DIR / "files"},
    },
}

# --- the console (admin_ui) --------------------------------------------------------------------

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",  # refuses who failed too often, before the others look
    "admin_ui.factory_passwords.RefuseFactoryPasswords",  # likewise
    "django.contrib.auth.backends.ModelBackend",
    "admin_ui.sign_in.OldAdminBackend",
]
IM_CONSOLE_LOGIN_FAILURES = env.int("IM_CONSOLE_LOGIN_FAILURES", default=5, at_least=1)
IM_CONSOLE_LOCKOUT_MINUTES = env.int("IM_CONSOLE_LOCKOUT_MINUTES", default=15, at_least=1)
IM_CONSOLE_SESSION_HOURS = env.int("IM_CONSOLE_SESSION_HOURS", default=12, at_least=1)
SESSION_COOKIE_AGE = IM_CONSOLE_SESSION_HOURS * 3600  # since the login
AXES_FAILURE_LIMIT = IM_CONSOLE_LOGIN_FAILURES
AXES_COOLOFF_TIME = timedelta(minutes=IM_CONSOLE_LOCKOUT_MINUTES)
# Name and address together: nobody can keep an operator out from elsewhere.
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_LOCKOUT_CALLABLE = "admin_ui.throttle.locked_out"
AXES_RESET_ON_SUCCESS = True
AXES_DISABLE_ACCESS_LOG = True  # the audit log has logins
AXES_ENABLE_ADMIN = False  # admin_ui.throttle is its page
AXES_VERBOSE = False
LOGIN_URL = reverse_lazy("admin:login")
LOGIN_REDIRECT_URL = reverse_lazy("admin:index")  # where a `next` of another site leads
IM_PENDING_IMPORT_SECONDS = env.int("IM_PENDING_IMPORT_SECONDS", default=3600, at_least=1)
OTP_TOTP_ISSUER = "TeamTalk"

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "TeamTalk",
    "SITE_HEADER": "TeamTalk",
    "SITE_SYMBOL": "forum",
    "SITE_URL": None,
    "SITE_FAVICONS": [{"rel": "icon", "href": "data:,"}],
    "SHOW_LANGUAGES": False,  # the switch is in the header (templates/unfold)
    "SHOW_VIEW_ON_SITE": False,
    "STYLES": [lambda request: static("admin_ui/console.css")],
    "SIDEBAR": {"navigation": "admin_ui.navigation.sidebar"},
    "ACCOUNT": {
        "navigation": [
            {
                "title": gettext_lazy("Second factor"),
                "link": reverse_lazy("admin:second_factor"),
            }
        ]
    },
    "COLORS": {
        "primary": {
            "50": "#eff6fb",
            "100": "#dcebf6",
            "200": "#bdd9ed",
            "300": "#90bfdf",
            "400": "#5c9fcd",
            "500": "#3a83b8",
            "600": "#2b6a9b",
            "700": "#25567f",
            "800": "#22496a",
            "900": "#203e59",
            "950": "#15283b",
        }
    },
}

# --- database -------------------------------------------------------------------------------

SQL_MODE = "STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"
SQLITE = "im.sqlite"


def _database() -> dict[str, Any]:
    """Return DATABASES["default"], with what our transactions rely on."""
    config = _named_database(env.str("DATABASE_URL", default=""))
    options = config.setdefault("OPTIONS", {})
    if config["ENGINE"] == SQLITE:
        options.setdefault("timeout", 20)  # seconds to wait for another writer
        # A deferred transaction that reads, then writes, fails at once when another wrote between.
        options.setdefault("transaction_mode", "IMMEDIATE")
        options.setdefault("init_command", "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL")
    else:
        options.setdefault("charset", "utf8mb4")
        options.setdefault("isolation_level", "read committed")
        options.setdefault("connect_timeout", 5)
        # Whatever the server's: what a column can't hold is an error, and no "?" in its place.
        options.setdefault("sql_mode", SQL_MODE)
        config["CONN_HEALTH_CHECKS"] = True
    config["CONN_MAX_AGE"] = None  # our threads keep theirs, and are few: im.storage.connections
    return config


def _named_database(url: str) -> dict[str, Any]:
    """Return what the URL names; without one, a file in the data directory."""
    if not url:
        # No URL of ours: a directory's name may hold what has a meaning in URLs.
        return {"ENGINE": SQLITE, "NAME": IM_DATA_DIR / "teamtalk.sqlite3"}
    if not url.startswith(("sqlite://", "mysql://")):
        raise ImproperlyConfigured(
            "DATABASE_URL must name SQLite (sqlite:////path/of/file) "
            "or MySQL and MariaDB (mysql://user:password@host:port/name)"
        )
    if url.startswith("mysql://") and not find_spec("MySQLdb"):
        raise ImproperlyConfigured(
            "DATABASE_URL names MySQL, which takes mysqlclient: "
            "pip install -r requirements-mysql.txt (`make run` does it)"
        )
    try:
        config: dict[str, Any] = environ.Env.db_url_config(url)
    except Exception as exc:  # django-environ raises whatever its parsing met
        # Not its text, which may quote the password.
        raise ImproperlyConfigured(
            "DATABASE_URL can't be understood; special characters in a password are written as %XX"
        ) from exc
    if not config["NAME"]:
        raise ImproperlyConfigured("DATABASE_URL names no database: its path is empty")
    if url.startswith("sqlite://"):
        config["ENGINE"] = SQLITE  # Django's own, with turns for writers
    return config


DATABASES = {"default": _database()}

# --- Redis and the channel layer ------------------------------------------------------------

REDIS_URL = env.str("REDIS_URL", default="")
if REDIS_URL and not REDIS_URL.startswith(("redis://", "rediss://", "unix://")):
    raise ImproperlyConfigured("REDIS_URL must look like redis://host:port/0")
try:
    urlsplit(REDIS_URL).port  # noqa: B018  # raises where it is none
except ValueError as exc:
    raise ImproperlyConfigured("REDIS_URL must look like redis://host:port/0") from exc

# A host that vanished without a word is noticed within half a minute.
_KEEPALIVE: dict[str, Any] = (
    {}
    if REDIS_URL.startswith("unix://") or not hasattr(socket, "TCP_KEEPIDLE")
    else {
        "socket_keepalive": True,
        "socket_keepalive_options": {
            socket.TCP_KEEPIDLE: 10,
            socket.TCP_KEEPINTVL: 5,
            socket.TCP_KEEPCNT: 3,
        },
    }
)

CHANNEL_LAYERS: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {
            "hosts": [
                {
                    "address": REDIS_URL,
                    "socket_timeout": None,  # redis-py 8 would end an idle subscription after 5 s
                    "socket_connect_timeout": 2,
                    **_KEEPALIVE,
                }
            ],
            "prefix": "im",
        },
    }
    if REDIS_URL
    else {"BACKEND": "channels.layers.InMemoryChannelLayer"}
}

# --- limits and timers (docs/operations.md) ----------------------------------------------------

IM_MAX_PDU_BYTES = env.int("IM_MAX_PDU_BYTES", default=1024 * 1024, at_least=64)
IM_LOGIN_PDU_BYTES = env.int("IM_LOGIN_PDU_BYTES", default=16 * 1024, at_least=64)
IM_MAX_CONNECTIONS = env.int("IM_MAX_CONNECTIONS", default=100_000, at_least=1)
IM_HTTP_CONNECTIONS = env.int("IM_HTTP_CONNECTIONS", default=1000, at_least=1)
IM_HTTP_CONNECTIONS_PER_ADDRESS = env.int(
    "IM_HTTP_CONNECTIONS_PER_ADDRESS", default=200, at_least=1
)
IM_HTTP_HEADER_SECONDS = env.float("IM_HTTP_HEADER_SECONDS", default=10.0, at_least=0.1)
IM_HTTP_IDLE_SECONDS = env.float("IM_HTTP_IDLE_SECONDS", default=30.0, at_least=0.1)
IM_HTTP_BYTES_PER_SECOND = env.int("IM_HTTP_BYTES_PER_SECOND", default=1024)
IM_INBOX_PDUS = env.int("IM_INBOX_PDUS", default=64, at_least=1)
IM_OUTBOX_BYTES = env.int("IM_OUTBOX_BYTES", default=4 * 1024 * 1024, at_least=1)
IM_LOGIN_COMMANDS_PER_SECOND = env.int("IM_LOGIN_COMMANDS_PER_SECOND", default=10)  # 0: no limit
IM_COMMANDS_PER_SECOND = env.int("IM_COMMANDS_PER_SECOND", default=5_000)  # 0: no limit
IM_MESSAGES_PER_SECOND = env.int("IM_MESSAGES_PER_SECOND", default=20)  # 0: no limit
IM_SIGNALS_PER_SECOND = env.int("IM_SIGNALS_PER_SECOND", default=20)  # 0: no limit
IM_BROADCASTS_PER_SECOND = env.int("IM_BROADCASTS_PER_SECOND", default=2)  # 0: no limit
IM_LOGIN_WAIT_SECONDS = env.int("IM_LOGIN_WAIT_SECONDS", default=15, at_least=1)
IM_PC_SILENCE_SECONDS = env.int("IM_PC_SILENCE_SECONDS", default=120, at_least=1)
IM_MOBILE_SILENCE_SECONDS = env.int("IM_MOBILE_SILENCE_SECONDS", default=300, at_least=1)
IM_KICK_GRACE_SECONDS = env.float("IM_KICK_GRACE_SECONDS", default=2.0)
IM_DRAIN_SECONDS = env.float("IM_DRAIN_SECONDS", default=5.0)
IM_RESYNC_SECONDS = env.float("IM_RESYNC_SECONDS", default=10.0)
IM_REPAIR_MESSAGES = env.int("IM_REPAIR_MESSAGES", default=100_000)
IM_STATUS_INTERVAL_SECONDS = env.float("IM_STATUS_INTERVAL_SECONDS", default=0.1)
IM_PASSWORD_CHARACTERS = env.int("IM_PASSWORD_CHARACTERS", default=8, at_least=1)
IM_LOGIN_FAILURES = env.int("IM_LOGIN_FAILURES", default=10)
IM_LOGIN_NAME_FAILURES = env.int("IM_LOGIN_NAME_FAILURES", default=50)  # 0: no limit
IM_LOGIN_ADDRESS_FAILURES = env.int("IM_LOGIN_ADDRESS_FAILURES", default=100)  # 0: no limit
IM_LOGIN_DELAY_SECONDS = env.int("IM_LOGIN_DELAY_SECONDS", default=300, at_least=1)
IM_LOGIN_FAILURE_WINDOW_SECONDS = env.int(
    "IM_LOGIN_FAILURE_WINDOW_SECONDS", default=1800, at_least=1
)
IM_BATCH_ITEMS = env.int("IM_BATCH_ITEMS", default=512, at_least=1)
IM_WAITING_ITEMS = env.int("IM_WAITING_ITEMS", default=20_000, at_least=1)
IM_DB_THREADS = env.int("IM_DB_THREADS", default=4, at_least=1)
IM_HTTP_THREADS = env.int("IM_HTTP_THREADS", default=8, at_least=1)
IM_RETRY_MEMORY_SECONDS = env.int("IM_RETRY_MEMORY_SECONDS", default=30)
IM_RETRY_MEMORY_ITEMS = env.int("IM_RETRY_MEMORY_ITEMS", default=32)
IM_UNACKED_SECONDS = env.int("IM_UNACKED_SECONDS", default=15, at_least=1)
IM_UNACKED_DELIVERIES = env.int("IM_UNACKED_DELIVERIES", default=100_000)
IM_TRACE_ITEMS = env.int("IM_TRACE_ITEMS", default=50_000)
IM_KEEPALIVE_SECONDS = env.int("IM_KEEPALIVE_SECONDS", default=60, at_least=1)
IM_HISTORY_PAGE = env.int("IM_HISTORY_PAGE", default=1000, at_least=1)
IM_MESSAGES_BY_ID = env.int("IM_MESSAGES_BY_ID", default=100, at_least=1)
IM_RECENT_SESSIONS = env.int("IM_RECENT_SESSIONS", default=100, at_least=1)
IM_USERS_BY_ID = env.int("IM_USERS_BY_ID", default=10_000, at_least=1)
IM_DIRECTORY_USERS = env.int("IM_DIRECTORY_USERS", default=200_000, at_least=1)
IM_GROUPS = env.int("IM_GROUPS", default=10_000, at_least=1)
IM_GROUP_MEMBERS = env.int("IM_GROUP_MEMBERS", default=5_000, at_least=1)
IM_UNREAD_SESSIONS = env.int("IM_UNREAD_SESSIONS", default=1000, at_least=1)
IM_LEASE_SECONDS = env.int("IM_LEASE_SECONDS", default=15, at_least=1)
IM_SMALL_FILE_BYTES = env.int("IM_SMALL_FILE_BYTES", default=10 * 1024 * 1024, at_least=1)
# A PDU with it must stay below the 400 KiB that Android takes, whose header and other fields
# need less than 1 KiB.
IM_VOICE_BYTES = env.int("IM_VOICE_BYTES", default=384 * 1024, at_most=399 * 1024)
IM_UPLOAD_BYTES_PER_PERSON = env.int("IM_UPLOAD_BYTES_PER_PERSON", default=256 * 1024 * 1024)
IM_UPLOAD_BYTES_PER_ADDRESS = env.int("IM_UPLOAD_BYTES_PER_ADDRESS", default=4 * 1024 * 1024 * 1024)
IM_UPLOAD_NETWORKS = env.networks("IM_UPLOAD_NETWORKS", default=[])
IM_BODY_BYTES = env.int("IM_BODY_BYTES", default=128 * 1024 * 1024)
IM_FREE_DISK_BYTES = env.int("IM_FREE_DISK_BYTES", default=512 * 1024 * 1024)
IM_NOTICE_SENDER = env.str("IM_NOTICE_SENDER", default="system")
IM_VERSION = env.str("IM_VERSION", default="unreleased")
IM_FILE_TASKS = env.int("IM_FILE_TASKS", default=200)
IM_FILE_TASK_SECONDS = env.int("IM_FILE_TASK_SECONDS", default=86_400, at_least=1)
IM_OFFLINE_FILES = env.int("IM_OFFLINE_FILES", default=1000)
IM_OFFLINE_FILES_PER_SENDER = env.int("IM_OFFLINE_FILES_PER_SENDER", default=100)
IM_WEB_ORIGINS = env.origins("IM_WEB_ORIGINS", default=[])  # besides the server's own
IM_WEB_TOKEN_SECONDS = env.int("IM_WEB_TOKEN_SECONDS", default=300)
IM_WEB_SESSION_SECONDS = env.int("IM_WEB_SESSION_SECONDS", default=14 * 24 * 3600, at_least=1)
IM_AES_KEY = env.str(
    "IM_AES_KEY", default="12345678901234567890123456789012"
)  # compiled into the clients
if len(IM_AES_KEY.encode()) != 32:
    raise ImproperlyConfigured(f"IM_AES_KEY has {len(IM_AES_KEY.encode())} bytes instead of 32")

# --- log ------------------------------------------------------------------------------------

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
LOG_LEVEL = env.one_of("LOG_LEVEL", LOG_LEVELS, default="INFO")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "{asctime} {levelname:<7} {name}: {message}", "style": "{"},
    },
    "filters": {
        "outages": {"()": "teamtalk_site.outages.NotAgain"},
        "one_line": {"()": "teamtalk_site.outages.OneLine"},
        "repetitions": {"()": "im.peer_log.OfLibraries"},
    },
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "filters": ["one_line", "repetitions"],
        }
    },
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {
        "axes": {"level": "WARNING"},
        "channels_redis.pubsub": {"filters": ["outages"]},
        "daphne": {"level": "WARNING"},
        "django.request": {"level": "ERROR"},
        "django.db.backends": {"level": "WARNING"},
    },
}
