r"""Units of measurement, as far as answers use them.

10 cm is not 10 m, 100 cm is 1 m, and 5.4 cents are $0.054. A unit or a noun that only one side states is left out:
problems ask "how many centimetres?", "how many dogs?". Two different ones are two different answers.
"""

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

# name of the dimension: {spellings: how many of the base unit}
TABLE: dict[str, dict[str, str]] = {
    "length": {
        "m meter meters metre metres": "1",
        "km kilometer kilometers kilometre kilometres": "1000",
        "dm decimeter decimeters": "1/10",
        "cm centimeter centimeters centimetre centimetres": "1/100",
        "mm millimeter millimeters millimetre millimetres": "1/1000",
        "nm nanometer nanometers": "1/1000000000",
        "in inch inches": "254/10000",
        "ft foot feet": "3048/10000",
        "yd yard yards": "9144/10000",
        "mi mile miles": "1609344/1000",
    },
    "time": {
        "s sec secs second seconds": "1",
        "ms millisecond milliseconds": "1/1000",
        "min mins minute minutes": "60",
        "h hr hrs hour hours": "3600",
        "day days": "86400",
        "week weeks": "604800",
    },
    "long time": {"month months": "1", "year years yr yrs": "12"},
    "mass": {
        "g gram grams": "1",
        "mg milligram milligrams": "1/1000",
        "kg kilogram kilograms": "1000",
        "ton tons tonne tonnes": "1000000",
    },
    "weight": {"oz ounce ounces": "1", "lb lbs pound pounds": "16"},
    "volume": {"l L liter liters litre litres": "1", "ml mL milliliter milliliters": "1/1000"},
    "liquid": {"gallon gallons gal": "4", "quart quarts qt": "1", "pint pints pt": "1/2"},
    "dollar": {"dollar dollars $ usd": "1", "cent cents ¢": "1/100"},
    "euro": {"euro euros € eur": "1"},
    "pound": {"£": "1"},
    "yuan": {"yuan ¥ rmb": "1"},
    "temperature C": {"celsius": "1"},
    "temperature F": {"fahrenheit": "1"},
    "force": {"N newton newtons": "1"},
    "energy": {
        "J joule joules": "1",
        "kJ kilojoule kilojoules": "1000",
        "kWh": "3600000",
        "eV": "1602176634/10000000000000000000000000000",
    },
    "power": {"W watt watts": "1", "kW": "1000"},
    "voltage": {"V volt volts": "1"},
    "current": {"A ampere amperes amp amps": "1"},
    "substance": {"mol moles mole": "1", "mmol": "1/1000"},
    "frequency": {"Hz hertz": "1"},
    "kelvin": {"K kelvin kelvins": "1"},
    "resistance": {"Omega ohm ohms": "1", "kOmega": "1000"},
    "pressure": {"Pa pascal pascals": "1", "kPa": "1000", "atm": "101325"},
    "charge": {"coulomb coulombs": "1"},
    "heat": {"cal calorie calories": "1", "kcal": "1000"},
    "morning": {"am a.m": "1"},
    "afternoon": {"pm p.m": "1"},
}
COMPOUND = {
    "hectare": "10000 m^2",
    "hectares": "10000 m^2",
    "ha": "10000 m^2",
    "mph": "mile/hour",
    "kph": "km/hour",
    "kmh": "km/hour",
    "acre": "43560 foot^2",
    "acres": "43560 foot^2",
}
POWERS = {"square": 2, "sq": 2, "squared": 2, "cubic": 3, "cu": 3, "cubed": 3}
NAMES = {
    spelling: (dimension, Fraction(factor))
    for dimension, units in TABLE.items()
    for spellings, factor in units.items()
    for spelling in spellings.split()
}
UNIT_NAMES = frozenset(name.lower() for name in (*NAMES, *COMPOUND, *POWERS))
MULTIPLIERS = {
    **{"hundred": 10**2, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12, "dozen": 12},
    **{"lakh": 10**5, "lakhs": 10**5, "crore": 10**7, "crores": 10**7, "tens": 10, "dozens": 12},
    **{"hundreds": 10**2, "thousands": 10**3, "millions": 10**6, "billions": 10**9, "trillions": 10**12},
}
# 5 tenths, three quarters
PARTS = {
    **{"half": 2, "halves": 2, "third": 3, "thirds": 3, "quarter": 4, "quarters": 4, "fourth": 4, "fourths": 4},
    **{"fifth": 5, "fifths": 5, "sixth": 6, "sixths": 6, "seventh": 7, "sevenths": 7, "eighth": 8, "eighths": 8},
    **{"ninth": 9, "ninths": 9, "tenth": 10, "tenths": 10, "twelfth": 12, "twelfths": 12},
    **{"hundredth": 100, "hundredths": 100, "thousandth": 1000, "thousandths": 1000},
    **{"millionth": 10**6, "millionths": 10**6},
}
PERCENT_WORDS = frozenset(("percent", "pct", "percentage", "percents"))
DEGREE_WORDS = frozenset(("degree", "degrees", "deg"))


@dataclass(frozen=True)
class Unit:
    """A known unit: `factor` base units of `dimensions`, pairs (name, exponent)."""

    factor: Fraction
    dimensions: tuple[tuple[str, int], ...]


def known(word: str) -> tuple[str, Fraction] | None:
    """Dimension and factor of one word; letter case matters only where there is no other spelling (m, M)."""
    return NAMES.get(word) or (NAMES.get(word.lower()) if len(word) > 1 else None)


@lru_cache(maxsize=1024)
def read_unit(text: str) -> Unit | None:
    r"""The unit `text` names, None if a part of it is unknown: "cm ^ 2", "km / h", "meters per second", "sq ft"."""
    factor, dimensions = Fraction(1), dict[str, int]()
    direction, pending = 1, 1
    words = text.replace("^", " ^ ").replace("/", " / ").split()
    position = 0
    while position < len(words):
        word = words[position]
        position += 1
        if word in ("/", "per"):
            direction = -1
            continue
        if word in POWERS and word not in ("squared", "cubed"):
            pending = POWERS[word]
            continue
        unit = read_unit(COMPOUND[word.lower()]) if word.lower() in COMPOUND else _one(word)
        if unit is None:
            return None
        exponent, position = _exponent(words, position, pending)
        for name, power in unit.dimensions:
            dimensions[name] = dimensions.get(name, 0) + direction * exponent * power
        factor *= unit.factor ** (direction * exponent)
        pending = 1
    kept = tuple(sorted((name, power) for name, power in dimensions.items() if power))
    return Unit(factor, kept) if kept else None


def _one(word: str) -> Unit | None:
    if word.isdecimal() and len(word) < 9 and int(word):
        return Unit(Fraction(int(word)), ())
    found = known(word)
    if found and found[0] == "volume":
        return Unit(found[1] / 1000, (("length", 3),))  # 1000 litres are a cubic metre
    return Unit(found[1], ((found[0], 1),)) if found else None


def _exponent(words: list[str], position: int, pending: int) -> tuple[int, int]:
    """The exponent that follows a unit, and where reading goes on."""
    following = words[position + 1] if words[position : position + 1] == ["^"] and len(words) > position + 1 else ""
    if re.fullmatch(r"-?[1-9]", following):
        return int(following), position + 2
    if len(words) > position and words[position] in ("squared", "cubed"):
        return POWERS[words[position]], position + 1
    return pending, position
