"""A load on a Dropgate: locust users in the shape of a drop, and a verdict on what they saw.

`plan` says what is played, `locustfile` plays it in locust's processes, `watch` looks on, `judging`
compares what everybody was promised with what there is, `report` tells it.
"""
