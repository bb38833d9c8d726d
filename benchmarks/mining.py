"""Mining translation pairs: xstilts' blocked search beside faiss's exact index.

    python benchmarks/mining.py [--sentences 100000] [--hidden 768] [--threads N] [--json FILE]

Both sides have so many sentences; a tenth of them are translations: their vectors lie close. Each contender
runs in a process of its own, one after the other, and finds margin-scored pairs with the same code; only the
search for the nearest neighbours differs. Memory is the most that the process ever held, vectors included.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

CONTENDERS = ("xstilts", "faiss")
LIMIT = 4 * 1024
"""MiB that mining may take (aim)."""


def main() -> None:
    """Measure every contender, print, and write the figures as JSON where asked to."""
    parser = argparse.ArgumentParser(description="Mining with xstilts and with faiss")
    parser.add_argument("--sentences", type=int, default=100_000)
    parser.add_argument("--hidden", type=int, default=768)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--json", type=Path, help="where to write the figures")
    parser.add_argument("--contender", choices=CONTENDERS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.contender:
        print(json.dumps(measure(options.contender, options.sentences, options.hidden)))
        return
    figures: dict[str, Any] = {name: _run(name, options) for name in CONTENDERS}
    ours, theirs = figures["xstilts"], figures["faiss"]
    shape = f"{options.sentences:,} x {options.sentences:,} x {options.hidden}"
    for name in CONTENDERS:
        one = figures[name]
        print(f"{name:8} {shape}  {one['seconds']:.1f} s, {one['peak_mib']:,.0f} MiB at most")
    figures |= {
        "sentences": options.sentences,
        "hidden": options.hidden,
        "threads": options.threads,
        "ratio_to_faiss": theirs["seconds"] / ours["seconds"],
        "same_pairs": len(set(map(tuple, ours.pop("pairs"))) & set(map(tuple, theirs.pop("pairs")))),
    }
    print(f"xstilts is {figures['ratio_to_faiss']:.2f} times as fast; aim for memory {LIMIT:,} MiB")
    print(f"pairs above the best threshold: {ours['found']:,} and {theirs['found']:,}, ", end="")
    print(f"{figures['same_pairs']:,} of them the same")
    if options.json is not None:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


def _run(contender: str, options: argparse.Namespace) -> dict[str, Any]:
    command = [sys.executable, __file__, "--contender", contender]
    command += ["--sentences", str(options.sentences), "--hidden", str(options.hidden)]
    threads = {name: str(options.threads) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
    found = subprocess.run(command, check=True, stdout=subprocess.PIPE, env=os.environ | threads)
    figures: dict[str, Any] = json.loads(found.stdout)
    return figures


def measure(contender: str, sentences: int, hidden: int) -> dict[str, Any]:
    """Seconds, the most memory in MiB, and the pairs above the threshold that is best for them."""
    from xstilts.metrics import mining

    source, target, pairs = vectors(sentences, hidden)
    nearest = mining.search if contender == "xstilts" else search_with_faiss
    began = time.perf_counter()
    found = mining.candidates(source, target, nearest=nearest)
    seconds = time.perf_counter() - began
    proposed = list(zip(found.source.tolist(), found.target.tolist(), strict=True))
    lowest = mining.best_threshold(found.score, [pair in pairs for pair in proposed], len(pairs))
    accepted = [pair for pair, score in zip(proposed, found.score, strict=True) if score >= lowest]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": seconds, "peak_mib": peak, "found": len(accepted), "pairs": accepted}


def search_with_faiss(source: Any, target: Any, k: int) -> Any:
    """The exact search of faiss (IndexFlatIP), the one that XTREME's scripts call, in both directions."""
    import faiss

    from xstilts.metrics import mining

    def nearest(queries: Any, base: Any) -> Any:
        index = faiss.IndexFlatIP(base.shape[1])
        index.add(base)
        return index.search(queries, min(k, len(base)))

    return mining.Neighbours(*nearest(source, target), *nearest(target, source))


def vectors(sentences: int, hidden: int) -> tuple[Any, Any, set[tuple[int, int]]]:
    """Two sides of random vectors, in which a tenth of the rows are close; and the pairs of these rows."""
    rng = np.random.default_rng(1)
    source = rng.standard_normal((sentences, hidden), dtype=np.float32)
    target = rng.standard_normal((sentences, hidden), dtype=np.float32)
    left, right = (rng.permutation(sentences)[: sentences // 10] for _ in range(2))
    target[right] = source[left] + target[right]
    return source, target, set(zip(left.tolist(), right.tolist(), strict=True))


if __name__ == "__main__":
    main()
