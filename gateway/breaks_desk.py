"""The operator's view of reconciliations: the newest runs, and page by page what one has found.

The books' words are settlement's; making a run is the partner's, in `books_desk`.
"""

from gateway.bodies import BreaksQuery
from gateway.books_desk import day_of
from gateway.operator_answers import BreaksAnswer, KeptBreakAnswer, KeptRunAnswer
from settlement import Books, KeptBreak, KeptRun, breaks_of, newest_runs


async def breaks(books: Books, query: BreaksQuery) -> BreaksAnswer:
    """The newest runs, and breaks of the one asked for. Raises Refused for a day that is none."""
    day = day_of(query.date, "query") if query.date is not None else None
    runs = await newest_runs(books, query.partner, day)
    run = query.run or (runs[0].run_id if runs else None)
    found: list[KeptBreak] = []
    if run is not None:
        found = await breaks_of(books, run, query.class_, after=query.after, limit=query.limit)
    return BreaksAnswer(
        runs=[_run(one) for one in runs],
        breaks=[_break(one) for one in found],
        run=run,
        next=found[-1].position if len(found) == query.limit else None,
    )


def _run(run: KeptRun) -> KeptRunAnswer:
    return KeptRunAnswer(
        run=run.run_id,
        digest=run.digest,
        partner=run.partner,
        date=run.day.isoformat(),
        made_at_ms=int(run.made_at.timestamp() * 1000),
        lines_ours=run.lines_ours,
        lines_theirs=run.lines_theirs,
        lines_matched=run.lines_matched,
        counts=run.counts,
        cut=run.cut,
    )


def _break(one: KeptBreak) -> KeptBreakAnswer:
    found = one.found
    return KeptBreakAnswer(
        position=one.position,
        class_=found.class_,
        order=found.order,
        line=found.line,
        ours=found.ours,
        theirs=found.theirs,
        detail=found.detail,
        owner=found.owner,
        default_action=found.default_action,
    )
