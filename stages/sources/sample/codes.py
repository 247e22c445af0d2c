"""The product types of the sample, and a check that a data file speaks of each of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

T = TypeVar("T", bound=Mapping[int, object])

# Listings of each code in the public training set: the sample keeps their proportions.
LISTINGS = {
    10: 3116, 40: 2508, 50: 1681, 60: 832, 1140: 2671, 1160: 3953, 1180: 764, 1280: 4870,
    1281: 2070, 1300: 5045, 1301: 807, 1302: 2491, 1320: 3241, 1560: 5073, 1920: 4303, 1940: 803,
    2060: 4993, 2220: 824, 2280: 4760, 2403: 4774, 2462: 1421, 2522: 4989, 2582: 2589, 2583: 10209,
    2585: 2496, 2705: 2761, 2905: 872,
}  # fmt: skip


def known(code: int) -> int:
    """`code`; raises ValueError when it is none of LISTINGS."""
    if code not in LISTINGS:
        raise ValueError(f"{code} is no product type; expected one of {_named(LISTINGS)}")
    return code


def complete(types: T) -> T:
    """`types`; raises ValueError when its keys are not the codes of LISTINGS."""
    if missing := LISTINGS.keys() - types.keys():
        raise ValueError(f"nothing for {_named(missing)}; expected an entry for every product type")
    for code in types:
        known(code)
    return types


def _named(codes: Iterable[int]) -> str:
    return ", ".join(str(code) for code in sorted(codes))
