"""What counts as the same answer. Every pair is a case that made a rule necessary."""

import pytest

import reward.equivalence.antlr
from reward.equivalence.compare import Comparison, Task, compare, compare_cheaply
from reward.equivalence.normal_form import normal_form
from reward.scoring import score, score_many


def boxed(answer: str) -> str:
    return rf"The answer is $\boxed{{{answer}}}$."


EQUAL = {
    "text": [
        ("3+4j", "3+4i"),
        ("4 ㎡", r"4 \text{ m}^2"),
        ("“5”", '"5"'),
        ("`7`", "7"),
        (r"\textcolor{red}{7}", "{7}"),
        (r"\Rightarrow 7", "7"),
        (r"7 \checkmark", "7"),
        ("七", "7"),
        ("Fraction(1, 2)", r"\frac{1}{2}"),
        (r"y = 2x + 1 \quad (x \neq 1)", r"y = 2x + 1, x \neq 1"),
        ("2516_8", "2516_{8}"),
        ("5 ≤ x", r"5\leqslant x"),
        ("p^k(1-p)^{n-k}", "p^{k}(1-p)^{n-k}"),
        ("２５", "25"),
        (r"\left( 3, \frac{\pi}{2} \right)", r"\left(3,\frac{\pi}{2}\right)"),
        (r"\dfrac{1}{2}", "$\\frac{1}{2}$"),
        ("−3", "-3"),
        ("7.", "7"),
        (r"1\,000{,}000", "1000000"),
        ("½", r"\frac{1}{2}"),
        ("16π", r"16\pi"),
        ("-\x0crac{1}{2}", r"-\frac{1}{2}"),  # a lost backslash
        (r"\\frac{1}{2}", r"\frac{1}{2}"),
        ("x<sup>2</sup>", "x^{2}"),
        ("**7**", "7"),
    ],
    "integer": [
        ("1 000", "1000"),
        ("six", "6"),
        (r"\text{twenty-one}", "21"),
        ("one hundred and five", "105"),
        ("1,000", "1000"),
        ("25", "025"),
        ("10,080", r"10\,080"),
        ("1" + "0" * 4000, "0001" + "0" * 4000),
    ],
    "rational": [
        ("⅛", r"\frac18"),
        ("3 to 4", "3:4"),
        (r"\frac{3}{4}", "1 : (4/3)"),
        ("6:8", "3:4"),
        ("9/7", r"\frac97"),
        (r"1\frac{4}{5}", r"\frac{9}{5}"),
        ("2 1/2", r"\frac52"),
        (r"\frac{-3}{4}", r"-\frac34"),
        ("3(1/2)", r"\frac32"),
        (r"2(\frac13) + 1", r"\frac53"),
        ("1.444…", r"\frac{13}{9}"),
        (r"0.\dot2\dot7", r"\frac{3}{11}"),
        ("0.1666...", r"\frac16"),
        ("0.(3)", r"\frac13"),
        ("twenty-one hundredths", r"\frac{21}{100}"),
        ("two thirds", r"\frac23"),
        (r"\text{two-thirds}", r"\frac23"),
        ("5!", "120"),
        ("2^{10}", "1024"),
        (r"\lfloor 22/7 \rfloor", "3"),
        (r"0.\overline{3}", r"\frac13"),
    ],
    "decimal": [
        ("⌊3.7⌋", "3"),
        ("20:3", "6.67"),
        ("27", "27.0"),
        (r"\frac12", "0.5"),
        ("5.11e5", "511000"),
        (r"5.11 \times 10^{5}", "5.11e5"),
        ("5.11 x 10^5", "511000"),
        (r"28\%", "0.28"),
        (r"28\%", "28"),
        ("28 percent", r"28\%"),
        (r"\frac{1}{15}", r"6.67\%"),
        (r"\frac{1587}{52}", "30.52"),
        ("1/3", "0.333"),
        ("0.333333", r"\frac13"),
        ("2.187e6", "2.19e6"),
        ("7.48e7", "7.5e7"),
        ("1000,99", "1000.99"),
        (r"33\frac13\%", r"\frac13"),
        (r"12\frac12\%", r"12.5\%"),
        ("3 1/2%", "3.5"),
    ],
    "expression": [
        ("log10(100)", "2"),
        (r"{}_5C_2", "10"),
        (r"\lfloor x + 1 \rfloor", r"\lfloor x \rfloor + 1"),
        (r"\lfloor \frac{n+1}{2} \rfloor", r"\lceil \frac n2 \rceil"),
        (r"\binom{n}{k}", r"\frac{n!}{k!(n-k)!}"),
        ("10!!", "3840"),
        (r"C_{12}^{4}C_{8}^{4}C_{4}^{4}", "34650"),
        (r"\dbinom{5}{2}", "10"),
        (r"\sqrt{\frac1n}", r"\frac{1}{\sqrt n}"),
        ("(x+1)^2", "x^2+2x+1"),
        (r"\frac{\sqrt{2}}{2}", r"\frac{1}{\sqrt 2}"),
        (r"2\sin x\cos x", r"\sin 2x"),
        (r"\arccos(1-2a)", r"2 \arcsin \sqrt{a}"),
        (r"\tan^{-1} 2", r"\arctan 2"),
        ("4i+3", "3+4i"),
        (r"\frac{a-b}{b-a}", "-1"),
        (r"e^{2\ln 3}", "9"),
        (r"\dbinom{d}{k} \frac{(k-1)!}{2}", r"\frac{d!}{2k(d-k)!}"),
        (r"\frac{e^{2it}}{2+2i}", r"\frac{e^{2 i t}}{(2+2 i)}"),
        ("336", r"336^\circ"),
        (r"30^\circ", r"\frac{\pi}{6}"),
        (r"4.1231056256", r"\sqrt{17}"),
        ("np.arcsin(10/13)", r"\arcsin\frac{10}{13}"),
        (r"\log_{10} 2", r"\log 2"),
        ("2^n(n+1)", "(n+1)2^n"),
        ("e^x(x-1)+C", "(x-1)e^{x}+C"),
        ("∛8", "2"),
        (r"2\frac13^{\circ}", "7/3"),
        (r"30^\circ 15'", r"30.25^\circ"),
        (r"\frac1x(x+1)", r"1 + \frac1x"),
        (r"2\overrightarrow{b}+\vec{a}", r"\mathbf{a}+2\mathbf{b}"),
    ],
    "structure": [
        (r"12:00 \text{ noon}", r"12 \text{ p.m.}"),
        (r"1 \text{ mL}", r"1 \text{ cm}^3"),
        (r"1 \text{ gallon}", r"4 \text{ quarts}"),
        ("[1, 2, 3]", "3, 2, 1"),
        ("7个", "7"),
        (r"\{x \in \mathbb{Z} \mid 0 < x < 3\}", r"\{1, 2\}"),
        (r"\{x \in \mathbb{Z} \mid x > 1\}", r"\{n \in \mathbb{Z} \mid n > 1\}"),
        (r"5 \text{ square units}", r"5 \text{ cm}^2"),
        (r"\$5 \text{ profit}", r"\$5"),
        ("A(2, 3)", "(2, 3)"),
        (r"3 \text{ times}", "3"),
        ("BA = 5", "AB = 5"),
        (r"\angle CBA = 30^\circ", r"\angle ABC = 30^\circ"),
        (r"\angle B = 30^\circ", r"\angle ABC = 30^\circ"),
        (r"S_{BCA} = 5", r"S_{\triangle ABC} = 5"),
        (r"\text{Area} = 5", "S = 5"),
        (r"9.8 \text{ m} \cdot \text{s}^{-2}", r"9.8 \text{ m/s}^2"),
        ("(201)_{b}", "201_b"),
        (r"\frac{40}{3} \approx 13.33", r"\frac{40}{3} \approx 13.33 \text{ hours}"),
        (r"\frac{40}{3} \text{ hours}", r"\frac{40}{3} \approx 13.33 \text{ hours}"),
        (r"1,000,000 \text{ m}", r"1,000 \text{ km}"),
        (r"x = 500 \text{ cm}", r"x = 5 \text{ m}"),
        (r"x > 500 \text{ cm}", r"x > 5 \text{ m}"),
        ("0, 1", "x = 0, 1"),
        ("x = 7", "7"),
        ("7", "x = 7"),
        ("y = 2x + 3", "2x+3"),
        (r"\frac{35}{5} = 7", "7"),
        (r"x = \frac{1}{3} \approx 0.33", r"\frac13"),
        (r"1 + \sqrt2 \approx 2.41", r"1 + \sqrt{2}"),
        ("f(z) = z^2", "f(x) = x^2"),
        ("a + b = 7", "7"),
        (r"y=-\frac{1}{2}x+\frac{3}{4}", "2x+4y-3=0"),
        ("x^2/16 + y^2/12 = 1/4", "x^2/4 + y^2/3 = 1"),
        ("-4x^2 + 4x - 2", "y + 1 = -(2x - 1)^2"),
        ("-x > -1", "x < 1"),
        ("1, 5", "5,1"),
        (r"\{2, 1\}", r"\{1, 2\}"),
        ("2, 3", r"\{3, 2\}"),
        ("w=16, d=3, a=1, b=1", "16,3,1,1"),
        (r"7 \text{ and } -5", "-5,7"),
        ("Paolo: 18, Qing: 14, Rayna: 7", "7,14,18"),
        (r"3 + 2\sqrt{2}, 3 - 2\sqrt{2}", r"3 \pm 2\sqrt{2}"),
        ("(f(n), g(n)) = (n, 1)", "f(n)=n, g(n)=1"),
        ("(1,2)", "x=1, y=2"),
        ("p=5,q=2;p=7,q=2", "(5,2),(7,2)"),
        ("(-7,16,5)", r"\begin{pmatrix} -7 \\ 16 \\ 5 \end{pmatrix}"),
        (r"\begin{bmatrix}1&2\\3&4\end{bmatrix}", r"\begin{pmatrix}1&2\\3&4\end{pmatrix}"),
        (r"0.5 \leq x \leq 8", r"[\frac12, 8]"),
        (r"[\frac12, 8]", r"0.5 \leq x \leq 8"),
        ("[-2,7]", r"x \in [-2,7]"),
        (r"(-\infty, -2] \cup \{1\}", r"a \leqslant -2 \text{ or } a = 1"),
        (r"(-\infty, -6) \cup (-6, \frac32)", r"\{x | x < \frac{3}{2}\} - \{-6\}"),
        (r"(-\infty,1)\cup(1,\infty)", r"x \neq 1"),
        (r"[-\frac32,-1]\cup[1,\frac32]", r"1\leq|z|\leq \frac{3}{2}"),
        ("10", r"10\text{ cm}"),
        (r"10\text{ cm}", "10"),
        (r"1 \text{ m}", r"100 \text{ cm}"),
        (r"90 \text{ minutes}", "1.5 hours"),
        ("5.4", r"5.4 \text{ cents}"),
        (r"\$1.65", "1.65 dollars"),
        ("21 animals", "21"),
        ("21 small dogs", "21 dogs"),
        ("15", "15th Day"),
        (r"n\pi", r"x = k\pi"),
        (r"(-32 + 3t, 64 - 5t) \text{ for some integer } t", r"(k, \ell) = (-32 + 3x, 64 - 5x)"),
        ("0.6", r"P(0 < \xi < 6) = 0.6"),
        (r"\$2\frac34", "2.75"),
        ("15:30", "3:30 PM"),
        ("8:20", "8:20 a.m."),
        (r"6 \text{ women and } 5 \text{ men}", r"5 \text{ men and } 6 \text{ women}"),
        ("5, 6", "(a) 5 (b) 6"),
        ("2 hours 12 minutes", "132 minutes"),
        ("2.2 hours", r"2 \text{ hours and } 12 \text{ minutes}"),
        ("66 inches", "5 feet 6 inches"),
        (r"\begin{aligned} x &= 7 \end{aligned}", "7"),
        (r"\begin{cases} x = 2 \\ y = 3 \end{cases}", "(2,3)"),
        ("y=3, x=2", "(2,3)"),
        (
            r"\begin{cases} 0 & x \le 0 \\ x+1 & \text{if } x>0 \end{cases}",
            r"\begin{cases} x+1 & x>0 \\ 0 & x\le 0\end{cases}",
        ),
        ("(1,0),(-1,0)", r"(\pm1,0)"),
        ("1,234, 5,678", "1234, 5678"),
        ("5厘米", "5"),
        ("1或-2", "-2, 1"),
        ("1、-2", "-2, 1"),
        (r"1011_{\text{two}}", "1011_2"),
        (r"x \equiv 10 \pmod 7", r"3 \pmod{7}"),
        (r"5\,\Omega", "5"),
        ("3", "2x = 6"),
        (r"\lVert v \rVert = 10-2\sqrt{5}", r"10-2\sqrt5"),
    ],
    "text answer": [
        (r"\text{DNE}", r"\text{does not exist}"),
        (r"\text{one half}", r"\frac12"),
        (r"\text{noon}", r"12:00 \text{ p.m.}"),
        (r"\text{Monday}", "the monday"),
        ("Petya", "Petya will receive the last token."),
        ("odd", "The transformed function $f(x+1)-1$ is odd."),
        ("[0, 3)", "The range of values for a is $0 \\leq a < 3$"),
        (r"\text{(C)}\ 17", "C"),
        ("Yes", "Yes, it is possible"),
        ("odd number", r"\text{odd numbers}"),
        (r"(-\infty, \infty)", r"\text{all real numbers}"),
        (r"\text{no solution}", r"\emptyset"),
    ],
}
DIFFERENT = [
    (r"\{x \in \mathbb{N} \mid x < 3\}", r"\{x \in \mathbb{Z} \mid x < 3\}"),
    (r"\{x \in \mathbb{Z} \mid x > 1\}", r"\{x \mid x > 1\}"),
    (r"\{x \in \mathbb{Z} \mid 0 < x < 3\}", r"\{1, 2, 3\}"),
    (r"5 \text{ mmol}", r"5 \text{ mol}"),
    (r"5 \text{ hectares}", r"5 \text{ acres}"),
    (r"5 \text{ miles}", r"5 \text{ blocks}"),
    ("A(2, 3), B(4, 5)", "A(4, 5), B(2, 3)"),
    (r"y = 2x + 1 \quad (x \neq 1)", r"y = 2x + 1, x \neq 2"),
    # names that both say more than a letter
    (r"\frac{dy}{dx} = 2x", "y = 2x"),
    (r"\frac{d^2y}{dx^2} = 2x", r"\frac{dy}{dx} = 2x"),
    (r"\bar{x} = 5", "x = 5"),
    (r"M_{\max} = 5", r"M_{\min} = 5"),
    ("v_x = 5", "v_y = 5"),
    (r"S_{\triangle ABC} = 5", r"S_{\triangle ABD} = 5"),
    ("AB = 5", "AC = 5"),
    (r"\angle ABC = 30^\circ", r"\angle ABD = 30^\circ"),
    (r"\text{mean} = 5", r"\text{median} = 5"),
    ("E(X) = 5", "E(Y) = 5"),
    # of real numbers, not of integers
    (r"\lfloor x \rfloor", "x"),
    (r"\lfloor x \rfloor", r"\lceil x \rceil"),
    (r"p \land q", r"p \lor q"),
    ("201_b", "201_4"),
    (r"\frac{40}{3} \approx 13.33 \text{ minutes}", r"\frac{40}{3} \approx 13.33 \text{ hours}"),
    (r"x = \frac{40}{3} \approx 13.33 \text{ minutes}", r"\frac{40}{3} \text{ hours}"),
    (r"1,000 \text{ m}", r"1,000 \text{ km}"),  # no list whose second part is 0 m
    (r"\log|x| + 1", r"\log x + 1"),  # for negative x only one has a value
    (r"\sin^2x + \cos^2x = 1", r"\sin 2x = 2\sin x\cos x"),  # two identities
    (r"12:00 \text{ noon}", r"12:00 \text{ a.m.}"),
    (r"V = 100 \text{ cm}^4", r"V = 100 \text{ cm}^3"),
    (r"x = 5 \text{ cm}", r"x = 5 \text{ m}"),
    (r"x > 5 \text{ cm}", r"x > 5 \text{ m}"),
    (r"|x| = 0, \frac{\pi}{2}", r"x = 0, \frac{\pi}{2}"),
    ("2x = 0, 4", "x = 0, 4"),
    (r"|y| = c_1 x + c_2 \ln x", r"y = c_1 x + c_2 \ln x"),
    ("$a=(1,2)$ $b=(3,5)$", "$a=(1,7)$ $b=(3,5)$"),
    ("$w(1)=(1,2)$ $w(2)=(3,5)$", "$w(1)=(1,7)$ $w(2)=(3,5)$"),
    ("a_1 = a_7 = 2", "a_1 = a_2 = 2"),
    (r"a_n = \frac32 + (n-1)(-1) = \frac53 - n", r"a_n = \frac23 + (n-1)(-1) = \frac53 - n"),
    ("P(X < 6 - m) = 1 - a", "P(X > 6 - m) = 1 - a"),
    ("f(x) = cx where |c| < 1", r"f(x) = cx where |c| \leq 1"),
    ("17.5C", "17.5c"),
    (r"f(n) = n \text{ for all } n \in \mathbf{Z}_{-}", r"f(n) = n \text{ for all } n \in \mathbf{Z}_{+}"),
    (r"n < 3, n \equiv 0 \text{ or } 2 \pmod 3", r"n > 3, n \equiv 0 \text{ or } 2 \pmod 3"),
    ("1  2", "12"),
    ("21 cats", "21 dogs"),
    ("3(1/2)", r"\frac72"),
    (r"11\%", r"33\frac13\%"),
    (r"\$2\frac34", "1.5"),
    ("6:15 a.m.", "8:20 a.m."),
    (r"5:30 \text{ A.M.}", r"5:30 \text{ P.M.}"),
    ("5 a.m.", "5 p.m."),
    ("10:25", "2:05"),
    (r"6 \text{ men and } 5 \text{ women}", r"5 \text{ men and } 6 \text{ women}"),
    ("(a) 30 (b) 1", "(a) 5 (b) 6"),
    ("6, 5", "(a) 5 (b) 6"),
    ("y=3, x=2", "(3,2)"),
    ("(C) or (D)", "C"),
    ("(C) (D)", "C"),
    ("(C) is incorrect", "C"),
    ("yes or no", "yes"),
    ("Yes, but no", "yes"),
    ("Yes", "Yes only when n is even"),
    ("f(x)=|x|", "f(x)=x"),
    ("y>|x|", "y>x"),
    ("|z|=1", "z=1"),
    (r"f(x)=\max(x,0)", "f(x)=x"),
    ("|x|+|y|=1", "x+y=1"),
    ("f(x+1)=2x", "f(x)=2x"),
    ("f'(x)=2x", "f(x)=2x"),
    ("f(-x)=2x", "f(x)=2x"),
    ("g(x)=2x", "f(x)=2x"),
    ("P:Q=2:3", "Q:P=2:3"),
    ("n = 4", "m = 4"),
    (r"k\pi, k \in \mathbb{N}", r"k\pi, k \in \mathbb{Z}"),
    (r"(2k\pi, 2k\pi + 1), k \in \mathbb{R}", r"(2k\pi, 2k\pi + 1), k \in \mathbb{Z}"),
    ("2.3", "2,3"),
    ("1,500", "1.5"),
    ("1.234", "1,234"),
    ("x(y-2x-1)=0", "y=2x+1"),
    ("(y-2x-1)(y-7)=0", "y=2x+1"),
    (r"5\% \text{ increase}", r"5\% \text{ decrease}"),
    (r"5 \text{ tenths}", "5"),
    (r"5 \text{ squared}", "5"),
    (r"5 \text{ lakhs}", "5"),
    (r"45 \text{ rad}", r"45^\circ"),
    (r"\text{twenty-one}", "19"),
    ("two thirds", "2"),
    ("IV", "VI"),
    ("HTH", "HHT"),
    (r"\{\emptyset\}", r"\emptyset"),
    ("5!!", "120!"),
    (r"\{\{1\}\}", r"\{1\}"),
    ("x>1", r"\sigma>1"),
    ("5 = x = 6", "6"),
    ("6", "2x = 6"),
    ("2x = 6", "6"),
    ("a + 1 = a + 1", "(a+b)^2=a^2+2ab+b^2"),
    (r"x\le 2 \text{ and } x \ge 5", r"x\le 2 \text{ or } x \ge 5"),
    ("8 = 7", "7"),
    ("29\\%", "28\\%"),
    ("28", "0.28"),
    ("1 2", "12"),
    ("-7", "7"),
    ("(2, 1)", "(1, 2)"),
    ("[1,2]", "(1,2)"),
    (r"\{1,2\}", "(1,2)"),
    ("7, 8", "7"),
    ("1,2,2,3", "1,2,3"),
    ("0.33", r"\frac13"),
    ("1/3", "0.33"),
    ("0.3333", r"\frac13"),
    ("85.71", r"\frac{600}{7}"),
    ("92.59", "92.5857658508735"),
    ("0.51", "0.5"),
    ("27.04", "27.0"),
    ("1e-7", "4e-7"),
    (r"\frac{1}{2006!}", r"\frac{1}{2004!}"),
    (r"\frac{1}{3 \cdot 2^{2006}}", r"\frac{2^{2005}+1}{3 \cdot 2^{2006}}"),
    (r"\sqrt{4^{2012}+4}", r"\sqrt{4^{2012}+1}"),
    ("2516", "2516_8"),
    ("2516_8", "2516"),
    (r"10\text{ m}", r"10\text{ cm}"),
    ("10 m", r"10\text{ cm}"),
    ("8:34 am", "8:34 p.m."),
    ("1:00", "12:00"),
    (r"15 \text{ cm}", r"15 \text{ cm}^2"),
    ("5 or more", "5"),
    ("20", r"\text{June 20}"),
    ("x^2+2x", "x^2+2x+1"),
    ("q-p", "p - q"),
    ("2R", "2r"),
    ("2k", "2n"),
    ("y = 4", "x = 4"),
    ("a_4 = 1", "a_3 = 1"),
    ("f(3) = 1", "f(2) = 1"),
    ("f(1) < f(4) < f(2)", "f(2) < f(1) < f(4)"),
    ("1", "2x + z = 1"),
    ("3x + 4y + 14=0", "3*x-1*y+13=0"),
    (r"x \le 3", "x < 3"),
    ("x < 3", "|x| < 3"),
    ("2021", r"\pm 2021"),
    (r"(0,3)", r"(0,1)\cup(2,3)"),
    (r"f(x) = cx \text{ where } |c| \leq 5", r"f(x) = cx \text{ where } |c| \leq 1"),
    ("I think 7", "7"),
    (r"\text{Tuesday}", r"\text{Monday}"),
    ("triangle", "right triangle"),
    ("isosceles", "The triangle is not isosceles"),
    ("Vasya", "Petya wins"),
    ("(D)", "C"),
    ("(0, 1)", r"\text{the interval } [0, 1]"),
    (r"4\sqrt(2)", "4"),
    ("2^{n(n+1)}", "2^n(n+1)"),
    (r"\frac{1}{x(x+1)}", r"\frac1x(x+1)"),
]


