"""Families' free words: what is kept, and what is refused in a sentence."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import InputError
from core.identity import KeyRing, SealError
from core.keys import wish_sealer
from core.logging import CHECK_MARKS
from services.family.free_words import LONGEST, answered, wished
from tests.support.browsing import settings_for


@pytest.mark.parametrize(
    "text",
    [
        "Tapaisimme mieluummin iltaisin, klo 16.30–18.00, 12 kertaa.",
        "Ma 23.11.2026 ei käy; 2026-11-24 käy.\r\nKiitos!",
        "Hinta 1 116,00 € on 137 € alle. Tilaus T-2026-900001, asia HB-2026-900001.",
        "Önskar träffas på svenska 👍🏽",
        "",
    ],
)
def test_what_families_write_is_kept(text):
    assert wished(text) == text.replace("\r\n", "\n")


@pytest.mark.parametrize(
    "text",
    [
        "lapseni 100190-999P",
        "100190−999p",
        "100190Y999P.",
        "10.01.90 - 999 P",
        "100190 999P",
        "hetu:100190+999P",
        "1001 90A999P",
    ],
)
def test_a_henkilotunnus_is_refused_however_it_is_written(text):
    with pytest.raises(InputError, match="henkilötunnus"):
        wished(text)
    with pytest.raises(InputError, match="henkilötunnus"):
        answered(text)


@given(
    born=st.dates(),
    number=st.integers(900, 999),
    mark=st.sampled_from("-+ABCDEFUVWXY"),
    before=st.sampled_from(["", "hän ", "(", "tunnus:"]),
)
@settings(max_examples=60)
def test_every_century_mark_is_known(born, number, mark, before):
    digits = f"{born:%d%m}{born.year % 100:02}{number}"
    check = CHECK_MARKS[int(digits) % 31]
    with pytest.raises(InputError, match="henkilötunnus"):
        wished(f"{before}{digits[:6]}{mark}{digits[6:]}{check} asuu")


@pytest.mark.parametrize(
    "text",
    [
        "soita 040 123 4567",
        "+358401234567",
        "p. 09-1234 567",
        "00358 40 1234567",
        "aiti@esimerkki.invalid",
        "aiti (at) esimerkki.invalid",
    ],
)
def test_contact_details_are_refused(text):
    with pytest.raises(InputError, match="Leave e-mail addresses and telephone numbers out"):
        wished(text)


def test_what_is_too_long_or_cannot_be_printed_is_refused():
    assert wished("a" * LONGEST)
    for text, sentence in (
        ("a" * (LONGEST + 1), "at most 1000"),
        ("a\x00b", "cannot be printed"),
        ("a\u202eb", "cannot be printed"),
    ):
        with pytest.raises(InputError, match=sentence):
            wished(text)
    for text, sentence in ((" \n ", "Say why"), ("a" * 501, "at most 500"), ("a\x07", "cannot be printed")):
        with pytest.raises(InputError, match=sentence):
            answered(text)


SEALED: Any = {"identity": "sealed"}
KEYS: Any = {"seal_keys": "k1:" + "A" * 43 + "=", "index_key": "B" * 43 + "="}


def test_words_are_sealed_to_their_place_with_or_without_seal_keys(tmp_path):
    plain = settings_for().model_copy(update={"home": tmp_path})
    sealed = type(plain)(
        database_url=plain.database_url,
        redis_url=plain.redis_url,
        privacy=SEALED,
        **KEYS,
    ).model_copy(update={"home": tmp_path})
    for before, after in ((plain, sealed), (sealed, plain.model_copy(update={"seal_keys": sealed.seal_keys}))):
        blob = wish_sealer(before).seal({"words": "iltaisin"}, table="family_wish", row="p", column="sealed_words")
        assert b"iltaisin" not in blob
        opened = wish_sealer(after).unseal(blob, table="family_wish", row="p", column="sealed_words")
        assert opened == {"words": "iltaisin"}
        with pytest.raises(SealError):
            wish_sealer(after).unseal(blob, table="family_wish", row="q", column="sealed_words")
    assert b"avain.wishes" in wish_sealer(plain).seal({}, table="t", row="r", column="c")
    assert b"k1" in wish_sealer(sealed).seal({}, table="t", row="r", column="c")
    with pytest.raises(Exception, match="must be written"):
        KeyRing.parse("avain.wishes:" + "A" * 43 + "=")
