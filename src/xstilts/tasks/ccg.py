"""CCG supertagging: for each word its lexical category, that is what it combines with on which side. English.

CCGbank (a treebank of the LDC, which forbids copies) is read as the C&C tools write it: `wsj02-21.stagged`
trains, `wsj00.stagged` evaluates. Questions annotated with the same categories are a task of their own,
`ccg_questions`.

The labels are the 230 categories of those questions and of the biomedical abstracts that come with them, and
"other", as which every other category is read that is well-formed in CCGbank's notation. So the head is the
same for both, and no plan reads data. CCGbank has 1,363 categories, most of them rare. Whoever needs all of
them copies this file under another name into the data folder, puts them into `_CATEGORIES`, and names its
path in the study.
"""

from collections.abc import Iterator
from pathlib import Path

from xstilts.data import readers
from xstilts.data.examples import Tagged
from xstilts.data.task import Files, Task

_CATEGORIES = r"""
    , . : ; N NP LQU LRB N/N N\N RQU RRB S/S N/PP NP/N conj NP/NP NP/PP NP\NP PP/NP PP/PP (N/N)/N (N\N)/N
    N/S[em] NP[thr] S[b]\NP (N\N)/NP (S/S)/NP (S/S)/PP N/S[dcl] NP[expl] NP[nb]/N S[ng]\NP S[pt]\NP
    (NP\NP)/N S[adj]\NP S[dcl]\NP S[pss]\NP conj/conj (NP/NP)/NP (NP\NP)/NP (NP\NP)/PP (PP\PP)/NP (S\S)/S[q]
    S[asup]\NP S[em]/S[b] S[wq]/S[q] (N/N)/(N/N) (N/N)\(N/N) (N\N)\(N\N) (S\S)/(S\S) S[wq]\S[wq]
    (S/S)/S[dcl] (S[b]\NP)/NP (S[b]\NP)/PP (S[q]/NP)/NP (S[q]/PP)/NP (S\S)/S[dcl] S[em]/S[dcl] (NP[nb]/N)\NP
    (S/NP)/(S/NP) (S[ng]\NP)/NP (S[ng]\NP)/PP (S[pt]\NP)/NP (S[pt]\NP)/PP (S\NP)/(S\NP) (S\NP)\(S\NP)
    PP/(S[ng]\NP) S[dcl]/S[dcl] S[qem]/S[dcl] (NP\NP)/S[dcl] (S[adj]\NP)/NP (S[adj]\NP)/PP (S[adj]\NP)\NP
    (S[dcl]\NP)/NP (S[dcl]\NP)/PP (S[pss]\NP)/NP (S[pss]\NP)/PP (S[q]/NP)/S[q] (S[wq]/S[q])/N
    ((NP\NP)\NP)/PP (NP/NP)/(NP/NP) (NP\NP)/(NP\NP) (S[b]\NP)/S[em] S[wq]/(S[q]/NP) ((N/N)/(N/N))\NP
    ((N/N)\(N/N))/NP (S/S)/(S[ng]\NP) (S[b]\NP)/S[qem] (S[ng]\NP)/S[em] (S[pt]\NP)/S[em] (S[q]/NP)/S[dcl]
    (S[wq]\S[wq])/NP ((S[b]\NP)/NP)/NP ((S[b]\NP)/PP)/NP ((S[q]/PP)/NP)/NP ((S\NP)\(S\NP))/N
    (S/S)/(S[adj]\NP) (S/S)/(S[pss]\NP) (S[dcl]\NP)/S[em] (S[pss]\NP)/S[em] (S[q]/NP)/NP[thr]
    S[wq]/(S[dcl]\NP) S[wq]\(S[dcl]/NP) ((S/NP)\(S/NP))/NP ((S[ng]\NP)/PP)/NP ((S[pt]\NP)/PP)/NP
    ((S\NP)/(S\NP))/NP ((S\NP)\(S\NP))/NP ((S\NP)\(S\NP))/PP ((S\NP)\(S\NP))\NP (NP\NP)/(S[ng]\NP)
    (S[adj]\NP)/S[for] (S[dcl]\NP)/S[dcl] (S[dcl]\NP)/S[qem] (S[pss]\NP)/S[qem] ((N/N)\(N/N))/(N/N)
    ((S[dcl]\NP)/NP)/NP ((S[dcl]\NP)/PP)/NP (NP\NP)/(S[adj]\NP) (NP\NP)/(S[dcl]/NP) (NP\NP)/(S[dcl]\NP)
    (NP\NP)/(S[pss]\NP) (S[b]\NP)/(S[b]\NP) (S[dcl]\NP[thr])/NP (S[q]/(S[b]\NP))/NP (S[wq]/(S[q]/NP))/N
    (NP/NP)/(S[asup]\NP) (S[b]\NP)/(S[pt]\NP) (S[b]\NP)/(S[to]\NP) (S[q]/(S[ng]\NP))/NP (S[q]/(S[pt]\NP))/NP
    (S[to]\NP)/(S[b]\NP) (S[wq]/(S[q]/NP))/NP (S[wq]\S[wq])/S[dcl] ((S/S)/(S[to]\NP))/NP
    ((S[wq]/PP)/N)/(NP/N) ((S\NP)\(S\NP))/S[em] (S[b]\NP)/(S[adj]\NP) (S[b]\NP)/(S[pss]\NP)
    (S[dcl]\NP)/(S[b]\NP) (S[ng]\NP)/(S[ng]\NP) (S[pt]\NP)/(S[to]\NP) (S[q]/(S[adj]\NP))/NP
    (S[q]/(S[dcl]\NP))/NP (S[q]/(S[pss]\NP))/NP (S[wq]/(S[dcl]\NP))/N (S[wq]\(S[dcl]/NP))/N
    ((S\NP)\(S\NP))/S[dcl] (S[adj]\NP)/(S[ng]\NP) (S[adj]\NP)/(S[to]\NP) (S[dcl]\(S[ng]\NP))/PP
    (S[dcl]\NP)/(S[ng]\NP) (S[dcl]\NP)/(S[pt]\NP) (S[dcl]\NP)/(S[to]\NP) (S[for]/(S[to]\NP))/NP
    (S[ng]\NP)/(S[adj]\NP) (S[ng]\NP)/(S[pss]\NP) (S[pss]\NP)/(S[ng]\NP) (S[pss]\NP)/(S[to]\NP)
    (S[pt]\NP)/(S[pss]\NP) (S[wq]/(S[dcl]\NP))/NP ((NP\NP)/(S[dcl]\NP))/N ((S[wq]/S[q])/N)/(NP/N)
    (S[adj]\NP)/(S[adj]\NP) (S[adj]\NP)\(S[adj]\NP) (S[dcl]\NP)/(S[adj]\NP) (S[dcl]\NP)/(S[pss]\NP)
    (S[inv]/NP)/(S[pss]\NP) (S[pss]\NP)/(S[adj]\NP) ((NP\NP)/(S[pss]\NP))/NP ((S[pss]\NP)/PP)/(PP/NP)
    (S[wq]/S[q])/(S[adj]\NP) ((N/N)/(N/N))\(S[adj]\NP) ((S[b]\NP)/(S[to]\NP))/NP ((S\NP)\(S\NP))/(S[b]\NP)
    (S[wq]\S[wq])/(S[dcl]\NP) ((N/N)/(N/N))/(S[asup]\NP) ((S[dcl]\NP)/(S[b]\NP))/NP
    ((S[ng]\NP)/(S[to]\NP))/NP ((S[pt]\NP)/(S[to]\NP))/NP ((S[q]/PP)/(S[adj]\NP))/NP
    ((S\NP)\(S\NP))/(S[ng]\NP) ((N/N)/(N/N))/((N/N)/(N/N)) ((S[dcl]\NP)/(S[ng]\NP))/NP
    ((S[dcl]\NP)/(S[to]\NP))/NP ((S\NP)\(S\NP))/(S[adj]\NP) ((S\NP)\(S\NP))/(S[pss]\NP)
    (S[dcl]\NP[expl])/(S[b]\NP) (S[dcl]\NP[thr])/(S[pt]\NP) (((S\NP)\(S\NP))/(NP\NP))/NP
    ((S[adj]\NP)/(S[adj]\NP))\NP ((S[adj]\NP)\(S[adj]\NP))/NP ((S[adj]\NP)\(S[adj]\NP))/PP
    ((S[dcl]\NP)/(S[adj]\NP))/NP ((S[wq]/(S[q]/NP))/N)/(NP/N) ((NP\NP)/(S[dcl]\NP))\(NP/NP)
    ((NP\NP)/S[dcl])\((NP\NP)/NP) (S[dcl]\NP[expl])/(S[adj]\NP) (S[dcl]\NP[expl])/(S[pss]\NP)
    (((S\NP)\(S\NP))/(S[to]\NP))/N ((S[wq]/(S[dcl]\NP))/N)/(NP/N) ((S[wq]/S[q])\(S[wq]/S[q]))/NP
    (S[wq]/S[q])/(S[wq]/(S[q]/NP)) (((N/N)/(N/N))\((N/N)/(N/N)))/N (((S\NP)\(S\NP))/(S[ng]\NP))/NP
    (((S\NP)\(S\NP))/(S[to]\NP))/NP ((S\NP)/(S\NP))/((S\NP)/(S\NP)) ((S\NP)\(S\NP))/((S\NP)\(S\NP))
    ((S[q]/PP)/(S[adj]\NP))/NP[expl] (S[wq]\S[dcl])/(S[wq]\(S[dcl]/NP)) ((NP\NP)/(NP\NP))/((NP\NP)/(NP\NP))
    (S[wq]/(S[q]/NP))/(S[wq]/(S[q]/NP)) (S[wq]/(S[q]/PP))/(S[wq]/(S[q]/NP))
    ((S[adj]\NP)\(S[adj]\NP))/(S[ng]\NP) ((S[dcl]\NP[expl])/S[em])/(S[adj]\NP)
    (((S[wq]/NP)/((S[q]/NP)/NP))/N)/(NP/N) (((S[wq]/PP)/((S[q]/PP)/NP))/N)/(NP/N)
    (S[wq]/(S[q]/(S[adj]\NP)))/(S[adj]\NP) ((S[wq]/(S[q]/NP))/N)\(S[wq]/(S[q]/NP))
    (S[wq]/S[q])/(S[wq]/(S[q]/(S[adj]\NP))) ((S[wq]/(S[q]/NP))\(S[wq]/(S[q]/NP)))/NP
    (((S[dcl]\NP)/S[em])/(S[adj]\NP))/NP[expl] (((N/N)/(N/N))\((N/N)/(N/N)))/((N/N)/(N/N))
    ((S[wq]/(S[dcl]\NP))/N)\(S[wq]/(S[dcl]\NP)) ((S[wq]/PP)/((S[q]/PP)/(S[adj]\NP)))/(S[adj]\NP)
    ((S[adj]\NP)/(S[adj]\NP))/((S[adj]\NP)/(S[adj]\NP)) ((S[adj]\NP)/(S[adj]\NP))\((S[adj]\NP)/(S[adj]\NP))
    (((S[wq]/(S[pss]\NP))/((S[q]/(S[pss]\NP))/NP))/N)/(NP/N)
    (((S\NP)\(S\NP))/((S\NP)\(S\NP)))/(((S\NP)\(S\NP))/((S\NP)\(S\NP)))
"""
OTHER = "other"
LABELS = (*_CATEGORIES.split(), OTHER)


def read(paths: tuple[Path, ...], language: str) -> Iterator[Tagged]:
    (path,) = paths
    return readers.supertags(path, LABELS, OTHER)


TASK = Task(
    family="tagging",
    languages=("en",),
    labels=LABELS,
    metric="token_accuracy",
    files=Files(
        patterns={
            "train": ("intermediate/ccg/wsj02-21.stagged",),
            "dev": ("intermediate/ccg/wsj00.stagged",),
        },
        read=read,
    ),
    no_hub="CCGbank's licence forbids a copy on the Hub",
    evaluation_split="dev",
    examples={"train": 38_015, "dev": 5_484},  # nyu-mll/jiant 6c4097c5, scripts/taskmaster
    description="Supertagging with lexical categories of combinatory categorial grammar",
    citation="Hockenmaier and Steedman (2007), CCGbank: A Corpus of CCG Derivations and Dependency "
    "Structures Extracted from the Penn Treebank. Computational Linguistics",
    licence="LDC",
    url="https://catalog.ldc.upenn.edu/LDC2005T13",
)
