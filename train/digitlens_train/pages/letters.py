"""Letters and signs as pen strokes, and words to write with them.

Coordinates are hundredths of a digit's height: y is 0 at the top of capitals and digits, 100 at
the baseline. Strokes are separated by "|"; those that begin with "~" are round.
"""

from functools import cache

import numpy as np

from digitlens_train.strokes import Points

_STROKES = {
    "a": "~55,52 22,45 0,74 20,100 48,85 56,52|55,48 55,92 66,100",
    "b": "0,0 0,100|~0,66 30,46 54,72 30,100 0,90",
    "c": "~50,55 25,45 0,72 25,100 52,92",
    "d": "~52,55 20,46 0,75 20,100 52,84|52,0 52,100",
    "e": "~0,72 46,68 26,45 0,72 25,100 52,90",
    "f": "~52,8 36,0 22,20 22,100|0,48 46,48",
    "g": "~50,55 20,45 0,72 22,95 50,80|~50,48 50,115 25,135 0,122",
    "h": "0,0 0,100|~0,66 26,46 46,62 46,100",
    "i": "0,45 0,100|0,22 1,26",
    "j": "~25,45 25,115 10,132 0,125|25,22 26,26",
    "k": "0,0 0,100|42,45 2,75 46,100",
    "l": "~0,0 0,88 14,100",
    "m": "0,45 0,100|~0,62 18,45 32,58 32,100|~32,62 52,45 66,58 66,100",
    "n": "0,45 0,100|~0,66 26,46 46,62 46,100",
    "o": "~25,45 0,72 25,100 50,72 28,45",
    "p": "0,45 0,135|~0,60 28,45 55,70 28,98 0,88",
    "q": "~50,55 20,45 0,72 22,98 50,82|50,45 50,135 62,128",
    "r": "0,45 0,100|~0,66 18,48 40,50",
    "s": "~45,52 20,45 5,58 42,82 25,100 0,94",
    "t": "~18,12 18,88 32,100 45,95|0,45 40,45",
    "u": "~0,45 0,85 20,100 45,82|45,45 45,100",
    "v": "0,45 22,100 46,45",
    "w": "0,45 16,100 33,55 50,100 66,45",
    "x": "0,45 46,100|46,45 0,100",
    "y": "0,45 24,98|50,45 15,135",
    "z": "0,45 46,45 0,100 48,100",
    "A": "0,100 35,0 70,100|14,62 56,62",
    "B": "0,0 0,100|~0,0 45,6 45,42 4,48|~4,48 60,56 55,96 0,100",
    "C": "~62,15 35,0 0,50 35,100 64,85",
    "D": "0,0 0,100|~0,0 60,15 60,85 0,100",
    "E": "56,0 0,0 0,100 58,100|0,48 45,48",
    "F": "56,0 0,0 0,100|0,48 42,48",
    "G": "~62,18 35,0 0,50 32,100 62,82 62,58|38,58 64,58",
    "H": "0,0 0,100|60,0 60,100|0,50 60,50",
    "I": "0,0 0,100",
    "J": "~48,0 48,80 24,100 0,82",
    "K": "0,0 0,100|55,0 2,55 58,100",
    "L": "0,0 0,100 52,100",
    "M": "0,100 6,0 38,70 70,0 78,100",
    "N": "0,100 0,0 58,100 58,0",
    "O": "~35,0 0,50 35,100 70,50 38,0",
    "P": "0,0 0,100|~0,0 52,8 52,46 0,52",
    "Q": "~35,0 0,50 35,100 70,50 38,0|42,75 72,108",
    "R": "0,0 0,100|~0,0 52,8 52,44 0,50|18,50 58,100",
    "S": "~58,12 30,0 4,24 54,72 28,100 0,88",
    "T": "0,0 68,0|34,0 34,100",
    "U": "~0,0 0,70 30,100 60,70 60,0",
    "V": "0,0 32,100 64,0",
    "W": "0,0 20,100 42,25 64,100 84,0",
    "X": "0,0 60,100|60,0 0,100",
    "Y": "0,0 30,48 60,0|30,48 30,100",
    "Z": "0,0 60,0 0,100 62,100",
    "+": "0,55 52,55|26,28 26,82",
    "-": "0,56 46,56",
    "×": "0,34 44,80|44,34 0,80",
    "÷": "0,56 52,56|26,34 26,37|26,75 26,78",
    "=": "0,46 50,46|0,68 50,68",
    "(": "~22,-8 0,48 22,108",
    ")": "~0,-8 22,48 0,108",
    "/": "42,-5 0,108",
    ".": "0,97 2,98",
    ",": "4,95 0,112",
    "→": "0,55 80,55|58,38 80,55 58,72",
    "√": "0,60 12,55 28,100 52,0 120,0",
    "✓": "0,65 22,95 70,20",
    "#": "18,10 8,95|48,10 38,95|0,38 58,38|-2,68 54,68",
    "?": "~0,18 22,0 46,20 22,50 22,70|22,94 22,97",
    "!": "0,0 0,70|0,94 0,97",
    "%": "52,0 0,100|~10,5 0,18 10,32 20,18 11,5|~44,68 34,82 44,96 54,82 45,68",
    "&": "~66,100 10,26 26,2 42,20 0,72 22,100 62,62",
    "★": "30,0 48,100 0,36 60,36 10,100 30,0",
    "α": "~66,45 40,96 14,98 2,72 18,46 42,52 66,100",
    "π": "0,50 62,48|16,50 12,100|46,50 50,100",
    "Σ": "60,8 56,0 0,0 32,50 0,100 58,100 62,90",
}

SOLITARY = "acekmnrtxACEFHKMNPRTUVWX#?%★πΣ→✓"
"""Letters and signs that do not look like digits on their own."""

_TEXT = (
    "the and for you with this that from have are was not but all can our one out day get has "
    "him how man new now old see two way who boy did its let put say she too use milk bread eggs "
    "water paper pencil school house table green black white orange apple banana summer winter "
    "garden street number phone address name date total price sum page class teacher student "
    "Monday Friday Berlin Paris London Anna Peter Maria Thomas Hello thanks please today "
    "tomorrow meeting project report budget answer question exam result score points left right "
    "und der die das nicht mit auf Haus Schule Wasser Strasse Menge Preis Datum Zeit Uhr kg cm "
    "km EUR room bus train level floor item order code pin user amount note list buy call mail "
    "work home dinner coffee sugar butter cheese tomato onion rice pasta soup fish meat salt"
)
WORDS = tuple(_TEXT.split())


@cache
def strokes(character: str) -> tuple[tuple[bool, Points], ...]:
    """Return the strokes of a character: whether each is round, and its corners."""
    parts = _STROKES[character].split("|")
    return tuple((part.startswith("~"), _corners(part.removeprefix("~"))) for part in parts)


def has(character: str) -> bool:
    """Return whether there are strokes for a character."""
    return character in _STROKES


def _corners(part: str) -> Points:
    return np.array([[float(n) / 100 for n in point.split(",")] for point in part.split()])
