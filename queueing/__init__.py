"""The waiting room: who may go in, and when.

Here belong rules, lines, places, turns, passes and the frame. No HTTP, no stock, no environment:
how many units are left is told to the pump, what a pass is worth is decided at the till.
"""

from queueing.beacon import BadBeacon, Beacon, Round
from queueing.draw import DrawnLine
from queueing.draw_record import Draw
from queueing.drawn import turn_of
from queueing.fairness import BeaconOutcome, Fairness
from queueing.forecast import Course, Moment, Speed, as_it_was, habits_of, replayed
from queueing.frame import CeilingReason, Frame, LaneFrame, RateReason, standing_still
from queueing.joins import Joined, JoinOutcome, JoinRequest, NotYet, RoomClosed
from queueing.outflow import (
    Ceiling,
    DropBegun,
    Pumped,
    PumpReport,
    Resting,
)
from queueing.passes import BadPass, Pass, PassKeys, public_keys
from queueing.places import AGE_MAX_MS as PLACE_AGE_MAX_MS, BadPlace, Place
from queueing.proof import Finding, against, turn_of_key, verify
from queueing.recovery import Missing, Recovering, RoomLook, Whole
from queueing.room import Rooms
from queueing.rules import (
    ACTIVE_MAX,
    BURST_MAX,
    GRACE_MAX_MS,
    GRACE_MIN_MS,
    RATE_MAX_PER_S,
    BadRules,
    Lane,
    RoomRules,
)
from queueing.setting import (
    MESSAGE_MAX,
    Change,
    Changed,
    LineReset,
    NoRoom,
    RoomSet,
    RoomSettings,
    SetState,
    StaleRevision,
)
from queueing.turns import (
    FINISH_MAX,
    Admitted,
    ClaimOutcome,
    Gone,
    GoneReason,
    Inside,
    Left,
    Wait,
    WaitReason,
)

__all__ = [
    "ACTIVE_MAX",
    "BURST_MAX",
    "FINISH_MAX",
    "GRACE_MAX_MS",
    "GRACE_MIN_MS",
    "MESSAGE_MAX",
    "PLACE_AGE_MAX_MS",
    "RATE_MAX_PER_S",
    "Admitted",
    "BadBeacon",
    "BadPass",
    "BadPlace",
    "BadRules",
    "Beacon",
    "BeaconOutcome",
    "Ceiling",
    "CeilingReason",
    "Change",
    "Changed",
    "ClaimOutcome",
    "Course",
    "Draw",
    "DrawnLine",
    "DropBegun",
    "Fairness",
    "Finding",
    "Frame",
    "Gone",
    "GoneReason",
    "Inside",
    "JoinOutcome",
    "JoinRequest",
    "Joined",
    "Lane",
    "LaneFrame",
    "Left",
    "LineReset",
    "Missing",
    "Moment",
    "NoRoom",
    "NotYet",
    "Pass",
    "PassKeys",
    "Place",
    "PumpReport",
    "Pumped",
    "RateReason",
    "Recovering",
    "Resting",
    "RoomClosed",
    "RoomLook",
    "RoomRules",
    "RoomSet",
    "RoomSettings",
    "Rooms",
    "Round",
    "SetState",
    "Speed",
    "StaleRevision",
    "Wait",
    "WaitReason",
    "Whole",
    "against",
    "as_it_was",
    "habits_of",
    "public_keys",
    "replayed",
    "standing_still",
    "turn_of",
    "turn_of_key",
    "verify",
]
