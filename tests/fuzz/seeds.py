"""What is right, and is then made wrong: files of every format, rows of the Hub, a study with every key."""

import json
from pathlib import Path
from typing import Any

import miniatures

ENTAILMENT = {
    "gold_label": "neutral",
    "sentence1": "A man holds a newspaper.",
    "sentence2": "He reads.",
    "pairID": "75.jpg#2r1e",
    "Flikr30kID": "75",
}
QUESTION = {"imageId": "n161313", "question": "Is it overcast?", "answer": "no"}
STATEMENT = {
    "id": "sw-1",
    "language": "sw",
    "concept": "39-Panya",
    "caption": "Panya wawili.",
    "left_img": "a/39-1.jpg",
    "right_img": "b/39-2.jpg",
    "label": True,
}
PAIR = {"text": "Er schläft.", "text2": "Er ruht.", "label": "entailment", "id": "7"}
CHOICE = {"context": "Er steht.", "options": ["fällt.", "singt."], "label": 1, "id": "8"}
SPAN = {"context": "In Rom.", "question": "Wo?", "answers": [{"text": "Rom", "start": 3}], "id": "9"}


def data_files() -> dict[str, str]:
    """Path and text of the files of all tasks, those about images and the translated ones too."""
    objects = {
        "intermediate/snli_ve/train.jsonl": ENTAILMENT,
        "target/xvnli/fr/test.jsonl": ENTAILMENT,
        "intermediate/gqa/val_balanced_questions.json": {"05515938": QUESTION, "7": QUESTION},
        "target/marvl/marvl-sw.jsonl": STATEMENT,
        "translated/mnli/de.jsonl": PAIR,
        "translated/hellaswag/de.jsonl": CHOICE,
        "translated/squad/de.jsonl": SPAN,
    }
    lines = {
        "target/pawsx/translated/en-de-translated.tsv": "A.\tB.\tC.\tD.\t1\nE.\tF.\t0\n",
        "target/tydiqa/translate-train/tydiqa.translate.train.en-fi.json": miniatures.squad(),
    }
    made = {name: json.dumps(one, ensure_ascii=False) + "\n" for name, one in objects.items()}
    return miniatures.files() | made | lines


HUB: dict[str, dict[str, Any]] = {
    "anli": {"premise": "a", "hypothesis": "b", "label": 2, "uid": "7"},
    "mnli": {"premise": "a", "hypothesis": "b", "label": 2, "pairID": "7"},
    "xnli": {"premise": "a", "hypothesis": "b", "label": 0},
    "pawsx": {"sentence1": "a", "sentence2": "b", "label": "1"},
    "hellaswag": {
        "ind": 3,
        "ctx_a": "A.",
        "ctx_b": "he",
        "ctx": "A. he",
        "endings": ["x", "y"],
        "label": "1",
    },
    "commonsenseqa": {
        "question": "Where?",
        "choices": {"label": ["A", "B"], "text": ["in", "on"]},
        "answerKey": "B",
        "id": "c",
    },
    "udpos": {"tokens": ["Ja", "."], "pos_tags": [6, 12]},
    "panx": {"tokens": ["de:Rom", "liegt"], "ner_tags": [5, 0]},
    "xquad": {
        "context": "In Rom.",
        "question": "Wo?",
        "answers": {"text": ["Rom"], "answer_start": [3]},
        "id": "q",
    },
    "tatoeba": {"source_sentence": "Ja.", "target_sentence": "Yes."},
}
"""A row for each reader of the Hub's files."""

