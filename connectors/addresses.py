"""Which network addresses Avain may connect to.

A host on the allow-list is trusted by name only. Where its name leads is decided by whoever answers the DNS question, so every
address is judged: a public name that leads to a private address would let an outsider reach the inside of the network.
"""

import socket
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

import httpx2

from core.errors import ConfigurationError, Permanent

#: Looks a host and port up: the addresses as text, in the order to try them. Raises OSError if there are none.
Resolver = Callable[[str, int], Sequence[str]]

_NAT64: Final = IPv6Network("64:ff9b::/96")  # RFC 6052: the last 32 bits are an IPv4 address
_LOCAL_NAT64: Final = IPv6Network("64:ff9b:1::/48")  # RFC 8215
_THIS_NETWORK: Final = IPv4Network("0.0.0.0/8")  # RFC 1122 3.2.1.3: some systems take it for themselves
#: Where clouds tell a machine its own secrets, beside the link-local 169.254.169.254: in networks that are private (Amazon, Google, Oracle) or
#: even public (Azure) by their numbers.
_METADATA: Final = frozenset(
    map(ip_address, ("fd00:ec2::254", "fd20:ce::254", "192.0.0.192", "168.63.129.16", "100.100.100.200"))
)


def resolve(host: str, port: int) -> Sequence[str]:
    """The operating system's answer."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def plain_host(host: str) -> str:
    """A host name in the form in which two of them are compared: lower case, no brackets, no dot at the end."""
    return host.lower().strip("[]").removesuffix(".")


def host_of(url: str) -> str:
    """The host of an address in the settings, as it is asked for. Raises ConfigurationError for what is no address."""
    try:
        return httpx2.URL(url).raw_host.decode("ascii")
    except httpx2.InvalidURL as error:
        raise ConfigurationError(
            "An address in the settings is not a valid URL. See the url of sources and connections."
        ) from error


def checked_addresses(host: str, port: int, resolver: Resolver, *, allow_private: bool) -> list[str]:
    """All addresses of `host`, if every one of them may be connected to.

    Only public ones may; with `allow_private` those of private networks and of this machine as well, but never link-local
    ones, those where clouds keep their metadata, multicast or unspecified ones. Raises Permanent if a single one may not.
    """
    addresses = [address.partition("%")[0] for address in resolver(host, port)]
    for address in addresses:
        if _is_allowed(address, allow_private=allow_private):
            continue
        if _is_allowed(address, allow_private=True):
            raise Permanent(
                "{host} leads to the address {address}, to which Avain may not connect. If that is a server in your own network, its settings can allow it: allow_private = true.",
                host=host,
                address=address,
            )
        raise Permanent(
            "{host} leads to the address {address}, to which Avain may not connect.", host=host, address=address
        )
    if not addresses:
        raise OSError(f"no address for {host}")
    return addresses


def check_spelling(host: str, port: int, *, allow_private: bool) -> None:
    """What goes by a proxy is looked up there, so it is judged as far as it can be read here: an address in any of its spellings, and this
    machine's own name. Any other name is the proxy's to judge. Raises Permanent.
    """
    if host == "localhost" or host.endswith(".localhost"):  # RFC 6761 6.3
        found: Sequence[str] = ["127.0.0.1"]
    else:
        try:
            found = [str(one[4][0]) for one in socket.getaddrinfo(host, port, flags=socket.AI_NUMERICHOST)]
        except OSError:
            return
    checked_addresses(host, port, lambda *_: found, allow_private=allow_private)


def _is_allowed(text: str, *, allow_private: bool) -> bool:
    try:
        address = _embedded(ip_address(text))
    except ValueError:
        return False
    if address is None or _is_of_nobody(address):
        return False
    if address.is_loopback:  # before is_reserved, which ::1 is too
        return allow_private
    if address.is_reserved:
        return False
    if isinstance(address, IPv6Address) and address.is_site_local:
        return False
    return address.is_global or (allow_private and address.is_private)


def _is_of_nobody(address: IPv4Address | IPv6Address) -> bool:
    """Whether no server that is meant can stand there."""
    return (
        address.is_multicast
        or address.is_link_local
        or address in _METADATA
        or (address in _THIS_NETWORK if isinstance(address, IPv4Address) else address.is_unspecified)
    )


def _embedded(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address | None:
    """The IPv4 address inside an IPv6 address that a translator would turn into it; None if that cannot be judged."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    if address.teredo is not None or address in _LOCAL_NAT64 or (int(address) >> 32 == 0 and int(address) > 1):
        return None  # the last: IPv4-compatible addresses, RFC 4291 2.5.5.1, long abandoned
    return address
