"""Several gateways that share a log."""

from pathlib import Path

from demo.stage import Stage
from gateway.audit.entry import Draft, Event
from gateway.service import now, open_service
from tests.support.running import POLICIES


async def test_a_gateway_that_starts_closes_its_own_open_releases_and_not_those_of_its_neighbour(tmp_path: Path):
    stage = Stage(tmp_path / "var", tmp_path / "keys", POLICIES)
    settings = stage.prepare("http://127.0.0.1:1")
    east, west = (settings.model_copy(update={"log_instance": name}) for name in ("east", "west"))
    async with open_service(east) as first, open_service(west) as second:
        for service, release in ((first, "e"), (second, "w")):
            service.log.append_now([Draft(Event.RELEASE, now(), "released", "JPN", release, release, last=False)])
        async with open_service(west) as again:  # as after a crash
            assert [each.leaf.event for each in again.log.find("w")] == ["release", "interrupted"]
            assert [each.leaf.event for each in again.log.find("e")] == ["release"]
            first.log.append_now([Draft(Event.RELEASE, now(), "released", "JPN", "e", "e", chunk=1)])
            assert again.log.verify().sound
