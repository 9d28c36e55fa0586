"""String formats as regular nodes: dates exact to the leap year, times, addresses, identifiers.

Each is contained in what RFC and Python's parsers accept; where the full definition has forms that
nobody writes (leap seconds, quoted e-mail names), the form here is the narrower one.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from idiolect.grammar.form import Node, Repeat, chars, choice, minus, optional, seq, text, times
from idiolect.grammar.regex import whole_match

_DIGIT = chars("0-9")
_HEX = chars("0-9a-fA-F")


def _two(low: int, high: int) -> Node:
    return choice(*(text(f"{number:02d}") for number in range(low, high + 1)))


@cache
def date() -> Node:
    """Dates of the years 1 to 9999 that exist."""
    year = minus(times(_DIGIT, 4), "0000")
    # A century is a leap year if its first two digits count in fours, any other year if its last two do.
    fours = [f"{number:02d}" for number in range(0, 100, 4)]
    leap = choice(
        seq(times(_DIGIT, 2), choice(*(one for one in fours if one != "00"))),
        seq(choice(*(one for one in fours if one != "00")), "00"),
    )
    long = seq(choice("01", "03", "05", "07", "08", "10", "12"), "-", _two(1, 31))
    short = seq(choice("04", "06", "09", "11"), "-", _two(1, 30))
    return choice(
        seq(year, "-", choice(long, short, seq("02-", _two(1, 28)))),
        seq(leap, "-02-29"),
    )


@cache
def time() -> Node:
    """Times of day with their offset, as RFC 3339 has them; no leap seconds."""
    clock = seq(_two(0, 23), ":", _two(0, 59), ":", _two(0, 59), optional(".", Repeat(_DIGIT, 1, 9)))
    return seq(clock, choice("Z", seq(chars("+-"), _two(0, 23), ":", _two(0, 59))))


@cache
def date_time() -> Node:
    return seq(date(), "T", time())


@cache
def uuid() -> Node:
    return seq(
        times(_HEX, 8), "-", times(_HEX, 4), "-", times(_HEX, 4), "-", times(_HEX, 4), "-", times(_HEX, 12)
    )


@cache
def ipv4() -> Node:
    octet = choice(
        seq("25", chars("0-5")),
        seq("2", chars("0-4"), _DIGIT),
        seq("1", _DIGIT, _DIGIT),
        seq(chars("1-9"), _DIGIT),
        _DIGIT,
    )
    return seq(octet, ".", octet, ".", octet, ".", octet)


@cache
def ipv6() -> Node:
    """Addresses in groups, with at most one run of zeros left out; no embedded IPv4."""
    group = Repeat(_HEX, 1, 4)
    ways: list[Node] = [seq(group, times(seq(":", group), 7))]
    for before in range(8):
        head = seq(group, times(seq(":", group), before - 1)) if before else text("")
        most = 7 - before
        tail = optional(group, Repeat(seq(":", group), 0, most - 1)) if most else text("")
        ways.append(seq(head, "::", tail))
    return choice(*ways)


@cache
def hostname() -> Node:
    """Names of labels of letters, digits and inner hyphens."""
    alnum = chars("a-zA-Z0-9")
    # A label "xn--..." is an encoded one and has rules of its own; two hyphens there are left out.
    label = minus(
        seq(alnum, optional(Repeat(chars("a-zA-Z0-9-"), 0, 61), alnum)),
        seq(chars("a-zA-Z0-9"), chars("a-zA-Z0-9-"), "--", Repeat(chars("a-zA-Z0-9-"), 0, 59)),
    )
    return seq(label, Repeat(seq(".", label), 0, 3))


@cache
def email() -> Node:
    """Plain addresses: atoms with dots, an at sign, a host name."""
    atom = Repeat(chars("a-zA-Z0-9!#$%&'*+/=?^_`{|}~-"), 1, 20)
    return seq(atom, Repeat(seq(".", atom), 0, 2), "@", hostname())


@cache
def duration() -> Node:
    """ISO 8601 durations as RFC 3339 has them."""
    number = Repeat(_DIGIT, 1, 9)
    seconds = seq(number, "S")
    minutes = seq(number, "M", optional(seconds))
    clock = seq("T", choice(seq(number, "H", optional(minutes)), minutes, seconds))
    days = seq(number, "D")
    months = seq(number, "M", optional(days))
    calendar = seq(choice(seq(number, "Y", optional(months)), months, days), optional(clock))
    return seq("P", choice(calendar, clock, seq(number, "W")))


@cache
def uri() -> Node:
    """URIs with a scheme and a host, or a scheme and a path (`mailto:`, `urn:`); no user names."""
    plain = choice(chars("a-zA-Z0-9._~!$&'()*+,;=:@-"), seq("%", _HEX, _HEX))
    path = Repeat(seq("/", Repeat(plain, 0, 80)), 0, 20)
    more = Repeat(choice(plain, chars("/?")), 0, 200)
    scheme = seq(chars("a-zA-Z"), Repeat(chars("a-zA-Z0-9+.-"), 0, 15))
    port = optional(":", Repeat(_DIGIT, 1, 4))
    return seq(
        scheme, "://", choice(hostname(), ipv4()), port, path, optional("?", more), optional("#", more)
    )


@cache
def json_pointer() -> Node:
    return whole_match(r"(/([^~/]|~[01])*)*")


@cache
def relative_json_pointer() -> Node:
    return seq(choice("0", seq(chars("1-9"), Repeat(_DIGIT, 0, 3))), choice("#", json_pointer()))


FORMATS: dict[str, Callable[[], Node]] = {
    "date": date,
    "time": time,
    "date-time": date_time,
    "duration": duration,
    "uuid": uuid,
    "ipv4": ipv4,
    "ipv6": ipv6,
    "hostname": hostname,
    "email": email,
    "uri": uri,
    "json-pointer": json_pointer,
    "relative-json-pointer": relative_json_pointer,
}
# Formats that validators check and that have no node here: refused, never dropped.
UNSUPPORTED = frozenset(
    {"idn-email", "idn-hostname", "iri", "iri-reference", "regex", "uri-reference", "uri-template"}
)
