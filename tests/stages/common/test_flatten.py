"""Nested values by dotted names, in their order."""

from __future__ import annotations

import types

from stages.common.flatten import flatten

NESTED = {"a": {"b": 1, "c": {"d": None}}, "e": [2, {"f": 3}], "g": {}, "h": False, 4: "x"}


def test_leaves_have_dotted_names_and_lists_are_leaves() -> None:
    expected = {"a.b": 1, "a.c.d": None, "e": [2, {"f": 3}], "h": False, "4": "x"}
    assert list(flatten(NESTED).items()) == list(expected.items())
    assert flatten(types.MappingProxyType({"a": {"b": 1}})) == {"a.b": 1}


def test_items_of_lists_have_names_if_asked_for() -> None:
    expected = {"a.b": 1, "a.c.d": None, "e[0]": 2, "e[1].f": 3, "h": False, "4": "x"}
    assert flatten(NESTED, lists=True) == expected
    assert flatten([1, [2]], lists=True) == {"[0]": 1, "[1][0]": 2}


def test_a_value_that_is_no_mapping_is_one_leaf_without_a_name() -> None:
    assert flatten(3) == {"": 3}
    assert flatten({}) == {}
