"""The operating system's and the TOML parser's refusals, in the reader's words."""

import errno
import os
import socket
import ssl
import tomllib

import pytest

from core.errors import Message
from core.reasons import os_reason, toml_reason


@pytest.mark.parametrize(
    ("error", "fi"),
    [
        (FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), "x"), "tiedostoa tai kansiota ei ole"),
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), "levy on täynnä"),
        (ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED)), "siellä ei vastata"),
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "palvelimen nimeä ei tunneta"),
        (TimeoutError("timed out"), "vastaus ei tullut ajoissa"),
        (ssl.SSLCertVerificationError(1, "certificate verify failed"), "palvelimen varmenteeseen ei luoteta"),
        (ssl.SSLError(1, "wrong version number"), "salattua yhteyttä ei saatu aikaan"),
        (OSError(errno.EXDEV, os.strerror(errno.EXDEV)), f"käyttöjärjestelmä ei sallinut (virhe {errno.EXDEV})"),
        (OSError("no number at all"), "käyttöjärjestelmä ei sallinut"),
    ],
)
def test_what_the_operating_system_means(error, fi):
    reason = os_reason(error)
    assert reason.text("fi") == fi
    assert Message.from_json(reason.to_json()) == reason


@pytest.mark.parametrize(
    ("content", "fi"),
    [(b"a = \n", "rivi 1, sarake 5"), (b"a = [1,", "loppuu kesken"), ("a = 'ä'".encode("latin-1"), "tavu 6 ei ole UTF-8:aa")],
)  # fmt: skip
def test_where_a_toml_file_stops_making_sense(content, fi):
    with pytest.raises((tomllib.TOMLDecodeError, UnicodeDecodeError)) as caught:
        tomllib.loads(content.decode("utf-8"))
    assert isinstance(caught.value, tomllib.TOMLDecodeError | UnicodeDecodeError)
    assert toml_reason(caught.value).text("fi") == fi
