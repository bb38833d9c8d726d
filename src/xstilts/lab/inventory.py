"""What there is in the lab's world: its concepts with their English words, its facts and its habits.

A concept is named by its English word. Nothing here may change without raising VERSION: every language,
every text and every checkpoint that was trained on them depends on this file.
"""

VERSION = 1  # the seed of the world

# Nouns, by kind. The kind is itself a concept: every baker is a person.
KINDS: dict[str, tuple[str, ...]] = {
    "person": ("baker", "doctor", "farmer", "teacher", "singer", "king", "soldier", "sailor"),
    "animal": ("dog", "cat", "horse", "wolf", "fox", "bear", "duck", "owl"),
    "fruit": ("apple", "pear", "plum", "lemon"),
    "tool": ("hammer", "knife", "spade", "rope"),
    "furniture": ("chair", "table", "bed"),
}
KIND_OF: dict[str, str] = {noun: kind for kind, nouns in KINDS.items() for noun in nouns}
PERSONS, ANIMALS = KINDS["person"], KINDS["animal"]
BEINGS = PERSONS + ANIMALS
THINGS = KINDS["fruit"] + KINDS["tool"] + KINDS["furniture"]
PLACES = ("garden", "market", "forest", "school", "river", "kitchen", "harbour", "castle", "field", "bridge")
TIMES = ("morning", "evening", "night", "winter", "summer", "feast")
NOUNS = (*BEINGS, *THINGS, *PLACES, *TIMES, *KINDS)

# Adjectives: antonyms exclude each other, colours exclude each other.
ANTONYM_ADJECTIVES = (
    ("big", "small"),
    ("old", "young"),
    ("happy", "sad"),
    ("rich", "poor"),
    ("fast", "slow"),
    ("strong", "weak"),
    ("clean", "dirty"),
    ("warm", "cold"),
)
COLOURS = ("red", "green", "blue", "white", "black", "yellow")
QUALITIES = tuple(word for pair in ANTONYM_ADJECTIVES for word in pair)
ADJECTIVES = QUALITIES + COLOURS
MANNERS = ("fast", "slow", "happy", "sad", "strong", "weak")  # the same word says how something is done

# Verbs with their English past.
ON_BEINGS = {
    "help": "helped",
    "harm": "harmed",
    "love": "loved",
    "hate": "hated",
    "praise": "praised",
    "blame": "blamed",
    "push": "pushed",
    "pull": "pulled",
    "call": "called",
    "visit": "visited",
    "watch": "watched",
    "follow": "followed",
}
ON_THINGS = {
    "buy": "bought",
    "sell": "sold",
    "find": "found",
    "lose": "lost",
    "carry": "carried",
    "drop": "dropped",
    "break": "broke",
    "repair": "repaired",
    "use": "used",
    "like": "liked",
}
GIVING = {"give": "gave", "show": "showed", "send": "sent"}
ALONE = {
    "sleep": "slept",
    "wake": "woke",
    "laugh": "laughed",
    "cry": "cried",
    "walk": "walked",
    "run": "ran",
    "swim": "swam",
    "move": "moved",
    "work": "worked",
    "dance": "danced",
    "rest": "rested",
}
OTHER_VERBS = {"live": "lived", "hire": "hired", "join": "joined"}
PAST: dict[str, str] = {**ON_BEINGS, **ON_THINGS, **GIVING, **ALONE, **OTHER_VERBS}
VERBS = tuple(PAST)
ANTONYM_VERBS = (
    ("help", "harm"),
    ("love", "hate"),
    ("praise", "blame"),
    ("push", "pull"),
    ("buy", "sell"),
    ("find", "lose"),
    ("carry", "drop"),
    ("break", "repair"),
    ("sleep", "wake"),
    ("laugh", "cry"),
)
MOVING = ("walk", "run", "swim")  # ways to move: who walks moves
DEEDS = (
    "help",
    "call",
    "visit",
    "watch",
    "walk",
    "work",
    "dance",
    "rest",
)  # also nouns: the visit, the dance

ANTONYM: dict[str, str] = {}
for _one, _other in ANTONYM_ADJECTIVES + ANTONYM_VERBS:
    ANTONYM[_one], ANTONYM[_other] = _other, _one

# Words that hold a sentence together.
DETERMINERS = ("the", "a", "every", "some", "no", "two", "three", "this", "that")
PLURAL = ("two", "three")
PRONOUNS = ("he", "she", "it", "they")
ASKING = ("who", "what", "where", "when")
ADPOSITIONS = ("in", "during", "for", "to")
LINKS = ("and", "before", "after", "because")  # before and after also stand before a time
FUNCTION_WORDS = (*DETERMINERS, *PRONOUNS, *ASKING, *ADPOSITIONS, *LINKS, "then", "not", "be")
CONTENT_WORDS = (*NOUNS, *ADJECTIVES, *VERBS)

# Names. Each language has its own word for each.
WOMEN = ("anna", "clara", "edith", "fiona", "greta", "helen", "irene", "julia", "laura", "maria")
MEN = ("adam", "boris", "david", "edgar", "frank", "henry", "isaac", "james", "lucas", "peter")
CITIES = ("avon", "bristol", "calder", "denby", "exmoor", "fulham", "grafton", "hadley", "ilford", "kenton")
FIRMS = ("acme", "borland", "cetus", "dynex", "entrax", "fintek", "glaxon", "hexal", "inmos", "jetco")
PEOPLE = WOMEN + MEN
NAMES = PEOPLE + CITIES + FIRMS
PRONOUN_OF: dict[str, str] = (
    dict.fromkeys((*WOMEN, "doctor", "singer", "teacher", "sailor"), "she")
    | dict.fromkeys((*MEN, "baker", "farmer", "king", "soldier"), "he")
    | dict.fromkeys(ANIMALS, "it")
)

# Common knowledge: what every baker knows and does. It is told in the pretraining text, in every language.
LIVES_IN = dict(
    zip(
        BEINGS,
        (
            *("kitchen", "school", "field", "school", "market", "castle", "bridge", "harbour"),
            *("garden", "kitchen", "field", "forest", "field", "forest", "river", "castle"),
        ),
        strict=True,
    )
)
COLOUR_OF = dict(
    zip(
        THINGS,
        ("red", "green", "blue", "yellow", "black", "white", "green", "yellow", "red", "blue", "white"),
        strict=True,
    )
)
LIKES = dict(
    zip(
        BEINGS,
        (
            *("pear", "plum", "apple", "table", "lemon", "chair", "knife", "rope"),
            *("bed", "chair", "apple", "plum", "pear", "rope", "lemon", "table"),
        ),
        strict=True,
    )
)
USES = dict(
    zip(
        PERSONS,
        ("knife", "bed", "spade", "chair", "table", "rope", "hammer", "rope"),
        strict=True,
    )
)

# Habits: what is usually done next, to the same being or thing, by the same person.
_CHAINS = (
    ("call", "visit", "help", "praise", "love"),
    ("follow", "watch", "push", "pull", "harm", "blame", "hate"),
    ("find", "carry", "drop", "lose"),
    ("buy", "use", "break", "repair", "sell"),
    ("wake", "walk", "work", "rest", "sleep"),
    ("run", "swim", "laugh", "dance", "cry"),
)
NEXT: dict[str, str] = {
    verb: chain[(place + 1) % len(chain)] for chain in _CHAINS for place, verb in enumerate(chain)
}
