"""How often a user, an address or an account may ask: counted in memory or in Redis."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any, NamedTuple

from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.errors import StorageError
from redis.asyncio import ConnectionPool

from serving.errors import LimitExceeded, SettingsError, Unavailable
from serving.metrics import Metrics
from serving.settings import Network, Settings

logger = logging.getLogger("serving")

WINDOW_SECONDS = 60
KNOWN_PLACES = 10_000
"""Pairs of user and address that are remembered."""

REDIS_SECONDS = 0.5
"""How long Redis may take to answer before it counts as gone."""


@dataclass(frozen=True)
class Limit:
    """`per_minute` of one kind of request, `what` in words; 0 is no limit."""

    name: str
    what: str
    per_minute: int


class Window(NamedTuple):
    """What was counted in the minute before this one and in this one, and the seconds each counts.

    The previous count fades as its minute slides out of view: a request passes while
    `previous * previous_left / WINDOW_SECONDS + current` leaves room for it.
    """

    previous: int
    previous_left: float
    current: int
    current_left: float

    def remaining(self, per_minute: int) -> int:
        """What may still be asked now."""
        faded = self.previous * self.previous_left / WINDOW_SECONDS
        return max(0, per_minute - math.floor(faded + self.current))

    def seconds_until(self, per_minute: int, cost: int) -> int:
        """Whole seconds until there is room for `cost`, if nothing else is asked meanwhile."""
        room = per_minute - cost + 1
        if room < 1:
            return WINDOW_SECONDS
        if self.current >= room:  # this minute has to end, and then to fade
            ends = self.current_left - WINDOW_SECONDS
            wait = ends + WINDOW_SECONDS * (1 - room / self.current)
        elif self.previous:
            wait = self.previous_left - WINDOW_SECONDS * (room - self.current) / self.previous
        else:
            wait = 0.0
        return max(1, math.floor(wait) + 1)


class Limits:
    """The limits of the service, all in one storage."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self.predict = Limit("predict", "products per minute", settings.predict_limit)
        self.token_address = Limit(
            "token-address", "logins per minute from one address", settings.token_address_limit
        )
        self.token_account = Limit(
            "token-account",
            "logins per minute to one account from one address",
            settings.token_account_limit,
        )
        self.token_account_total = Limit(
            "token-account-total",
            "logins per minute to one account",
            settings.token_account_total_limit,
        )
        self._logins = {self.token_address, self.token_account, self.token_account_total}
        self._open_on_failure = settings.limits_failure == "open"
        self._metrics = metrics
        self._redis = _redis(settings.limits_storage.get_secret_value())
        self._storage = _storage(self._redis)
        self._here = MemoryStorage() if self._redis else self._storage
        self._known: dict[tuple[str, str], None] = {}

    async def count(self, limit: Limit, key: str, cost: int = 1) -> None:
        """Count `cost` for `key`; with 0, see whether there is room for one.

        Raises LimitExceeded, and Unavailable when the storage is gone and the service is set to
        refuse then. Logins are never unlimited: where they cannot be counted for all processes,
        this one counts its own.
        """
        if limit.per_minute == 0:
            return
        try:
            await self._hit(self._storage, limit, key, cost)
        except StorageError as error:
            self._storage_failed(error)
            if limit in self._logins:
                await self._hit(self._here, limit, key, cost)

    async def _hit(
        self, storage: MemoryStorage | RedisStorage, limit: Limit, key: str, cost: int
    ) -> None:
        item = RateLimitItemPerMinute(limit.per_minute)
        counter = SlidingWindowCounterRateLimiter(storage)
        has_room = counter.hit if cost else counter.test
        if await has_room(item, limit.name, key, cost=cost or 1):
            return
        name = item.key_for(limit.name, key)
        window = Window(*await storage.get_sliding_window(name, WINDOW_SECONDS))
        self._metrics.refusals.labels(limit.name).inc()
        raise _exceeded(limit, cost or 1, window)

    async def count_login(self, username: str, address: str) -> None:
        """Count a login that is tried; a stranger's count for the account, not for its owner.

        Raises as `count` does.
        """
        place = counted(address)
        await self.count(self.token_account, f"{username} {place}")
        if (username, place) not in self._known:
            await self.count(self.token_account_total, username)

    def logged_in(self, username: str, address: str) -> None:
        """The user is known at the address from now on."""
        place = (username, counted(address))
        self._known.pop(place, None)
        self._known[place] = None
        if len(self._known) > KNOWN_PLACES:
            del self._known[next(iter(self._known))]

    async def close(self) -> None:
        """Drop the connections to Redis."""
        if self._redis is not None:
            await self._redis.aclose()

    def _storage_failed(self, error: StorageError) -> None:
        self._metrics.limit_failures.inc()
        logger.warning("limits cannot be counted: %s", type(error.storage_error).__name__)
        if not self._open_on_failure:
            raise Unavailable("Limits cannot be counted at the moment.", retry_after=5)


def _redis(address: str) -> ConnectionPool | None:
    """Connections to the Redis at `address`; None for memory://."""
    if address == "memory://":
        return None
    try:
        return ConnectionPool.from_url(
            address, socket_timeout=REDIS_SECONDS, socket_connect_timeout=REDIS_SECONDS
        )
    except ValueError as error:
        raise SettingsError(
            "SERVING_LIMITS_STORAGE: expected memory:// or redis://host:port/database"
        ) from error


def _storage(redis: ConnectionPool | None) -> MemoryStorage | RedisStorage:
    if redis is None:
        return MemoryStorage()
    options: dict[str, Any] = {"connection_pool": redis}
    return RedisStorage("async+redis://", wrap_exceptions=True, implementation="redispy", **options)


def _exceeded(limit: Limit, cost: int, window: Window) -> LimitExceeded:
    seconds = window.seconds_until(limit.per_minute, cost)
    detail = f"At most {limit.per_minute} {limit.what} are allowed"
    if cost > limit.per_minute:
        detail += f"; this request asks for {cost} at once and must be split."
    else:
        detail += f"; try again in {seconds} s."
    return LimitExceeded(
        detail,
        name=limit.name,
        window=WINDOW_SECONDS,
        per_minute=limit.per_minute,
        remaining=window.remaining(limit.per_minute),
        retry_after=seconds,
    )


IPV6_PREFIX = 64
"""A customer of a network has at least that many bits of IPv6 to choose addresses from."""


def counted(address: str) -> str:
    """What an address is counted as: IPv6 by its network, IPv4 in IPv6's form as what it is."""
    parsed = _parsed(address)
    if isinstance(parsed, IPv6Address):
        return str(ip_network((int(parsed), IPV6_PREFIX), strict=False))
    return str(parsed or address)


def client_address(peer: str, forwarded: str, trusted: tuple[Network, ...]) -> str:
    """Whose request it is: the peer, or behind trusted proxies the last address they vouch for.

    X-Forwarded-For is read from the right, since everything left of the first address that is no
    trusted proxy can be made up. `forwarded` is all such fields joined by commas: a proxy may add
    a line of its own below the one that a client made up.
    """
    address = peer
    for entry in reversed(forwarded.split(",")):
        if not within(address, trusted):
            break
        entry = entry.strip()
        if _parsed(entry) is None:
            break
        address = entry
    return address


def within(text: str, trusted: tuple[Network, ...]) -> bool:
    """Whether the address belongs to one of the networks."""
    address = _parsed(text) if trusted else None
    return address is not None and any(address in network for network in trusted)


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    """The address; IPv4 where it is mapped into IPv6 (RFC 4291 section 2.5.5.2)."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
