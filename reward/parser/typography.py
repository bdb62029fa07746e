r"""Characters beyond ASCII and what LaTeX calls them."""

SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ", "0123456789+-n")
SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")

# characters: what all of them mean
SAME = {
    "−–—‒﹣－": "-",
    "’′‘´": "'",
    "×✕": r"\times ",
    "·⋅∙": r"\cdot ",
    "＜": "<",
    "＞": ">",
    "＝": "=",
    "≤⩽≦": r"\le ",
    "≥⩾≧": r"\ge ",
    "∅⌀": r"\emptyset ",
    "…⋯": r"\ldots ",
    "°º˚": r"^\circ ",
    "‖∥": r"\|",
    "：∶": ":",
    "\u00a0\u2009\u202f\u3000": " ",
    "\u200b": "",
    "。": ".",
    "￥": "¥",
}
# pairs: a character and what it means
SINGLE = {
    **{"÷": r"\div ", "±": r"\pm ", "∓": r"\mp ", "≠": r"\ne ", "≈": r"\approx ", "∞": r"\infty ", "∪": r"\cup "},
    **{"∩": r"\cap ", "∈": r"\in ", "√": r"\sqrt ", "π": r"\pi ", "∀": r"\forall ", "∃": r"\exists "},
    **{"∖": r"\setminus ", "∠": r"\angle ", "△": r"\triangle ", "⟨": r"\langle ", "⟩": r"\rangle "},
    **{"ℝ": r"\mathbb{R}", "ℤ": r"\mathbb{Z}", "ℕ": r"\mathbb{N}", "ℚ": r"\mathbb{Q}"},
    **{"½": r"\frac{1}{2}", "¼": r"\frac{1}{4}", "¾": r"\frac{3}{4}", "⅓": r"\frac{1}{3}", "⅔": r"\frac{2}{3}"},
    **dict(zip("（）［］，；％", "()[],;%", strict=True)),
}
LOWER = "alpha beta gamma delta epsilon zeta eta theta kappa lambda mu nu xi rho sigma tau phi chi psi omega"
UPPER = "Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega"
GREEK = dict(zip("αβγδεζηθκλμνξρστφχψωΓΔΘΛΞΠΣΦΨΩ", f"{LOWER} {UPPER}".split(), strict=True))

TO_LATEX = str.maketrans(
    {
        **{character: meaning for characters, meaning in SAME.items() for character in characters},
        **SINGLE,
        **{letter: rf"\{name} " for letter, name in GREEK.items()},
    }
)
