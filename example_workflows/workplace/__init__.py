"""Environments for the workflows here: a front desk of three errands."""

from .front_desk import FrontDesk

__all__ = ["FrontDesk"]
