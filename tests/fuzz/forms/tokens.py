"""Signed tokens: a letter changed, parts swapped, cut, doubled, of another alphabet; and what is signed rightly and says nonsense."""

import json
from base64 import urlsafe_b64encode
from random import Random
from typing import Any, Final

from tests.fuzz.forms import Form, plain, values

_LETTERS: Final = ".-_=+/%ABCabc019 ä\x00\ud800\u202e"


def changed(dice: Random, content: bytes) -> bytes:
    """A few letters, or a part between two dots, changed."""
    text = content.decode("utf-8", "surrogatepass")
    parts = text.split(".")
    match dice.randint(0, 5):
        case 0:
            at = dice.randint(0, len(text))
            text = text[:at] + dice.choice(_LETTERS) + text[at + dice.randint(0, 1) :]
        case 1:
            text = text[: dice.randint(0, len(text))]
        case 2:
            parts.insert(dice.randint(0, len(parts)), dice.choice(parts))
            text = ".".join(parts)
        case 3:
            parts[dice.randrange(len(parts))] = urlsafe_b64encode(values.composed(dice)[:5000]).rstrip(b"=").decode()
            text = ".".join(parts)
        case 4:
            text = "." + text
        case _:
            text *= dice.choice((2, 50))
    return text.encode("utf-8", "surrogatepass")


def composed(dice: Random) -> bytes:
    """What is to be signed, marked by its first letter: the reader signs it."""
    said: Any = dice.choice((
        [plain.word(dice), "reply", plain.word(dice), 1], ["T-2026-000001", plain.word(dice), "2027-01-31", 1], ["T-2026-000001", "reply", "2027-01-31", plain.word(dice)],
        [plain.word(dice), "reply", "2027-01-31", 1], {}, None, [["T"], "reply", "2027-01-31", 1],
    ))  # fmt: skip
    return b"\n" + json.dumps(said).encode()


TOKEN: Final = Form((changed,), composed)
