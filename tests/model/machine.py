"""Hypothesis makes up what users do; a server and the model do it, and must agree."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.model.world import Deed, View, World

USERS = 4
MAX_GROUPS = 4

users = st.integers(0, USERS - 1)
some_users = st.sets(users, min_size=1, max_size=3)
numbers = st.integers(0, MAX_GROUPS - 1)
doings = st.tuples(
    st.sampled_from(["say", "say", "say", "read", "remove"]),
    users,
    st.one_of(
        st.tuples(st.just("user"), st.integers(1, USERS - 1)),  # so many further on: not oneself
        st.tuples(st.just("group"), numbers),
    ),
)


class Driver(Protocol):
    """A server with USERS new users, driven by numbers as the model is."""

    def do(self, deeds: Sequence[Deed]) -> list[int | bool | None]:
        """Do these, if possible at once; return what World.do does of each."""

    def make(self, creator: int, members: Iterable[int]) -> None:
        """Make a group; its number is the next one."""

    def add(self, actor: int, number: int, users: Iterable[int]) -> bool:
        """Add people to a group."""

    def take_out(self, actor: int, number: int, users: Iterable[int]) -> bool:
        """Take people out of a group."""

    def forget(self, user: int) -> None:
        """Let whatever a server or a client keeps in memory be lost."""

    def view(self, user: int) -> View:
        """Return everything a user sees."""


class Machine(RuleBasedStateMachine):
    """The rules.  A subclass says what drives the server."""

    def drive(self) -> Driver:
        """Return a driver with new users."""
        raise NotImplementedError

    @initialize()
    def begin(self) -> None:
        self.world = World(USERS)
        self.driver = self.drive()
        self.texts = 0

    @rule(doings=st.lists(doings, min_size=1, max_size=5))
    def do(self, doings: list[tuple[str, int, tuple[str, int]]]) -> None:
        deeds = [deed for doing in doings for deed in self._deeds(*doing)]

        assert self.driver.do(deeds) == [self.world.do(deed) for deed in deeds], deeds

    def _deeds(self, what: str, who: int, where: tuple[str, int]) -> Iterable[Deed]:
        kind, number = where
        if kind == "user":
            number = (who + number) % USERS
        elif number >= len(self.world.groups):
            return
        self.texts += 1
        yield Deed(what, who, (kind, number), f"text {self.texts}" if what == "say" else "")

    @precondition(lambda self: len(self.world.groups) < MAX_GROUPS)
    @rule(creator=users, members=some_users)
    def make(self, creator: int, members: set[int]) -> None:
        self.driver.make(creator, members)
        self.world.make(creator, members)

    @precondition(lambda self: self.world.groups)
    @rule(actor=users, number=numbers, whom=some_users)
    def add(self, actor: int, number: int, whom: set[int]) -> None:
        number %= len(self.world.groups)

        assert self.driver.add(actor, number, whom) == self.world.add(actor, number, whom)

    @precondition(lambda self: self.world.groups)
    @rule(number=numbers, whom=some_users)
    def take_out(self, number: int, whom: set[int]) -> None:
        number %= len(self.world.groups)
        actor = self.world.groups[number].creator

        assert self.driver.take_out(actor, number, whom) == self.world.take_out(actor, number, whom)

    @precondition(lambda self: self.world.groups)
    @rule(actor=users, number=numbers, whom=some_users)
    def try_to_take_out(self, actor: int, number: int, whom: set[int]) -> None:
        number %= len(self.world.groups)

        assert self.driver.take_out(actor, number, whom) == self.world.take_out(actor, number, whom)

    @rule(user=users)
    def forget(self, user: int) -> None:
        self.driver.forget(user)

    @rule(user=users)
    def look(self, user: int) -> None:
        assert self.driver.view(user) == self.world.view(user)

    def teardown(self) -> None:
        if hasattr(self, "driver"):
            for user in range(USERS):
                self.look(user)
