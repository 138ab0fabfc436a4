"""Which outcome of a room's verb becomes which answer. Complete matches, no default."""

from aiohttp import web

from gateway import cookies
from gateway.answers import (
    FrameAnswer,
    LaneAnswer,
    PassAnswer,
    PlaceAnswer,
    WaitAnswer,
    WhereAnswer,
)
from gateway.problems import Code, problem
from gateway.responses import answer, refusal
from queueing import (
    Admitted,
    ClaimOutcome,
    Frame,
    Gone,
    Joined,
    JoinOutcome,
    NotYet,
    Place,
    RoomClosed,
    Wait,
    turn_of,
)


def lane_answers(frame: Frame) -> list[LaneAnswer]:
    """The lanes of a frame as the outside sees them."""
    return [
        LaneAnswer(
            name=lane.name,
            serving=lane.serving,
            tail=lane.tail,
            drawn=lane.drawn,
            late=lane.late,
            rate_per_s=lane.rate_per_s,
            low_per_s=lane.low_per_s,
            high_per_s=lane.high_per_s,
            likely=lane.likely,
            possible=lane.possible,
        )
        for lane in frame.lanes
    ]


def frame_answer(frame: Frame) -> FrameAnswer:
    """The frame as the outside sees it."""
    return FrameAnswer(
        sale=frame.sale,
        drop=frame.drop,
        epoch=frame.epoch,
        state=frame.state,
        reason=frame.reason,
        message=frame.message,
        rate_per_s=frame.rate_per_s,
        stock=frame.stock,
        lanes=lane_answers(frame),
        seed=frame.seed,
        opens_at_ms=frame.opens_at_ms,
        lobby_at_ms=frame.lobby_at_ms,
        next_opens_at_ms=frame.next_opens_at_ms,
        at_ms=frame.at_ms,
        grace_ms=frame.grace_ms,
        poll_ms=frame.poll_ms,
        poll_max_ms=frame.poll_max_ms,
        poll_share=frame.poll_share,
        poll_spread=frame.poll_spread,
    )


def of_join(outcome: JoinOutcome, frame: FrameAnswer) -> web.Response:
    """What a join is answered with."""
    match outcome:
        case Joined(place_token=token, place=place, replayed=replayed):
            shown = PlaceAnswer(
                place=token,
                drop=place.drop,
                epoch=place.epoch,
                lane=place.lane,
                number=place.number,
                frame=frame,
            )
            cookie = cookies.keeping(place.sale, token)
            return answer(shown, 201, replayed=replayed, cookie=cookie)
        case NotYet(lobby_opens_ms=lobby_opens_ms):
            return refusal(problem(Code.LOBBY_NOT_OPEN, lobby_opens_ms=lobby_opens_ms))
        case RoomClosed(reason=reason):
            return refusal(problem(Code.ROOM_CLOSED, reason=reason))


def of_claim(outcome: ClaimOutcome) -> web.Response:
    """What a claim is answered with."""
    match outcome:
        case Admitted(pass_token=token, pass_claims=claims, replayed=replayed):
            shown = PassAnswer(pass_=token, expires_at_ms=claims.expires_at_ms)
            return answer(shown, 201, replayed=replayed)
        case Wait(ahead=ahead, retry_ms=retry_ms, reason=reason):
            return answer(WaitAnswer(ahead=ahead, retry_ms=retry_ms, reason=reason), 202)
        case Gone(reason=reason):
            return refusal(problem(Code.TURN_GONE, reason=reason))


def of_where(place: Place, frame: Frame) -> web.Response:
    """Where a place stands by the frame that this process keeps: no store is asked."""
    if place.epoch < frame.epoch:
        return refusal(problem(Code.TURN_GONE, "The line was begun anew.", reason="reset"))
    if place.drop < frame.drop:
        return refusal(problem(Code.TURN_GONE, "A later drop has begun.", reason="over"))
    turn = turn_of(frame, place)
    where = WhereAnswer(
        drop=place.drop,
        epoch=place.epoch,
        lane=place.lane,
        number=place.number,
        turn=turn,
        ahead=frame.ahead(place.lane, turn or place.number),
        state=frame.state,
        poll_ms=frame.poll_after_ms(place.lane, turn or place.number),
    )
    return answer(where)
