"""The ticket tracker, and the sensors that its issues are about: an issue in a sensor's own queue silences its alert."""

from __future__ import annotations

from typing import Any, ClassVar

from .parts import Ledger, named, one_of
from .tools import tool

PROJECTS = ("CDS", "TRX", "WNG", "HBX", "OPS")
SERVICES = ("fare-engine", "seat-map", "crew-portal", "parcel-relay")
QUEUES = {"QX-58": "CDS", "QX-59": "CDS", "VB-12": "OPS"}  # of each sensor


class Sensors:
    """Not asked by any tool: an alert sounds until somebody has opened an issue."""

    def __init__(self) -> None:
        self._alerts = {"QX-58": "sounding", "QX-59": "quiet", "VB-12": "quiet"}

    def acknowledge(self, project: str, summary: str) -> list[str]:
        """The sensors that fall silent for an issue."""
        heard = [
            sensor
            for sensor, alert in self._alerts.items()
            if alert == "sounding" and sensor in summary and QUEUES[sensor] == project
        ]
        self._alerts.update(dict.fromkeys(heard, "acknowledged"))
        return heard

    def state(self) -> dict[str, Any]:
        return dict(self._alerts)


class Tracker:
    name = "jira"
    tools: ClassVar[list[dict[str, Any]]] = [
        tool(
            "jira.create_issue",
            "Opens an issue.",
            project="the project's key in capital letters",
            severity={
                "enum": ["sev1", "sev2", "sev3"],
                "description": "sev1: down for all, or dangerous; sev2: slow, or failing for some; sev3: cosmetic, can wait",
            },
            summary="names the service or the sensor",
        )
    ]

    def __init__(self, sensors: Sensors) -> None:
        self._sensors = sensors
        self._issues = Ledger(
            {"project": "OPS", "severity": "sev3", "summary": "Gate 4 squeaks"},
            {"project": "TRX", "severity": "sev3", "summary": "Receipt is cut off on small printers"},
        )

    def create_issue(self, project: str, severity: str, summary: str) -> str:
        project, summary = one_of(project, PROJECTS, "project"), named(summary, "the summary")
        number = self._issues.add(project=project, severity=severity, summary=summary)
        heard = self._sensors.acknowledge(project, summary)
        return f"Issue {number} is open in {project}, {severity}." + "".join(
            f" The alert of {sensor} is silent." for sensor in heard
        )

    def has_issue_about(self, title: str) -> bool:
        """Whether an open issue and this title name the same service."""
        return any(service in issue["summary"] and service in title for issue in self._issues for service in SERVICES)

    def state(self) -> dict[str, Any]:
        return self._issues.state()
