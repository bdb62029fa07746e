r"""Makes math-verify read percentages beside omegaconf.

omegaconf pins antlr4-python3-runtime to 4.9.x, so latex2sympy2_extended 1.11.0 loads its parser generated for 4.9.3.
Its converter asks an atom for FUNC_GAMMA before it looks for a percentage, but that parser's AtomContext has no such
accessor (the one generated for 4.13.2 has). math-verify swallows the AttributeError, and every correct `28\%` scores 0.
"""

from latex2sympy2_extended.antlr_parser import PSParser
from math_verify import parse, verify

PERCENTAGE = r"\boxed{28\%}"


def cure_antlr() -> None:
    r"""Define the missing accessor and assert that `\boxed{28\%}` parses and equals itself.

    Call it before the first parse: math-verify caches failures too.

    Raises RuntimeError, saying what to do, when percentages stay unreadable.
    """
    if not hasattr(PSParser.AtomContext, "FUNC_GAMMA"):
        # The grammar's own definition, as the generator writes it for 4.13.2.
        PSParser.AtomContext.FUNC_GAMMA = lambda self: self.getToken(PSParser.FUNC_GAMMA, 0)
    assert_percentages_parse()


def assert_percentages_parse() -> None:
    """Raises RuntimeError if math-verify cannot read a percentage (see the module's docstring)."""
    parsed = parse(PERCENTAGE, fallback_mode="no_fallback", parsing_timeout=None)
    if not parsed or not verify(parsed, parsed, timeout_seconds=None):
        raise RuntimeError(
            f"math-verify cannot read {PERCENTAGE}, so correct percentages would score 0. Install the versions this "
            "project pins (math-verify==0.9.0, latex2sympy2_extended==1.11.0, antlr4-python3-runtime==4.9.3); with "
            "others, compare the accessors latex2sympy2_extended calls with those its generated parser defines."
        )