@pytest.mark.parametrize(
    ("tier", "answer", "gold"), [(tier, *pair) for tier, pairs in EQUAL.items() for pair in pairs], ids=repr
)
def test_equal_answers_score_one(tier: str, answer: str, gold: str) -> None:
    found = compare(answer, gold)
    assert (found.outcome, found.tier) == ("ok", tier)


@pytest.mark.parametrize(("answer", "gold"), DIFFERENT, ids=repr)
def test_different_answers_score_zero(answer: str, gold: str) -> None:
    verdict = score(boxed(answer), gold)
    assert (verdict.score, verdict.acc, verdict.pred, verdict.status) == (0.0, 0.0, answer, "wrong")


@pytest.mark.parametrize(
    ("answer", "gold"),
    [
        (r"F_n = \sum_{k=0}^{n-1} F_{n-k-1} F_k", r"F_n = \sum_{k=0}^{n-1} F_k F_{n-k-1}"),
        (r"\int_0^1 x \, dx", r"\frac{1}{2}"),
        (r"\begin{pmatrix}1 & 2 \\ 3 & 4\end{pmatrix} + I", r"\begin{pmatrix}1 & 2 \\ 3 & 4\end{pmatrix} + I"),
    ],
    ids=repr,
)
def test_what_nothing_else_reads_goes_to_math_verify(answer: str, gold: str) -> None:
    found = compare(answer + " ", gold)
    assert found.outcome == "ok"
    assert found.tier in ("math-verify", "text")


