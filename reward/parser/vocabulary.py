r"""The words and commands that answers are made of, and what the grammar takes them for."""


def word_set(words: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(words.split())


# Functions everybody knows; a run of letters with one of these names is no product of symbols.
FUNCTIONS = word_set(
    "sin cos tan cot sec csc sinh cosh tanh coth arcsin arccos arctan arccot arcsec arccsc asin acos atan tg ctg cosec "
    "arctg arcctg sh ch th log ln lg exp sqrt gcd lcm max min floor ceil abs"
)
PLAIN_COMMANDS = FUNCTIONS | word_set("pi infty binom frac cup cap mod")
SPELLINGS = """
    infty: inf infinity oo
    tan: tg        cot: ctg       csc: cosec     sinh: sh     cosh: ch    tanh: th
    arcsin: asin   arccos: acos   arctan: atan arctg          arccot: arcctg   log10: lg
    binom: dbinom tbinom          operatorname: operatorname*
    le: leqslant leq leqq         ge: geqslant geq geqq       ne: neq      <: lt     >: gt
    and: land wedge               or: lor vee
    ldots: dots cdots dotsc dotsb dotso vdots
    vert: lvert rvert mid         Vert: lVert rVert
    {: lbrace      }: rbrace    [: lbrack    ]: rbrack  :: colon
    cdot: ast star bullet         cup: cupdot bigcup          cap: bigcap
    emptyset: varnothing          setminus: backslash smallsetminus
    phi: varphi                   epsilon: varepsilon         theta: vartheta
    circ: degree degrees          approx: simeq sim            mod: pmod bmod
"""


def _aliases(table: str) -> dict[str, str]:
    aliases, name = dict[str, str](), ""
    for word in table.split():
        if word.endswith(":") and word != ":":
            name = word[:-1]
        else:
            aliases[word] = name
    return aliases


ALIASES = _aliases(SPELLINGS)
TEXT_COMMANDS = word_set("text textbf textit textrm textsf textnormal mbox hbox mathrm rm operatorname emph")
# Runs of two or three letters that are words, not products of symbols, where they stand alone.
SHORT_WORDS = word_set(
    "and or odd yes no not the any all but one two six ten if is are of to in at by for day days man men max min only "
    "per sq cm mm km kg mg ft hr mph pct am pm an as be it on so"
)
# After a number, as in `35cm`; elsewhere `mm` may be m·m.
UNITS_AFTER_NUMBERS = word_set("cm mm km kg mg ml ft in yd lb oz hr mph rad deg pct min sec")

GREEK = word_set(
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi rho sigma tau upsilon phi chi psi omega "
    "Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega ell hbar odot ldots varrho mho Re Im partial"
)
ACCENTS = word_set(
    "overline bar hat dot ddot mathcal widehat tilde widetilde mathscr mathfrak underline overleftrightarrow"
)
# \mathbf{2340} is a number, \mathbf{x} and \vec{x} are x; but \overrightarrow{AB} is not A times B.
FONTS = word_set("mathbf boldsymbol bm pmb mathit mathsf vec overrightarrow")
FIGURES = word_set("angle triangle measuredangle odot")
# Followed by a parenthesis these are functions of the problem, whatever stands in it; other letters may be factors.
FUNCTION_LETTERS = word_set("f g h F G H P Q Gamma zeta delta phi psi")
SEVERAL_ARGUMENTS = word_set("gcd lcm max min")
NUMBER_SETS = frozenset("RZNQC")
CURRENCIES = "$€£¥"
MATRICES = word_set("pmatrix bmatrix matrix smallmatrix array Bmatrix")
SYSTEMS = word_set("cases dcases rcases aligned align alignedat gathered gather split")
COUNTING = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty"
)
NUMBER_WORDS = {word: value for value, word in enumerate(COUNTING.split())}

TENS = dict(
    zip(["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], range(20, 100, 10), strict=True)
)
BASES = {**NUMBER_WORDS, "hex": 16, "bin": 2, "oct": 8}

RELATIONS = word_set("= < > le ge ne approx in equiv notin")
SET_SIGNS = {"cup": "union", "cap": "intersection", "setminus": "difference"}
# They say how sure the writer is, not what the answer is: \text{only }x=0, \approx 8.24.
FILLERS = word_set("only approximately approx about roughly exactly just either both is")
# What may follow "for" where it speaks of free symbols.
DOMAIN_WORDS = word_set(
    "all any every each some integer integers positive nonnegative real natural arbitrary fixed constant"
)
# After a number these change what it says, so it is no number with a noun: joints, comparisons, doubts, denials.
NO_NOUNS = word_set(
    "and or nor xor more less fewer than at least most times to not no none if for where when with without unless but "
    "until minus plus over under through by from otherwise such that half is are was isnt arent either neither both "
    "else except maybe perhaps possibly probably versus vs about nearly almost only between before after ago above "
    "below up down left right wrong incorrect false impossible negative positive yes true against during because since "
    "while though although so then also instead rather too very as of on modulo divided multiplied"
)
NO_UNITS = word_set("e i d")
ATOM_OPENERS = frozenset(("(", "[", "{", r"\{", *CURRENCIES))
ATOM_COMMANDS = (
    FUNCTIONS | GREEK | ACCENTS | FONTS | FIGURES | word_set("frac sqrt binom pi infty lfloor lceil langle log10")
)
ATOM_COMMANDS |= word_set("mathbb Bbb emptyset")
