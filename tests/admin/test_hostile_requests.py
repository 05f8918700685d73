"""Addresses and forms with values that no column has: an answer, and never a failure."""

from tests.conftest import manage

SHARE = 0.01  # of tens of thousands of requests; `make faults` sends more
ASK = """
from django.conf import settings
settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
from tests.admin import hostile
for line in hostile.report({}):
    print(line)
"""


def test_no_request_makes_the_server_fail(backend: str) -> None:
    assert manage("shell", "-v0", "-c", ASK.format(SHARE), database_url=backend) == ""
