"""A dry run of a rate: the traffic that this process recorded, replayed under other rules.

Nothing is asked of the store, and nothing is changed. The model is the forecast of queueing.
"""

import math
from collections.abc import Sequence

from gateway.board import Board
from gateway.operator_answers import CourseAnswer, ForecastAnswer
from gateway.problems import Code, Refused
from gateway.room_bodies import ForecastBody
from queueing import Course, Frame, Moment, Speed, as_it_was, habits_of, replayed

RECORD_MIN_MS = 2_000
POINTS_MAX = 180
"""So many moments of each line are told: a picture has no more columns."""


def forecast(board: Board, frame: Frame, asked: ForecastBody) -> ForecastAnswer:
    """What these rules would have made of the last minutes. Raises Refused without a record."""
    record = board.record(frame.sale)
    if not is_long_enough(record):
        raise Refused(Code.NO_RECORD, "This process has not watched the line for 2 seconds yet.")
    now = Speed(frame.operator_rate_per_s, frame.burst, frame.active_max)
    wanted = Speed(
        now.rate_per_s if asked.rate_per_s is None else asked.rate_per_s,
        asked.burst or now.burst,
        now.active_max if asked.active_max is None else asked.active_max,
    )
    habits = habits_of(record)
    # The newest moment is always told, and as many before it as there is room for.
    shown = range(len(record) - 1, -1, -math.ceil(len(record) / POINTS_MAX))[::-1]
    return ForecastAnswer(
        id=frame.sale,
        rate_per_s=wanted.rate_per_s,
        burst=wanted.burst,
        active_max=wanted.active_max,
        no_show_share=round(habits.gone, 3),
        visit_s=round(habits.visit_s, 1),
        units_each=round(habits.units, 2),
        was=_course(as_it_was(record, now), shown),
        model=_course(replayed(record, now), shown),
        would_be=_course(replayed(record, wanted), shown),
        at_ms=[record[at].at_ms for at in shown],
    )


def is_long_enough(record: Sequence[Moment]) -> bool:
    """Whether a line was watched for so long that something can be said of it."""
    return len(record) >= 2 and record[-1].at_ms - record[0].at_ms >= RECORD_MIN_MS


def _course(course: Course, shown: range) -> CourseAnswer:
    return CourseAnswer(
        admitted=course.admitted,
        inside_max=course.inside_max,
        waiting=course.waiting,
        waits_s=course.waits_s,
        through_s=course.through_s,
        lasts_s=course.lasts_s,
        line=[course.line[at] for at in shown],
    )
