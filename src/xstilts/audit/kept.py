"""Audits in the store: store/audits/<key>.json, so that a plan is looked at once."""

import hashlib
import json

from xstilts.audit.audit import audit
from xstilts.audit.chains import Chain, RowSet, chains
from xstilts.audit.finding import Audit
from xstilts.audit.source import at_hand
from xstilts.data.loader import identity
from xstilts.errors import DamageError, InputError
from xstilts.store import Store, read_json, schema, write_json
from xstilts.study.phase import Evaluation
from xstilts.study.plan import Plan

VERSION = 2
"""Raised by hand whenever an audit would find something else in the same rows."""


def audited(plan: Plan, store: Store) -> Audit:
    """The audit of a plan: the one in the store, or a new one, which is then kept there."""
    found = stored(plan, store)
    if found is None:
        found = audit(plan)
        with store.guarded():
            path = store.root / "audits" / f"{_key(plan)}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_json(path, found.to_json())
    return found


def stored(plan: Plan, store: Store) -> Audit | None:
    """The audit in the store; None if this plan, with the rows that are at hand now, was not looked at."""
    path = store.root / "audits" / f"{_key(plan)}.json"
    if not path.is_file():
        return None
    try:
        return schema.made(read_json(path), Audit)
    except ValueError as error:
        raise DamageError(str(path), f"is no audit ({error}).", "Remove it: another one is made.") from error


def _key(plan: Plan) -> str:
    """What an audit depends on: the evaluations, and the rows at hand, also in languages not asked for."""
    evaluations = sorted(
        step.fingerprint for step in plan.steps if isinstance(step.specification, Evaluation)
    )
    seen = {part for one in chains(plan) for part in _parts(plan, one)}
    content = [VERSION, evaluations, [[str(part), _identity(plan, part)] for part in sorted(seen)]]
    return hashlib.sha256(json.dumps(content, ensure_ascii=False).encode()).hexdigest()[:16]


def _parts(plan: Plan, one: Chain) -> list[RowSet]:
    known = plan.places.task(one.use.task).languages
    asked = [RowSet(one.use.task, one.use.split, code) for code in known]
    return [*asked, *(seen.part for seen in one.seen)]


def _identity(plan: Plan, part: RowSet) -> str:
    task, data = plan.places.task(part.task), plan.places.data
    if not at_hand(task, part.split, part.language, data):
        return ""
    try:
        return identity(task, part.split, part.language, data)
    except InputError:
        return ""