@pytest.mark.parametrize(
    ("answer", "gold"),
    [
        (r"6 \text{ cm} \times 7 \text{ cm}", "6"),
        ("2/3/5", "2:3:5"),
        ("6_a", "6"),
        ("(201)_{1}", "(201)_{4}"),  # there is no base 1
        ("1/2/2020", "2/1/2020"),
        ("2020-12-06", "2002"),
        (r"\mathbf{a}\times\mathbf{b}", r"\mathbf{b}\times\mathbf{a}"),
        (r"\frac{d}{dx}x^2", "x"),
        ("5 of the 6", "5"),
        (r"1 \text{p.} 17 \text{k.}", r"1 \text{p.} 10 \text{k.}"),
        (r"\sum_{k=1}^{3} k = 7", "7"),
        (r"5 \text{ or so}", "5"),
    ],
    ids=repr,
)
def test_what_is_not_understood_completely_is_never_a_number(answer: str, gold: str) -> None:
    assert compare(answer, gold).outcome in ("unparsable", "wrong")
    assert compare(answer, answer + " ").outcome == "ok"


def test_a_number_inside_something_unreadable_is_not_picked_out() -> None:
    verdict = score(boxed(r"\frac{7}{1} @@ or so"), "7")
    assert (verdict.score, verdict.status) == (0.0, "unparsable")


