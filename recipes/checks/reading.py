"""From what was composed to what is checked: a config whose every key can be read."""

from omegaconf import DictConfig

from recipes.checks import paths, sections, values
from recipes.common.errors import UserError
from recipes.config.compose import resolved


def readable(composed: DictConfig) -> DictConfig:
    """The config of a training resolved, its sections all there and its paths as verl reads them.

    Raises:
        UserError: a section was written over, a value is none that a key may have, or an interpolation has no value.
    """
    sections.check_sections(composed)
    try:
        found = resolved(composed)
    except UserError:
        values.check_given(composed)  # which says it better where one of these values is why
        raise
    paths.normalise(found)
    return found
