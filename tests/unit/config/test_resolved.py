"""What is trained with holds the values that OmegaConf finds, wherever an interpolation stands."""

import pytest
from omegaconf import OmegaConf

from recipes.common.errors import UserError
from recipes.config.compose import resolved

CONFIGS = {
    "value": "a: 1\nb: ${a}\nc: ${b}",
    "in a text": "a: 1\nb: x${a}y${a}",
    "a later one": "b: ${a}\na: ${c}\nc: [1]",
    "section": "a: {x: 1, y: '${a.x}'}\nb: ${a}\nc: {d: '${b}'}",
    "counted from where a section stands": "b: {c: '${a}', z: 9}\na: {x: '${..z}', y: '${.x}'}\nz: 3",
    "list": "a: [1, '${b}', ['${a[0]}', {k: '${b}'}]]\nb: {c: 2}\nd: ${a}",
    "nothing": "a: null\nb: ${a}\nc: {}\nd: ${c}\ne: []",
    "resolver": "a: ${oc.decode:'[1, 2]'}\nb: ${oc.select:no,5}\nc: ${oc.dict.keys:d}\nd: {k: '${b}'}",
    "not given, and not asked for": "a: ???\nb: {c: '???'}",
    "numbers and words that look like one": "a: '1e-3'\nb: ${a}\nc: 'null'\nd: ${c}\ne: '\\${a}'",
}


@pytest.mark.parametrize("text", CONFIGS.values(), ids=CONFIGS)
def test_values_are_omegaconfs(text: str) -> None:
    config = OmegaConf.create(text)
    before = OmegaConf.to_yaml(config)
    found = resolved(config)
    assert OmegaConf.to_container(found) == OmegaConf.to_container(config, resolve=True)
    assert OmegaConf.to_yaml(config) == before, "the given config was changed"
    assert OmegaConf.is_struct(found), "a key that is none would be read as nothing"


@pytest.mark.parametrize("text", ["a: ???\nb: ${a}", "a: ???\nb: {c: [1, '${a}']}", "a: ???\nb: x${a}"])
def test_what_is_reckoned_from_a_value_that_is_not_given_asks_for_it(text: str) -> None:
    with pytest.raises(UserError, match=r"^a: is not given"):
        resolved(OmegaConf.create(text))


@pytest.mark.parametrize("text", ["a: ${no}", "b: [1, {a: '${oc.env:NO_SUCH_VARIABLE}'}]"])
def test_an_interpolation_without_a_value_is_named(text: str) -> None:
    with pytest.raises(UserError, match=r"a: has no value"):
        resolved(OmegaConf.create(text))