@pytest.mark.parametrize(
    ("answer", "gold", "task", "outcome"),
    [
        ("166", "$166$", Task(unit="$cm^2$"), "ok"),
        (r"166 \text{ cm}^2", "$166$", Task(unit="$cm^2$"), "ok"),
        (r"166 \text{ m}^2", "$166$", Task(unit="$cm^2$"), "wrong"),
        (r"480 \text{ s}", "8", Task(unit="min"), "ok"),
        (r"4.2\%", "4.2", Task(unit="%"), "ok"),
        ("0.042", "4.2", Task(unit="%"), "ok"),
        ("90", "$90$", Task(unit=r"^{\circ}"), "ok"),
        (r"4.29\%", "4.2", Task(unit="%", tolerance=0.1), "ok"),
        ("4.1", "4.2", Task(tolerance=0.1), "ok"),
        ("4.31", "4.2", Task(unit="%", tolerance=0.1), "wrong"),
        (r"\sqrt{17}", "4.2", Task(tolerance=0.1), "ok"),
        ("108,135,189", "189, 135, 108", Task(multiple=True), "ok"),
        ("108135189", "108,135,189", Task(multiple=True), "wrong"),
        ("108135189", "108,135,189", Task(), "ok"),
    ],
    ids=repr,
)
def test_a_task_says_what_the_gold_leaves_out(answer: str, gold: str, task: Task, outcome: str) -> None:
    assert compare(answer, gold, task).outcome == outcome