STUDY: dict[str, Any] = {
    "name": "everything",
    "question": "Does anything help?",
    "references": ["majority", "random", "shuffled-images", "translate-test"],
    "random_arms": ["none"],
    "backbones": {
        "lab": {"model": "lab", "recipe": {"learning_rate": 0.001, "adapter": {"method": "lora", "rank": 4}}},
        "hub": {
            "model": "FacebookAI/xlm-roberta-base",
            "revision": "e73636d4f797dec63c3081bb6ed5c7b0bb3f2089",
        },
        "own": {
            "architecture": "xlm-roberta",
            "shape": {"hidden_size": 16, "num_hidden_layers": 1},
            "tokenizer": {
                "tasks": ["lab_text"],
                "languages": ["x-en"],
                "vocabulary": 100,
                "algorithm": "bpe",
            },
            "vision": {"size": 32, "patch": 8},
            "seed": 3,
        },
    },
    "intermediate": {
        "seeds": [1],
        "recipe": {"updates": 4, "max_length": 64, "stride": 16, "betas": [0.9, 0.99]},
        "recipes": {"lab_nli": {"batch_size": 8, "evaluations": 2, "select": "best"}},
        "arms": {
            "none": {},
            "nli": {"tasks": ["lab_nli"], "examples": 100},
            "more": {"tasks": ["lab_nli"], "examples": 200, "languages": {"x-en": 0.5, "family:Lab R": 0.5}},
            "half": {"tasks": ["lab_nli"], "examples": 0.5},
            "both": {"tasks": ["lab_nli", "lab_qa"], "mixing": {"shares": {"lab_nli": 0.5, "lab_qa": 0.5}}},
            "talk": {
                "tasks": ["lab_para", "lab_event"],
                "mixing": "uniform",
                "replay": {"tasks": ["lab_text"], "share": 0.25, "languages": ["x-en"]},
                "after": "nli",
                "recipe": {"epochs": 1.0, "precision": "fp32"},
            },
            "over": {"tasks": ["lab_nli"], "translated": True, "labels": "shuffled", "languages": ["x-ga"]},
        },
    },
    "target": {
        "seeds": [1],
        "tasks": ["lab_nli", "lab_tatoeba", "lab_vnli"],
        "trained_by": {"lab_nli": "lab_nli"},
        "recipe": {"updates": 4, "max_length": 64, "stride": 16},
        "recipes": {"lab_vnli": {"warmup": 0.0}},
    },
    "axes": [
        {
            "name": "size",
            "scale": "log",
            "arms": {"nli": 100, "more": 200.5, "half": 50},
            "group": {"more": "mixed"},
        }
    ],
    "claims": [
        {"says": "It helps", "arms": ["nli"], "targets": ["lab_nli"], "languages": ["x-en"], "margin": 1.0},
        {"says": "It grows", "quantity": "slope_over_axis", "axis": "size", "of": "difference"},
        {
            "says": "No gap",
            "quantity": "gap_difference",
            "arms": ["nli", "both"],
            "relation": "=",
            "about": 0.5,
        },
    ],
    "allowed": [{"kind": "rows", "task": "lab_nli", "why": "to see it"}],
    "origins": {"intermediate.recipe.updates": "made up"},
}

PUBLISHED: dict[str, Any] = {
    "title": "A table",
    "source": "A paper",
    "scores": [
        {
            "model": "xlmr",
            "arm": "none",
            "target": "xnli",
            "metric": "accuracy",
            "status": "confirmed",
            "languages": {"de": 70.5, "fr": 71},
        },
        {
            "model": "xlmr",
            "arm": "best",
            "target": "xnli",
            "metric": "accuracy",
            "status": "derived",
            "mean": 60.0,
            "over": "xtreme",
        },
    ],
    "settings": [{"target": "xnli", "status": "confirmed", "recipe": {"epochs": 2, "decay": "linear"}}],
}

TSV = "entailment\nneutral\ncontradiction\n"
TAGS = "B-LOC\nO\n\nB-PER\nI-PER\n\n"
ANSWERS = json.dumps({f"english-{row}": "Rom" for row in range(8)})
GOLD: dict[str, tuple[str, str, str]] = {
    "xnli": ("tsv", TSV, "neutral\n" * 3),
    "panx": ("tsv", TAGS, TAGS.replace("B-LOC", "O")),
    "udpos": ("tsv", "NOUN\nVERB\n\nDET\n\n", "NOUN\nNOUN\n\nDET\n\n"),
    "tatoeba": ("tsv", "1\n0\n2\n", "1\n2\n0\n"),
    "bucc2018": ("tsv", "de-1\ten-1\nde-2\ten-4\n", "de-1\ten-1\nde-3\ten-4\n"),
    "xquad": ("json", miniatures.squad(), ANSWERS),
    "mlqa": ("json", miniatures.squad(), ANSWERS),
    "squad2": ("json", miniatures.squad(unanswerable=True), ANSWERS),
}
"""For each layout that is scored: how the file ends, the references, and predictions."""


def write(folder: Path, files: dict[str, str]) -> Path:
    """Write files below a folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
    return folder
