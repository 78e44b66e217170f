"""Environments for the workflows here: the operations desk's systems, and a front desk of three errands."""

from .front_desk import FrontDesk
from .workplace import Workplace

__all__ = ["FrontDesk", "Workplace"]
