"""What a view could not store or look up is the request's fault."""

import pytest
from django.db import DataError, OperationalError
from django.http import HttpResponse
from django.test import RequestFactory

from im.views.bad_values import BadValues


def middleware() -> BadValues:
    return BadValues(lambda request: HttpResponse())


@pytest.mark.parametrize("error", [OverflowError("too large"), DataError(1264, "out of range")])
def test_a_value_that_the_database_refuses_is_a_bad_request(error: Exception) -> None:
    answer = middleware().process_exception(RequestFactory().get("/admin/x/"), error)

    assert answer is not None
    assert answer.status_code == 400


@pytest.mark.parametrize("error", [OperationalError(2006, "gone away"), ValueError("a bug")])
def test_other_failures_stay_failures(error: Exception) -> None:
    assert middleware().process_exception(RequestFactory().get("/admin/x/"), error) is None