@pytest.mark.parametrize("tolerance", [0.0, -1.0, float("nan"), float("inf")])
def test_a_tolerance_is_a_positive_number(tolerance: float) -> None:
    with pytest.raises(ValueError, match="must be a positive number"):
        Task(tolerance=tolerance)


def test_a_comparison_tells_what_was_compared() -> None:
    found = compare(r"x = \frac{2}{4} \text{ cm}", "0.5")
    assert found == Comparison("ok", "structure", answer_form="1/2", gold_form="1/2")
    assert compare(r"\text{The Monday}", "Monday").answer_form == "monday"


def test_equal_answers_have_one_normal_form() -> None:
    for forms in (
        (r"\frac{1}{2}", "0.5", r"x = \frac{3}{6}", "0.50", r"\frac12\text{ cm}"),
        ("1, 5", "5,1", r"\{5, 1\}", "x=1, x=5"),
        (r"90^\circ", "90", "90.0"),
        ("b+a", "a + b"),
    ):
        assert len({normal_form(text) for text in forms}) == 1, forms


def test_any_of_several_accepted_answers_is_right() -> None:
    golds = [r"\frac{1}{2}", "3", r"28\%"]
    verdicts = score_many([(boxed("0.5"), golds), (boxed("3"), golds), (boxed(r"28\%"), golds), (boxed("4"), golds)])
    assert [verdict.score for verdict in verdicts] == [1.0, 1.0, 1.0, 0.0]


def test_an_unreadable_gold_does_not_hide_a_readable_one() -> None:
    assert score(boxed("7"), ["@@", "7.0"]).status == "ok"
    assert score(boxed("8"), ["@@", "7.0"]).status == "wrong"
    assert score(boxed("8"), ["@@"]).status == "unparsable"


def test_a_scorer_that_cannot_read_percentages_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reward.equivalence.antlr, "parse", lambda *_, **__: [])
    with pytest.raises(RuntimeError, match="Install the versions"):
        reward.equivalence.antlr.cure_antlr()


def test_points_where_both_vanish_tell_nothing() -> None:
    """C(n, k + 8) and C(n, k + 9) are both 0 at every small n: that is no reason to pay the one for the other."""
    assert compare_cheaply(r"\binom{n}{k+9}", r"\binom{n}{k+8}") is None
    found = compare_cheaply(r"\frac{n!}{k!(n-k)!}", r"\binom{n}{k}")
    assert found is not None
    assert found.outcome == "ok"
