"""One address of Redis, as Celery and as redis-py must be told it."""

import ssl

import pytest
from kombu.utils.url import parse_url
from redis import ConnectionPool

from core.redis import broker_url, redis_client_url, trusts_anybody

PLAIN = "redis://avain:p%40ss@127.0.0.1:6379/3"
TLS = "rediss://avain:p%40ss@127.0.0.1:6380/3"


def test_a_socket_is_named_in_two_ways():
    assert redis_client_url("redis+socket:///run/valkey.sock?virtual_host=2") == "unix:///run/valkey.sock?db=2"
    assert (
        broker_url("redis+socket:///run/valkey.sock?virtual_host=2") == "redis+socket:///run/valkey.sock?virtual_host=2"
    )


def test_without_tls_nothing_is_added():
    assert broker_url(PLAIN) == redis_client_url(PLAIN) == PLAIN
    assert not trusts_anybody(PLAIN)


@pytest.mark.parametrize(
    "asked", ["", "?ssl_ca_certs=/etc/avain/ca.pem", "?ssl_cert_reqs=required", "?ssl_cert_reqs=CERT_REQUIRED"]
)
def test_both_verify_the_certificate_unless_told_otherwise(asked: str):
    celerys, ours = parse_url(broker_url(TLS + asked)), ConnectionPool.from_url(redis_client_url(TLS + asked))
    assert celerys["ssl"]["ssl_cert_reqs"] is ssl.CERT_REQUIRED
    connection = ours.connection_class(**ours.connection_kwargs)
    assert connection.cert_reqs is ssl.CERT_REQUIRED
    assert connection.check_hostname
    assert (celerys["userid"], celerys["password"], celerys["virtual_host"]) == ("avain", "p@ss", "3")
    if "ca_certs" in asked:
        assert celerys["ssl"]["ssl_ca_certs"] == ours.connection_kwargs["ssl_ca_certs"] == "/etc/avain/ca.pem"
    assert not trusts_anybody(TLS + asked)


@pytest.mark.parametrize(
    "asked", ["ssl_cert_reqs=none", "ssl_cert_reqs=CERT_NONE", "ssl_cert_reqs=optional", "ssl_check_hostname=false"]
)
def test_who_turns_it_off_gets_that_and_is_told(asked: str):
    assert trusts_anybody(f"{TLS}?{asked}")
    assert ConnectionPool.from_url(redis_client_url(f"{TLS}?{asked}")).connection_kwargs
    assert parse_url(broker_url(f"{TLS}?{asked}"))["ssl"]
