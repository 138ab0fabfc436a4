"""The crowd as locust users: who comes, in what shape, and what each process keeps of it.

Belongs here: what is locust's. What users do is in `loadtest.crowd`, `trade` and `bots`; it is the
same that the demo's crowd does. Locust patches the standard library when it is imported, so nothing
else imports this module.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import gevent
from locust import LoadTestShape, User, constant, events, task
from locust.env import Environment
from locust.runners import MasterRunner

from loadtest.crowd.calls import Ask, Calls
from loadtest.crowd.edge import Edges
from loadtest.crowd.journal import Journal
from loadtest.crowd.kiosk import Kiosks, Ticket
from loadtest.crowd.shelf import Shelf
from loadtest.crowd.shopper import Shopper, Town
from loadtest.load.bots import Bots
from loadtest.load.description import Description
from loadtest.load.greenlets import Greenlets, play
from loadtest.load.plan import Plan
from loadtest.load.shapes import users_at
from loadtest.load.timeline import Timeline
from loadtest.load.trade import Operator, Partner
from loadtest.load.witness import BUG, Witness

SECOND_S = 1.0


class Process:
    """One process of the crowd: its town, and all who are not shoppers."""

    def __init__(self, plan: Plan, environment: Environment, worker: int) -> None:
        self._environment = environment
        self._name = f"w{worker}-{plan.seed}"
        self._numbers = itertools.count()
        calls = Calls(plan.seed + worker, Greenlets())
        self.journal = Journal(plan.journal(worker))
        self.timeline = Timeline(plan.timeline(worker))
        shelf = Shelf(calls, plan.sale_url, plan.drop)
        self.town = Town(
            plan.gateway, plan.shop, plan.sale, calls, shelf, Edges(calls, plan.sale_url),
            self.journal,
        )  # fmt: skip
        self._listen(calls, plan)
        _, sale = play(calls.get("sale", plan.sale_url))
        _, frame = play(calls.get("frame", f"{plan.sale_url}/frame"))
        limit = sale["limit_per_buyer"]
        self.partner = Partner(self.town, plan.keys.partner, self._name, limit=limit)
        self.operator = Operator(
            self.town, plan.keys.operator, plan.operator_url, rate_per_s=frame["rate_per_s"]
        )
        self.bots = Bots(self.town, self._name, stolen_kiosk=plan.keys.stolen_kiosk, limit=limit)
        self.kiosks = Kiosks(
            calls=calls, gateway=plan.gateway, keys=plan.kiosks_of(worker), journal=self.journal,
            seed=plan.seed + worker,
        )  # fmt: skip
        self._venues = set(plan.kiosks_of(worker))
        gevent.spawn(self._keep_time)

    def _listen(self, calls: Calls, plan: Plan) -> None:
        _, document = play(calls.get("openapi", f"{plan.gateway}/openapi.json"))
        witness = Witness(
            gateway=plan.gateway,
            description=Description(document),
            journal=self.journal,
            timeline=self.timeline,
        )
        witness.told = self._tell_locust
        calls.ears.append(witness)

    def _tell_locust(self, ask: Ask, took_ms: float, why: str) -> None:
        self._environment.events.request.fire(
            request_type=ask.method,
            name=ask.kind,
            response_time=took_ms,
            response_length=0,
            exception=Exception(why) if why else None,
            context={},
        )

    def shopper(self) -> Shopper:
        """Somebody new."""
        name = f"{self._name}-{next(self._numbers)}"
        return Shopper(self.town, name, name)

    def redeem(self) -> bool:
        """Take a ticket to its kiosk; False when there is none."""
        if not self.town.sold:
            return False
        offer, code = self.town.sold.popleft()
        venue_of = {each.id: each.venue for each in play(self.town.shelf.offers())}
        if (venue := venue_of.get(offer)) in self._venues:
            play(self.kiosks.visit(Ticket(code, venue)))
            self.surprises()
        return True

    def surprises(self) -> None:
        """What the kiosks were told against what they had been promised."""
        while self.kiosks.surprises:
            self.journal.seen(BUG, f"kiosk: code {self.kiosks.surprises.pop()}")

    def _keep_time(self) -> None:
        while True:
            gevent.sleep(SECOND_S)
            runner = self._environment.runner
            self.timeline.write(runner.user_count if runner else 0, self.town.ends)


@cache
def here(environment: Environment) -> Process:
    """The crowd of this process; a test started again from locust's pages goes on with it."""
    worker = max(0, getattr(environment.runner, "worker_index", 0))
    return Process(_plan(environment), environment, worker)


@events.init_command_line_parser.add_listener
def add_options(parser: Any) -> None:
    """Locust's own command line, and where the plan is."""
    parser.add_argument("--plan", required=True, help="the plan of the load")


@events.test_start.add_listener
def begin(environment: Environment, **_: Any) -> None:
    """Make this process's crowd ready before its users come; the master has none."""
    if not isinstance(environment.runner, MasterRunner):
        here(environment)


def _plan(environment: Environment) -> Plan:
    assert environment.parsed_options is not None
    return Plan.read(Path(environment.parsed_options.plan))


class Crowd(LoadTestShape):
    """As many users as the plan's shape asks for."""

    _plan: Plan | None = None

    def tick(self) -> tuple[int, float] | None:
        """Users and how many of them come a second; None ends the load."""
        if self._plan is None:
            assert self.runner is not None
            self._plan = _plan(self.runner.environment)
        plan = self._plan
        users = users_at(plan.shape, self.get_run_time(), seconds=plan.seconds, users=plan.users)
        return None if users is None else (users, float(max(1, plan.users)))


class ShopperUser(User):
    """One shopper after the other."""

    weight = 70
    wait_time = constant(0.2)

    @task
    def visit(self) -> None:
        """From the login to the codes, or to wherever it ends."""
        play(here(self.environment).shopper().visit())


class PartnerUser(User):
    """A worker of the marketplace that sells one order after the other."""

    fixed_count = 2
    wait_time = constant(0.05)

    @task
    def sell(self) -> None:
        """One order."""
        play(here(self.environment).partner.sell_one())


class PartnerBatchUser(User):
    """A worker of the marketplace that sells in batches."""

    fixed_count = 1
    wait_time = constant(1.0)

    @task
    def sell(self) -> None:
        """One batch."""
        play(here(self.environment).partner.sell_many())


class KioskUser(User):
    """Somebody who brings tickets to the kiosks."""

    fixed_count = 4
    wait_time = constant(0.1)

    @task
    def redeem(self) -> None:
        """One ticket, if one was bought."""
        here(self.environment).redeem()


class OperatorUser(User):
    """The operator at the console."""

    fixed_count = 1
    wait_time = constant(1.5)

    @task
    def work(self) -> None:
        """One look, one move."""
        play(here(self.environment).operator.work())


class BotUser(User):
    """A bot of every kind by turns."""

    weight = 6
    wait_time = constant(0.5)
    KINDS: ClassVar[Iterator[str]] = itertools.cycle(
        ["without_pass", "with_stolen_pass", "with_guessed_codes", "with_many_accounts"]
    )

    @task
    def try_it(self) -> None:
        """One attempt."""
        play(getattr(here(self.environment).bots, next(self.KINDS))())


class HoarderUser(User):
    """A bot that holds and never pays."""

    weight = 4
    wait_time = constant(0.5)

    @task
    def hold(self) -> None:
        """One hold that keeps others out for its time."""
        play(here(self.environment).bots.with_holds_never_paid())
