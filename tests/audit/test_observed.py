"""What is observed of whoever causes an entry: from the kernel, never from what the caller can set."""

from __future__ import annotations

import os
import pwd
import socket

import pytest

from gateway.audit import observed
from gateway.audit.observed import Account, Peer, own_account, said_of, written


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:DB8:0:0:0:0:0:1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1%eth0"),
        ("::1", "::1"),
    ],
)
def test_an_address_has_one_form_however_it_is_written(given: str, kept: str):
    assert written(given) == kept
    assert written(kept) == kept


@pytest.mark.parametrize("text", ["", "gateway.example", "192.0.2.7:80", "[::1]", "192.0.2.07", "10.0.0.0/8", "::1\n"])
def test_what_is_no_address_is_refused_and_not_kept(text: str):
    with pytest.raises(ValueError, match="does not appear"):
        written(text)


def test_the_account_is_the_systems_whatever_the_environment_says(monkeypatch: pytest.MonkeyPatch):
    for name in ("USER", "LOGNAME", "LNAME", "USERNAME", "SUDO_USER", "HOSTNAME"):
        monkeypatch.setenv(name, "somebody.else")
    account = own_account()
    assert (account.uid, account.user) == (os.getuid(), pwd.getpwuid(os.getuid()).pw_name)
    assert account.name == account.user
    assert account.host == socket.gethostname()


def test_an_account_without_a_name_is_called_by_its_number(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(os, "getuid", lambda: 2**31 - 77)
    account = own_account()
    assert (account.user, account.name) == ("", f"uid {2**31 - 77}")


@pytest.mark.parametrize(("text", "uid"), [("1000", 1000), ("0", 0), ("4294967295", None), ("", None)])
def test_the_login_is_what_the_kernel_says_and_nothing_where_nobody_logged_in(tmp_path, monkeypatch, text, uid):
    monkeypatch.setattr(observed, "_LOGIN_UID", tmp_path / "loginuid")
    assert own_account().login_uid is None
    (tmp_path / "loginuid").write_text(text)
    assert own_account().login_uid == uid


def test_a_private_part_says_only_what_was_observed():
    assert said_of(None) == {}
    assert said_of(Peer("::1", 4)) == {"peer": {"address": "::1", "port": 4}}
    assert said_of(Account(0, "root", "gw1")) == {"account": {"uid": 0, "user": "root", "host": "gw1"}}
    assert said_of(Account(0, "", "", 7)) == {"account": {"uid": 0, "user": "", "host": "", "login_uid": 7}}
