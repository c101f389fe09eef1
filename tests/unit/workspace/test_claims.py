"""What a provider says of somebody: only a confirmed mail address of a known account lets anybody in, and for some days only."""

import time

import pytest

from cod_core.errors import CodError
from cod_core.roles import actor_of
from cod_core.settings import sign_in_days

CLAIMS = {"iss": "https://id.example", "sub": "1", "email": "Ann@Team.example", "email_verified": True, "iat": 1000}


@pytest.mark.parametrize("verified", ["false", "true", 0, 1, None, "missing", False])
def test_only_a_mail_address_that_is_verified_counts(verified):
    """Anything but the value False counted as verified: "false", 0, and no claim at all."""
    claims = {k: v for k, v in {**CLAIMS, "email_verified": verified}.items() if v != "missing"}
    with pytest.raises(CodError, match="does not confirm"):
        actor_of(claims)


def test_a_provider_that_never_says_verified_is_trusted_by_name_only():
    """The setting is for silence; it must not turn a no into a yes."""
    silent = {k: v for k, v in CLAIMS.items() if k != "email_verified"}
    assert actor_of(silent, trust_unverified=True).name == "ann@team.example"
    for no in (False, "false", 0, "true"):
        with pytest.raises(CodError, match="does not confirm"):
            actor_of({**CLAIMS, "email_verified": no}, trust_unverified=True)


@pytest.mark.parametrize("claim", ["preferred_username", "sub", "upn", "name"])
def test_no_other_claim_stands_in_for_the_mail_address(claim):
    """A user name that somebody chose, equal to an owner's address, made them owner."""
    claims = {**CLAIMS, claim: "rob@team.example"}
    assert actor_of(claims).name == "ann@team.example"
    for nothing in ({}, {"email": ""}, {"email": None}, {"email": ["rob@team.example"]}, {"email": "rob"}):
        with pytest.raises(CodError, match="no mail address"):
            actor_of({k: v for k, v in claims.items() if k != "email"} | nothing)


def test_claims_without_an_account_let_nobody_in():
    for key in ("iss", "sub"):
        with pytest.raises(CodError):
            actor_of({k: v for k, v in CLAIMS.items() if k != key})


@pytest.mark.parametrize(("days", "ago", "let_in"), [(7, 6.9, True), (7, 7.1, False), (1, 1.1, False), (0, 400, True), (7, -1, True)])
def test_a_sign_in_ends_after_some_days(days, ago, let_in):
    """A cookie that was copied was good for as long as Streamlit's, a month."""
    claims = {**CLAIMS, "iat": time.time() - ago * 86_400}
    if let_in:
        assert actor_of(claims, days=days).issued_at == claims["iat"]
    else:
        with pytest.raises(CodError, match=f"more than {days} day"):
            actor_of(claims, days=days)
    assert actor_of({k: v for k, v in claims.items() if k != "iat"}, days=days).issued_at is None


def test_how_long_a_sign_in_is_good_for_is_a_setting(monkeypatch):
    assert sign_in_days() == 7
    monkeypatch.setenv("COD_SIGN_IN_DAYS", "1")
    assert sign_in_days() == 1
    monkeypatch.setenv("COD_SIGN_IN_DAYS", "a week")
    with pytest.raises(CodError, match="COD_SIGN_IN_DAYS"):
        sign_in_days()
