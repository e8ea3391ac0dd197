"""``make run`` and ``make demo``: the main job on one machine, from keys to receipts, in a readable report."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from demo import officer
from demo.partners import ERRANDS, Came, run_errands
from demo.processes import NotStarted, check_free, running
from demo.stage import ORIGIN, Stage
from gateway.audit.checkpoint import parse_verifier_key
from gateway.audit.reading import LogReader
from gateway.replay import Replayed

ROOT = Path(__file__).resolve().parents[1]
console = Console(width=None if sys.stdout.isatty() else 160)


def main() -> int:
    """Run the demonstration; 0 when everything was as it must be."""
    options = _options()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    os.chdir(ROOT)
    stage = Stage(Path("var"), Path("keys"), Path("policies"))
    try:
        check_free("sample source", options.source_port, "SOURCE_PORT")
        check_free("gateway", options.port, "PORT")
        return _run(stage, options)
    except NotStarted as error:
        console.print(f"[bold red]{error.what} did not start[/]: {error.why}", highlight=False)
        console.print(error.hint, highlight=False)
        return 3
    except KeyboardInterrupt:
        console.print("stopped")
        return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    environment = os.environ
    parser.add_argument("--stay", action="store_true", help="stay up afterwards, until Ctrl-C")
    parser.add_argument("--port", type=int, default=int(environment.get("PORT", "8080")), help="the gateway's port")
    parser.add_argument(
        "--source-port", type=int, default=int(environment.get("SOURCE_PORT", "8901")), help="the sample source's port"
    )
    parser.add_argument("--records", type=int, default=300, help="records of each type in the sample source")
    return parser.parse_args()


def _run(stage: Stage, options: argparse.Namespace) -> int:
    source_url, url = f"http://127.0.0.1:{options.source_port}", f"http://127.0.0.1:{options.port}"
    source = ["sample_source", "--port", str(options.source_port), "--records", str(options.records)]
    source += ["--token-file", str(stage.source_token), "--quiet"]
    config = ["gateway", "--config", str(stage.config)]
    with Progress(SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=console) as progress:
        step = progress.add_task("making keys and settings")
        stage.prepare(source_url, options.port)
        progress.update(step, description="starting the sample source")
        with running("sample source", source, f"{source_url}/health", stage.root / "source.log"):
            progress.update(step, description="activating the policy set")
            _activate(config)
            progress.update(step, description="starting the gateway")
            with running("gateway", [*config, "serve"], f"{url}/readyz", stage.root / "gateway.log"):
                progress.update(step, description=f"asking as {len({each.partner for each in ERRANDS})} partners")
                log = LogReader.open_to_read(
                    f"sqlite:///{stage.root / 'audit.sqlite3'}",
                    origin=ORIGIN,
                    verifier=parse_verifier_key(stage.gateway_keys().log_verifier_key),
                )
                before = log.size() - 1
                came = []
                for each in run_errands(stage, url, stage.root / "receipts"):
                    came.append(each)
                    progress.update(step, description=f"asking as {each.errand.partner}: {each.errand.what}")
                progress.update(step, description="reading the audit log")
                seen = officer.read_back(log, before)
                replayed = officer.replay(log, seen)
                progress.stop()
                good = _report(stage, came, seen, replayed)
                log.close()
                if options.stay:
                    _stay(url, stage)
    return 0 if good else 1


def _activate(config: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *config, "policy", "activate", "--reason", "demonstration"],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise NotStarted("policy set", (done.stderr or done.stdout).strip(), "Mend the files under policies/.")


def _report(stage: Stage, came: list[Came], seen: tuple[officer.Seen, ...], replayed: Replayed) -> bool:
    answers = Table(title="What each partner sees of its answers", title_justify="left")
    for name in ("partner", "asked for", "status", "answer", "proof"):
        answers.add_column(name)
    for each in came:
        body = each.said if each.records is None else f"{each.records} records"
        answers.add_row(each.errand.partner, each.errand.what, str(each.status), body, each.proof)
    console.print(answers, officer.table(seen, came), officer.meanings(seen))
    differ = len(replayed.differences)
    proven = sum(each.proof.startswith("opened") for each in came)
    console.print(
        f"\n{proven} sealed answers opened with the partners' keys, each receipt verified against the log's key; "
        f"they are kept in {stage.root / 'receipts'}.\n"
        f"{replayed.decisions} decisions made again from their entries: "
        + ("all came out the same." if not differ else f"[bold red]{differ} came out otherwise.[/]"),
        highlight=False,
    )
    console.print("[dim]All markings, agreements and ceilings are fictional; the orbits are published ones.[/]")
    return differ == 0 and len(seen) == len(came)


def _stay(url: str, stage: Stage) -> None:
    console.print(
        f"\nThe gateway is up.\n"
        f"  API            {url}/udl/elset\n"
        f"  OpenAPI page   {url}/docs\n"
        f"  readiness      {url}/readyz\n"
        f"  settings file  {stage.config}\n"
        f"  try            .venv/bin/relgate --config {stage.config} audit tail\n"
        "Ctrl-C stops it.",
        highlight=False,
    )
    sys.stdout.flush()
    signal.pause()


if __name__ == "__main__":
    raise SystemExit(main())
