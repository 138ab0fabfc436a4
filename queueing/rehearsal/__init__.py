"""Rehearsals: a whole line played on the real scripts, by a clock that runs as fast as it can.

Here belong the crowd, the play and what is found in it. The store is an empty one that is the
rehearsal's own; who asks for one, and how it is shown, is the caller's.
"""

from queueing.rehearsal.cost import JoinCost, measure_joins
from queueing.rehearsal.findings import Findings
from queueing.rehearsal.plan import Plan
from queueing.rehearsal.play import Play

__all__ = ["Findings", "JoinCost", "Plan", "Play", "measure_joins"]
