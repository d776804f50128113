"""Predict, then reveal: questions whose answers are computed by running the model, never written down here.

A check answers with a reason. Nothing is revealed before the learner has committed to an answer. A repair of the driver
is answered by exploring it: the shortest schedule that still breaks it is the reason. A suspicion is held against the
reviewed driver in the same way.
"""

from balloonlab.course.exercises.question import Question
from balloonlab.course.exercises.questions import QUESTIONS, question
from balloonlab.course.exercises.repairs import REPAIRS, Answer, Repair, repair
from balloonlab.course.exercises.suspicions import SUSPICIONS, Suspicion, suspicion

__all__ = [
    "QUESTIONS",
    "REPAIRS",
    "SUSPICIONS",
    "Answer",
    "Question",
    "Repair",
    "Suspicion",
    "question",
    "repair",
    "suspicion",
]
