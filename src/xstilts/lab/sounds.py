"""How the languages of the lab sound and are written: new roots, sound laws, scripts."""

import re
import unicodedata

from xstilts.lab.rng import Rng

# The sounds of new roots, by family: first consonants, vowels, last consonants. A root is a row of syllables.
_SOUNDS: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "Lab G": (tuple("bdfghklmnrstvw"), tuple("aeiou"), ("n", "r", "l", "st", "rk", "nd", "ft", "m")),
    "Lab R": (tuple("bcdfglmnprstv"), ("a", "e", "i", "o", "u", "ia"), ("", "", "n", "l")),
    "Lab S": (
        ("b", "d", "g", "k", "pr", "sk", "st", "v", "z", "tr", "m", "n", "p"),
        tuple("aeiou"),
        tuple("klmnrtvz"),
    ),
    "Lab I": (tuple("bcdghjklmnprst"), tuple("aeiou"), tuple("kmnrt")),
}


def _changes(notation: str) -> dict[str, str]:
    """What becomes what: "th>d p>f" is th to d, p to f; "h>" drops the h."""
    return dict(change.split(">") for change in notation.split())


# Sound laws: what the sounds of a root become. All changes happen at once, the longest first.
_LAWS: dict[str, dict[str, str]] = {
    "x-ga": _changes(
        "th>d sh>sk ch>k ck>kk ee>i oo>u ea>e ou>u ow>au p>f t>z d>t b>p g>k v>f w>v x>ks y>ij a>o c>k "
        "i>e u>y"
    ),
    "x-gb": _changes(
        "th>t sh>s ch>k ck>k ee>e oo>o ea>e ou>o ow>o p>b b>v g>h k>g c>k w>u y>i j>i q>k h> d>th o>a"
    ),
    "x-ra": _changes(
        "th>t sh>x ch>c ck>c ee>e oo>o ea>ia ou>o ow>o k>c h> w>gu y>i f>h b>v t>d e>ie p>b o>ue l>ll"
    ),
    "x-rb": _changes(
        "th>f sh>ch ch>tz ck>qu ee>ei oo>u ea>ei ou>u ow>u c>qu k>qu h> w>v y>j g>j d>z t>th o>u a>e l>r s>sh"
    ),
    "x-sa": _changes("a>o g>h e>ie"),
    "x-sb": _changes("k>ch o>u p>b z>sh i>y"),
    "x-ia": _changes(""),
}
_LAST_SOUND = {"x-ra": "o", "x-rb": "e"}  # what is added to a root that ends in a consonant

_GREEK = _changes(
    "th>θ ch>χ ps>ψ ks>ξ a>α b>β c>κ d>δ e>ε f>φ g>γ h>χ i>ι j>ι k>κ l>λ m>μ n>ν o>ο p>π q>κ r>ρ s>σ "
    "t>τ u>υ v>ω w>υ x>ξ y>η z>ζ"
)
_CYRILLIC = _changes(
    "sh>ш ch>ч ya>я yu>ю ie>є a>а b>б c>ц d>д e>е f>ф g>г h>х i>и j>й k>к l>л m>м n>н o>о p>п q>к r>р "
    "s>с t>т u>у v>в w>в x>х y>ы z>з"
)
_DEVANAGARI = _changes("b>ब c>च d>द f>फ g>ग h>ह j>ज k>क l>ल m>म n>न p>प q>क r>र s>स t>त v>व w>व x>ख y>य z>ज़")
_MARKS = {"a": "", "e": "े", "i": "ि", "o": "ो", "u": "ु"}  # vowels after a consonant
_VOWELS = {"a": "अ", "e": "ए", "i": "इ", "o": "ओ", "u": "उ"}  # vowels that stand alone


def _at_once(laws: dict[str, str], word: str) -> str:
    sounds = sorted(laws, key=lambda sound: (-len(sound), sound))
    return re.sub("|".join(sounds), lambda match: laws[match[0]], word) if sounds else word


def new_root(family: str, syllables: int, rng: Rng) -> str:
    """A root that fits the family's sounds, in Latin letters."""
    first, vowels, last = _SOUNDS[family]
    return "".join(rng.pick(first) + rng.pick(vowels) for _ in range(syllables)) + rng.pick(last)


def changed(word: str, code: str) -> str:
    """What the language's sound laws make of a root, in Latin letters."""
    word = _at_once(_LAWS[code], word)
    if code in _LAST_SOUND and word[-1] not in "aeiou":
        word += _LAST_SOUND[code]
    return word


def written(word: str, script: str) -> str:
    """The word in the script of its language (Unicode NFC)."""
    if script == "Greek":
        word = _at_once(_GREEK, word)
    elif script == "Cyrillic":
        word = _at_once(_CYRILLIC, word)
    elif script == "Devanagari":
        word = _devanagari(word)
    return unicodedata.normalize("NFC", word)


def _devanagari(word: str) -> str:
    letters, after_consonant = [], False
    for sound in word:
        if sound in _VOWELS:
            letters.append(_MARKS[sound] if after_consonant else _VOWELS[sound])
            after_consonant = False
        else:
            if after_consonant:
                letters.append("्")
            letters.append(_DEVANAGARI[sound])
            after_consonant = True
    return "".join(letters)
