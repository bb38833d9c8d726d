"""A data folder in miniature: for each task that reads files, a file or more in the format of its release."""

import json
from pathlib import Path
from typing import Any

NLI = {"gold_label": "neutral", "sentence1": "Ein Hund läuft.", "sentence2": "Es bewegt sich.", "pairID": "p"}
ROUND = {"uid": "u", "context": "A dog runs.", "hypothesis": "It moves.", "label": "e"}
COSMOS = (
    "id,context,question,answer0,answer1,answer2,answer3,label\r\n"
    'x,"He said ""no"".",Why?,tired,hungry,"late, again",None,2\r\n'
)
RAIN = {
    "choices": [{"label": "A", "text": "ground"}, {"label": "B", "text": "雲"}],
    "stem": "Rain comes from?",
}
SOCIAL = {"context": "Kim lent Lou a tent.", "question": "How does Lou feel?", "correct": "B"}
SOCIAL |= {"answerA": "angry", "answerB": "thankful", "answerC": "cold"}
COPA = {"premise": "ฝนตก", "choice1": "แดดออก", "choice2": "ถนนเปียก", "question": "effect", "label": 1}
TAGS = "Wisła\tB-LOC\npłynie\tO\n\nАнна\tB-PER\nКаренина\tI-PER\nв\tO\nРиме\tB-LOC\n\n"


def words(times: int) -> str:
    """A sentence in CoNLL-U of three words that are said so many times."""
    three = (("老", "ADJ"), ("灯塔", "NOUN"), ("。", "PUNCT"))
    return "".join(
        f"{number}\t{word}\t_\t{tag}" + "\t_" * 6 + "\n"
        for number, (word, tag) in enumerate(three * times, start=1)
    )


CONTEXTS = (
    ("The old lighthouse keeper (born 1912) walks along the river, and nobody follows him.", "1912"),
    ("½ of the ﬁsh was sold for ￥３００ at №5; the rest went to the keeper’s cousin.", "the keeper"),
    ("🏛 नई दिल्ली में है। बूढ़ा प्रकाशस्तंभ रक्षक नदी के किनारे चलता है।", "नई दिल्ली"),
    ("حارس المنارة العجوز يمشي على طول النهر ولا أحد يتبعه", "النهر"),
    ("老灯塔看守人沿着河边走，没有人跟着他。河边有一座桥。", "河边有一座桥"),
    ("คนเฝ้าประภาคารเดินไปตามแม่น้ำ และไม่มีใครตามเขาไป", "ไม่มีใคร"),
    ("Cafe\u0301 Zürich\u00a0liegt\tam   Fluss\nund\u3000schließt nie.", "am   Fluss\nund"),
    ("한국의 등대지기는 강을 따라 걷는다.", "강을"),
)
"""Contexts of several scripts, with signs that a normaliser writes as several or as one, and an answer."""


def squad(unanswerable: bool = False) -> str:
    """A SQuAD file of the contexts; if wanted, with a question that has no answer for each of them."""
    paragraphs: list[dict[str, Any]] = []
    for row, (context, answer) in enumerate(CONTEXTS):
        answers = [{"text": answer, "answer_start": context.index(answer)}]
        asked: list[dict[str, Any]] = [
            {"id": f"english-{row}", "question": "Who or what?", "answers": answers}
        ]
        if unanswerable:
            asked.append({"id": f"{row}b", "question": "When?", "answers": [], "is_impossible": True})
        paragraphs.append({"context": context, "qas": asked})
    return json.dumps({"data": [{"paragraphs": paragraphs}]})


def files() -> dict[str, str]:
    """Path and text of every file."""
    labelled = "Er schläft.\tHe rests.\t{}\nOna śpi.\tShe runs.\t{}\n"
    pairs = "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n7\t3\t4\tWhy?\tPourquoi ?\t1\n"
    paraphrases = "Quality\t#1 ID\t#2 ID\t#1 String\t#2 String\n1\t10\t11\tHe said go.\tGo, he said.\n"
    ending = {"ind": 3, "ctx": "A man stands. he", "endings": ["falls.", "sings.", "reads."], "label": 2}
    return {
        "intermediate/anli/R1/dev.jsonl": json.dumps(ROUND),
        "intermediate/snli/snli_1.0_test.jsonl": json.dumps(NLI),
        "intermediate/mnli/multinli_1.0_train.jsonl": json.dumps(NLI),
        "intermediate/nli_mix/train.jsonl": json.dumps(NLI),
        "intermediate/qqp/train.tsv": pairs,
        "intermediate/mrpc/msr_paraphrase_test.txt": paraphrases,
        "intermediate/squad/dev-v1.1.json": squad(),
        "intermediate/squad/sample-v2.0.json": squad(unanswerable=True),
        "intermediate/hellaswag/hellaswag_val.jsonl": json.dumps(ending),
        "intermediate/cosmosqa/valid.csv": COSMOS,
        "intermediate/commonsenseqa/train_rand_split.jsonl": json.dumps(
            {"id": "c", "answerKey": "B", "question": RAIN}
        ),
        "intermediate/socialiqa/socialIQa_v1.4_dev.jsonl": json.dumps(SOCIAL),
        "intermediate/ccg/wsj02-21.stagged": "Ada|NNP|N a|b|DT|NP[nb]/N x/y|NN|(N/N)/N .|.|.\n",
        "intermediate/ccg/qus_train.staggedGold": "Why|WRB|S[wq]/S[q] ?|.|.\n",
        "target/xnli/test-de.tsv": labelled.format("entailment", "contradiction"),
        "target/pawsx/test-de.tsv": labelled.format("0", "1"),
        "target/sib200/eng_Latn/dev.tsv": "index_id\tcategory\ttext\n7\tscience/technology\tIt flies.\n",
        "target/panx/dev-pl.tsv": TAGS,
        "target/masakhaner2/hau/test.txt": TAGS.replace("\t", " "),
        "target/udpos/ud/zh_gsd-ud-test.conllu": words(1) + "\n" + words(20),
        "target/xquad/xquad.hi.json": squad(),
        "target/mlqa/test-context-zh-question-zh.json": squad(),
        "target/tydiqa/tydiqa.goldp.ko.train.json": squad(),
        "target/xcopa/test.th.jsonl": json.dumps(COPA),
        "target/tatoeba/tatoeba.deu-eng.deu": "Ja.\nNein.\nDoch.\n",
        "target/tatoeba/tatoeba.deu-eng.eng": "Yes.\nNo.\nIndeed.\n",
        "target/bucc2018/fr-en.dev.fr": "fr-1\tBonjour.\nfr-2\tIl pleut.\nfr-3\tUn chat dort.\n",
        "target/bucc2018/fr-en.dev.en": "en-1\tA cat sleeps.\nen-2\tGood day.\nen-3\tNo.\n",
        "target/bucc2018/fr-en.dev.gold": "fr-1\ten-2\nfr-3\ten-1\n",
    }


def write(folder: Path) -> Path:
    """Write all files below the folder."""
    for name, text in files().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
    return folder
