"""Declarations of parameters."""

from __future__ import annotations

import pytest

from fasterapi import Body, Cookie, Header, Path, Query, _options, params


def test_functions_give_the_declarations() -> None:
    assert isinstance(Path(), params.Path)
    assert isinstance(Query("x"), params.Query)
    assert isinstance(Header(), params.Header)
    assert isinstance(Cookie(), params.Cookie)
    assert isinstance(Body(), params.Body)


def test_declarations_keep_what_was_said() -> None:
    query = params.Query(3, ge=1, alias="n", description="how many")
    assert (query.default, query.ge, query.alias, query.description, query.lt) == (3, 1, "n", "how many", None)
    assert params.Header().convert_underscores is True
    assert params.Header(convert_underscores=False).convert_underscores is False
    assert params.Body(embed=True).embed is True
    assert repr(params.Query(3)) == "Query(3)"
    assert repr(params.Query()) == "Query()"


def test_the_validation_alias_goes_before_the_alias() -> None:
    assert params.Query(alias="a", validation_alias="v").alias == "v"


def test_unknown_options_are_refused() -> None:
    with pytest.raises(TypeError, match=r"Query\(\) got an unexpected keyword argument 'embed'"):
        params.Query(embed=True)  # type: ignore[call-arg]


def test_a_default_and_a_factory_exclude_each_other() -> None:
    with pytest.raises(TypeError, match="not both"):
        params.Query(1, default_factory=int)


def test_path_parameters_have_no_default() -> None:
    with pytest.raises(TypeError, match="cannot have a default"):
        params.Path(1)


def test_regex_is_the_old_name_of_pattern() -> None:
    with pytest.warns(DeprecationWarning, match="use `pattern`"):
        params.Query(regex="^a$")


def test_type_checkers_know_the_options() -> None:
    assert _options.ParamOptions.__optional_keys__ == params.OPTION_NAMES
    assert _options.HeaderOptions.__optional_keys__ == params.OPTION_NAMES | params.Header.extra_options
    assert _options.BodyOptions.__optional_keys__ == params.OPTION_NAMES | params.Body.extra_options


def test_attributes_that_are_no_options_do_not_exist() -> None:
    with pytest.raises(AttributeError):
        _ = params.Query().nothing
