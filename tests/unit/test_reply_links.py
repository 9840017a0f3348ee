"""Links in letters to providers: the same for the same order, opened by whoever holds one until they end, and by nobody who changed one."""

from datetime import date
from pathlib import Path

import pytest
from itsdangerous import URLSafeSerializer

from core.errors import InputError
from core.keys import link_secret
from core.settings import Settings
from services.orders.sending.reply_links import EndedLinkError, Opened, link, opened

SECRET = b"s" * 32
LAST = date(2027, 1, 31)
BASE = "https://avain.example.test/"


def token(**changed: object) -> str:
    said = {
        "secret": SECRET,
        "base_url": BASE,
        "number": "T-2026-000123",
        "purpose": "reply",
        "expires": LAST,
        "epoch": 1,
    }
    return link(**{**said, **changed}).rpartition("/")[2]  # type: ignore[arg-type]


def test_the_same_order_has_the_same_link_and_it_says_what_it_is_for() -> None:
    address = link(SECRET, BASE, "T-2026-000123", "reply", expires=LAST, epoch=1)
    assert address == link(SECRET, BASE, "T-2026-000123", "reply", expires=LAST, epoch=1)
    assert address.startswith("https://avain.example.test/reply/")
    assert opened(SECRET, token()) == Opened("T-2026-000123", "reply", LAST, 1)
    assert link(SECRET, BASE, "T-2026-000123", "delivered", expires=LAST, epoch=1).startswith(
        "https://avain.example.test/delivered/"
    )


def test_what_was_changed_cut_or_signed_elsewhere_does_not_open() -> None:
    whole = token()
    changed = [whole[:-1], whole[1:], whole + "A", whole.replace("WyJU", "WyJV"), "", "x" * 5000, "ä" * 20, ".", "a.b"]
    others = [
        token(secret=b"t" * 32),
        str(URLSafeSerializer(SECRET).dumps(["T-2026-000123", "reply", "2027-01-31", 1])),
    ]
    for one in changed + others:
        with pytest.raises(InputError, match="does not open"):
            opened(SECRET, one)


@pytest.mark.parametrize(
    "said", [["T-1", "reply", "no day", 1], ["T-1", "other", "2027-01-31", 1], {"number": "T-1"}, None, ["T-1"]]
)
def test_what_no_version_of_ours_wrote_does_not_open(said: object) -> None:
    from services.orders.sending import reply_links

    signed = str(reply_links._serializer(SECRET).dumps(said))
    with pytest.raises(InputError, match="does not open"):
        opened(SECRET, signed)


def test_a_link_ends_with_its_day_its_epoch_and_its_purpose() -> None:
    held = opened(SECRET, token())
    held.must_open(purpose="reply", today=LAST, epoch=1)
    with pytest.raises(EndedLinkError, match="31"):
        held.must_open(purpose="reply", today=date(2027, 2, 1), epoch=1)
    with pytest.raises(EndedLinkError, match="newer"):
        held.must_open(purpose="reply", today=LAST, epoch=2)
    with pytest.raises(InputError, match="does not open"):
        held.must_open(purpose="delivered", today=LAST, epoch=1)


def test_the_secret_is_the_installations_own_and_not_the_hash_key(tmp_path: Path) -> None:
    one, other = (link_secret(Settings(home=tmp_path, hash_key=letter * 32)) for letter in "ab")
    assert one != other
    assert len(one) == 32
    assert one != b"a" * 32
    assert link_secret(Settings(home=tmp_path / "new")) == link_secret(Settings(home=tmp_path / "new"))
