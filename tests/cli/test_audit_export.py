"""Exports and streams by command: what was asked, in its form; each handing out recorded once."""

import contextlib
import csv
import io
import json
import os
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.audit.tampering import change
from tests.cli.audit_log import fill
from tests.support.waiting import held_port


@pytest.fixture
def filled(ready):
    fill()
    return ready


def test_the_whole_log_is_exported_in_its_order_with_the_reading_itself_at_its_end(filled):
    lines = filled("audit", "export").out.splitlines()
    entries = [json.loads(line) for line in lines]
    assert [each["index"] for each in entries] == list(range(len(entries)))
    assert entries[-1]["what"] == "export jsonl everything"


def test_a_search_is_exported_page_after_page_in_every_form(filled, place):
    done = filled("audit", "export", "--format", "csv", "partner=JPN", "event=release", "-o", "jpn.csv")
    assert done.code == 0, done.err
    assert json.loads(filled("audit", "export", "partner=JPN", "-o", "x", "--json").out)["entries"] >= 2
    assert filled("audit", "export", "--json").code == 2
    rows = list(csv.DictReader(io.StringIO((place / "jpn.csv").read_text())))
    assert [row["release"] for row in rows] == ["r2", "r1"]
    for form in ("ocsf", "cef", "syslog", "jsonl"):
        assert len(filled("audit", "export", "--format", form, "partner=JPN", "event=release").out.splitlines()) == 2


def test_an_export_that_ends_in_its_middle_leaves_what_was_there_and_no_part(filled, place):
    file = place / "all.jsonl"
    assert filled("audit", "export", "-o", "all.jsonl").code == 0
    before = file.read_bytes()
    assert file.stat().st_mode & 0o777 == 0o600
    change(f"sqlite:///{place / 'var' / 'audit.sqlite3'}", "UPDATE private_parts SET body = x'00' WHERE position = 3")
    done = filled("audit", "export", "-o", "all.jsonl")
    assert (done.code, "entry 3" in done.err) == (1, True)
    assert file.read_bytes() == before
    assert [path.name for path in place.glob("all.jsonl*")] == ["all.jsonl"]


def test_an_export_to_what_is_no_file_writes_there_and_takes_nothing_away(filled, place):
    os.mkfifo(place / "pipe")
    with ThreadPoolExecutor(1) as reading:
        lines = reading.submit((place / "pipe").read_text)
        assert filled("audit", "export", "-o", "pipe").code == 0
        assert len(lines.result().splitlines()) > 3
    assert (place / "pipe").is_fifo()
    assert filled("audit", "export", "-o", "no/such/folder").code == 2


def test_a_stream_delivers_every_entry_and_is_recorded_once(filled, place):
    got = []

    def receive(listener):
        with contextlib.suppress(OSError):  # until the listener is closed
            while True:
                peer, _ = listener.accept()
                with peer:
                    data = b""
                    while more := peer.recv(65536):
                        data += more
                    got.append(data)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=receive, args=(listener,), daemon=True).start()
        address = f"tcp://127.0.0.1:{listener.getsockname()[1]}"
        done = filled("audit", "stream", address, "--cursor", "siem.cursor")
        assert done.code == 0, done.err
    assert got[0].count(b"relgate - ") == json.loads((place / "siem.cursor").read_text())["index"] + 1
    assert b"stream syslog to tcp" in got[0]


def test_a_stream_without_a_receiver_fails_in_words_and_moves_nothing(filled, place):
    with held_port() as port:
        done = filled("audit", "stream", f"tcp://127.0.0.1:{port}", "--cursor", "siem.cursor")
    assert (done.code, json.loads((place / "siem.cursor").read_text())["index"]) == (3, -1)
    assert filled("audit", "stream", "siem.example", "--cursor", "siem.cursor").code == 2
