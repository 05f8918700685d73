"""The server and a model of it see the same, whatever users do."""

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from im.storage.writer.writer import Writer
from tests.model.machine import USERS, Driver, Machine
from tests.model.services import InProcess
from tests.writer.conftest import ON_SQLITE, TakeUsers

# Always the same examples: a failure is the change's.  About ten seconds.
SETTINGS = settings(
    max_examples=40,
    stateful_step_count=30,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.timeout(400)  # to find a failure's smallest example may take five minutes
@ON_SQLITE
def test_services_and_writer_do_what_the_model_does(writer: Writer, users: TakeUsers) -> None:
    class OfServices(Machine):
        def drive(self) -> Driver:
            return InProcess(users(USERS))

    run_state_machine_as_test(OfServices, settings=SETTINGS)
