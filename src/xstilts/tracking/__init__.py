"""Trackers: the course of a study in TensorBoard, Weights & Biases, MLflow, trackio, or what others wrote.

    tracker.py     what a tracker is, and what it is told; trackers by their names
    course.py      what there is to tell of a study, read from its plan and the store
    following.py   the listener of a run that tells the trackers, each in a thread of its own

Workers know nothing of trackers: what they leave in the store is told by the process that launched them. So
it makes no difference where steps are computed, and what a tracker missed is told by the next run.
"""
