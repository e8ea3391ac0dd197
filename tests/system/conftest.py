"""One running gateway a module, on the shipped policy and a sample source of 300 records a dataset."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache

import pytest
import structlog

from demo.stage import Stage
from gateway.activation.files import read_policy_files
from gateway.policy.load import load
from gateway.policy.policyset import PolicySet
from sample_source.app import build_app
from sample_source.serve import Served, serving
from sample_source.tables import Tables, build_tables
from tests.support.running import POLICIES, RunningGateway, running_gateway
from tests.system.acting import START, Acting, Clock
from tests.system.expect import Asker, Permitted, Wanted, permitted

RECORDS = 300


@pytest.fixture(scope="session", autouse=True)
def _quiet() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))


@pytest.fixture(scope="session")
def tables() -> Tables:
    """The records that the source holds, flawed ones among them."""
    return build_tables(RECORDS)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """Keys of everybody and a settings file, for the shipped policy."""
    folder = tmp_path_factory.mktemp("stage")
    made = Stage(folder / "var", folder / "keys", POLICIES)
    made.prepare("http://127.0.0.1:1")
    return made


@pytest.fixture(scope="module")
def source(stage: Stage, tables: Tables) -> Iterator[Served]:
    """The sample source on loopback."""
    with serving(build_app(tables, stage.source_token.read_text().strip())) as served:
        yield served


@pytest.fixture(scope="module")
def policy(stage: Stage) -> PolicySet:
    """The policy set that is in force, as its files say it."""
    return load(read_policy_files(stage.policies, stage.keys))


@pytest.fixture(scope="module")
def wanted(policy: PolicySet, tables: Tables) -> Wanted:
    """What an asker may have of a dataset, worked out once."""

    @cache
    def found(asker: Asker, dataset: str) -> tuple[Permitted, ...]:
        return tuple(permitted(policy, asker, dataset, tables.records[dataset], START))

    return found


@pytest.fixture(scope="module")
def gateway(stage: Stage, source: Served) -> Iterator[RunningGateway]:
    """The gateway on loopback, in front of the source."""
    with running_gateway(stage, source.base_url, clock=Clock()) as running:
        yield running


@pytest.fixture(scope="module")
def act(gateway: RunningGateway) -> Iterator[Callable[[Asker], Acting]]:
    """Give each asker its program, once a module."""
    programs: dict[Asker, Acting] = {}
    with ExitStack() as opened:

        def program(asker: Asker) -> Acting:
            if asker not in programs:
                programs[asker] = Acting(gateway, asker)
                opened.callback(programs[asker].close)
            return programs[asker]

        yield program
