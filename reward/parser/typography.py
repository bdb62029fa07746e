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
    "“”": '"',
}
# pairs: a character and what it means
SINGLE = {
    **{"÷": r"\div ", "±": r"\pm ", "∓": r"\mp ", "≠": r"\ne ", "≈": r"\approx ", "∞": r"\infty ", "∪": r"\cup "},
    **{"∩": r"\cap ", "∈": r"\in ", "√": r"\sqrt ", "π": r"\pi ", "∀": r"\forall ", "∃": r"\exists "},
    **{"⌊": r"\lfloor ", "⌋": r"\rfloor ", "⌈": r"\lceil ", "⌉": r"\rceil ", "∛": r"\sqrt[3]", "∜": r"\sqrt[4]"},
    **{"∖": r"\setminus ", "∠": r"\angle ", "△": r"\triangle ", "⟨": r"\langle ", "⟩": r"\rangle "},
    **{"ℝ": r"\mathbb{R}", "ℤ": r"\mathbb{Z}", "ℕ": r"\mathbb{N}", "ℚ": r"\mathbb{Q}"},
    **{"½": r"\frac{1}{2}", "¼": r"\frac{1}{4}", "¾": r"\frac{3}{4}", "⅓": r"\frac{1}{3}", "⅔": r"\frac{2}{3}"},
    **{"⅛": r"\frac{1}{8}", "⅜": r"\frac{3}{8}", "⅝": r"\frac{5}{8}", "⅞": r"\frac{7}{8}"},
    **{"⅕": r"\frac{1}{5}", "⅖": r"\frac{2}{5}", "⅗": r"\frac{3}{5}", "⅘": r"\frac{4}{5}", "⅙": r"\frac{1}{6}"},
    **{"⅚": r"\frac{5}{6}", "㎝": r"\text{ cm}", "㎜": r"\text{ mm}", "㎞": r"\text{ km}", "㎏": r"\text{ kg}"},
    **{"㎡": r"\text{ m}^2", "㎠": r"\text{ cm}^2", "㎥": r"\text{ m}^3", "㎤": r"\text{ cm}^3", "µ": r"\mu "},
    **dict(zip("（）［］｛｝，；％＋．／＊｜、", "()[]{},;%+./*|,", strict=True)),
    **{chr(0xFF10 + digit): str(digit) for digit in range(10)},
    **{
        chr(wide): chr(wide - 0xFEE0)
        for first, last in (("Ａ", "Ｚ"), ("ａ", "ｚ"))
        for wide in range(ord(first), ord(last) + 1)
    },
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

# Chinese, as far as answers use it: joints between values, and units after a number; longer words first.
NUMERALS = {character: str(value) for value, character in enumerate("零一二三四五六七八九十")}
JOINTS = {"或者": "or", "或": "or", "以及": "and", "和": "and", "与": "and", "且": "and"}
CHINESE_UNITS = {
    **{
        "平方厘米": "cm^2",
        "平方分米": "dm^2",
        "平方千米": "km^2",
        "平方米": "m^2",
        "立方厘米": "cm^3",
        "立方米": "m^3",
    },
    **{"厘米": "cm", "毫米": "mm", "分米": "dm", "千米": "km", "公里": "km", "米": "m"},
    **{"千克": "kg", "公斤": "kg", "克": "g", "吨": "tons", "毫升": "ml", "升": "liters"},
    **{
        "小时": "hours",
        "分钟": "minutes",
        "秒": "seconds",
        "天": "days",
        "周": "weeks",
        "个月": "months",
        "年": "years",
    },
    **{"个": "items", "人": "people", "元": "yuan", "美元": "dollars", "度": "degrees"},
}
