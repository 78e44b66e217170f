"""The kinds of work at an operations desk, and what is to be done for each.

In: the values of a message's placeholders. Out: the gold actions, as the playbook in operations.yaml has them. `wordings/` holds
the messages themselves, each family's under its name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Filled = Mapping[str, str]
Action = dict[str, Any]

SCHEDULING = "Scheduling and coordination"
COMPLIANCE = "Compliance and safety"
FACILITIES = "Facilities and inventory"
LEGAL = "Legal and document operations"
CROSS_SYSTEM = "Cross-system workflow execution"


@dataclass(frozen=True)
class Family:
    """`needs` are the placeholders that every wording of it has; `impact` among them is a cue that decides a level."""

    category: str
    cluster: str
    needs: tuple[str, ...]
    gold: Callable[[Filled], list[Action]]


def _action(tool: str, **arguments: Any) -> Action:
    return {"tool": tool, "arguments": arguments}


def _event(title: str, v: Filled) -> Action:
    return _action("calendar.create_event", title=title, date=v["date"], start=v["start"])


def _booking(v: Filled) -> Action:
    return _action("rooms.book", room=v["room"], date=v["date"], start=v["start"])


def _post(channel: str, text: str) -> Action:
    return _action("slack.post", channel=channel, text=text)


def _mail(to: str, subject: str) -> Action:
    return _action("email.send", to=to, subject=subject)


def _row(sheet: str, item: str, value: str) -> Action:
    return _action("sheets.append_row", sheet=sheet, item=item, value=value)


def _record(database: str, record: str, status: str) -> Action:
    return _action("notion.update_record", database=database, record=record, status=status)


def _safety(kind: str, v: Filled) -> Action:
    return _action("safety.report", kind=kind, location=v["location"], severity=v["level"])


def _issue(v: Filled, summary: str) -> Action:
    return _action("jira.create_issue", project=v["project"], severity=v["level"], summary=summary)


def _page(space: str, title: str) -> Action:
    return _action("confluence.create_page", space=space, title=title)


def _order(asset: str, v: Filled) -> Action:
    return _action("maintenance.schedule", asset=asset, vendor=v["vendor"], date=v["date"])


FAMILIES: dict[str, Family] = {
    "kickoff": Family(
        SCHEDULING,
        "Project kickoff",
        ("project", "room", "date", "start"),
        lambda v: [_event(v["project"], v), _booking(v)],
    ),
    "room-conflict": Family(
        SCHEDULING,
        "Room conflict",
        ("old_room", "room", "date", "start", "organiser"),
        lambda v: [_booking(v), _mail(v["organiser"], f"Now in {v['room']}")],
    ),
    "training": Family(
        SCHEDULING,
        "Training",
        ("course", "date", "start", "seats"),
        lambda v: [_event(v["course"], v), _row("Training roster", v["course"], v["seats"])],
    ),
    "maintenance-window": Family(
        SCHEDULING,
        "Maintenance window",
        ("system", "date", "start"),
        lambda v: [_event(v["system"], v), _post("#it-status", f"Maintenance of {v['system']}")],
    ),
    "hazmat": Family(
        COMPLIANCE,
        "Hazmat",
        ("location", "impact"),
        lambda v: [_safety("hazmat", v), _post("#safety", f"Hazmat: {v['location']}")],
    ),
    "injury": Family(
        COMPLIANCE,
        "Safety incident",
        ("location", "impact", "supervisor"),
        lambda v: [_safety("injury", v), _mail(v["supervisor"], f"Injury: {v['location']}")],
    ),
    "policy": Family(
        COMPLIANCE,
        "Policy notice",
        ("policy",),
        lambda v: [_page("Policies", v["policy"]), _post("#general", f"New policy: {v['policy']}")],
    ),
    "sensor-alert": Family(
        COMPLIANCE,
        "Sensor alert",
        ("sensor", "project", "impact"),
        lambda v: [_issue(v, v["sensor"])],
    ),
    "calibration": Family(
        FACILITIES,
        "Calibration",
        ("asset", "vendor", "date"),
        lambda v: [_order(v["asset"], v)],
    ),
    "parcel": Family(
        FACILITIES,
        "Mailroom",
        ("code", "recipient"),
        lambda v: [_row("Mail log", v["code"], v["recipient"]), _mail(v["recipient"], f"Parcel {v['code']}")],
    ),
    "vehicle-broken": Family(
        FACILITIES,
        "Fleet",
        ("vehicle", "vendor", "date"),
        lambda v: [_action("fleet.set_status", vehicle=v["vehicle"], status="in_repair"), _order(v["vehicle"], v)],
    ),
    "vehicle-repaired": Family(
        FACILITIES,
        "Fleet",
        ("vehicle",),
        lambda v: [_action("fleet.set_status", vehicle=v["vehicle"], status="in_service")],
    ),
    "spoiled": Family(
        FACILITIES,
        "Perishable inventory",
        ("item", "quantity"),
        lambda v: [
            _action("inventory.remove", item=v["item"], quantity=int(v["quantity"])),
            _post("#facilities", f"Spoiled: {v['item']}"),
        ],
    ),
    "lease-ended": Family(
        LEGAL,
        "Drive / Notion lease archive",
        ("tenant", "file", "folder"),
        lambda v: [_action("drive.move_file", file=v["file"], folder=v["folder"]), _record("Leases", v["tenant"], "archived")],
    ),
    "contract": Family(
        LEGAL,
        "DocuSign",
        ("document", "signer"),
        lambda v: [
            _action("docusign.send_envelope", document=v["document"], signer=v["signer"]),
            _record("Contracts", v["document"], "sent"),
        ],
    ),
    "nda": Family(
        LEGAL,
        "NDA",
        ("company", "signer"),
        lambda v: [
            _action("docusign.send_envelope", document=f"NDA {v['company']}", signer=v["signer"]),
            _post("#legal", f"NDA: {v['company']}"),
        ],
    ),
    "outage": Family(
        CROSS_SYSTEM,
        "Jira / Confluence incident",
        ("service", "project", "impact"),
        lambda v: [
            _issue(v, v["service"]),
            _page("Incidents", v["service"]),
            _post("#it-status", f"Incident: {v['service']}"),
        ],
    ),
    "vendor": Family(
        CROSS_SYSTEM,
        "Pipefy vendor onboarding",
        ("vendor", "country", "contact"),
        lambda v: [
            _action("pipefy.create_card", pipe="Vendor onboarding", title=v["vendor"], country=v["country"]),
            _record("Vendors", v["vendor"], "onboarding"),
            _mail(v["contact"], f"Onboarding: {v['vendor']}"),
        ],
    ),
    "subscriber": Family(
        CROSS_SYSTEM,
        "Mailchimp list",
        ("email", "audience"),
        lambda v: [
            _action("mailchimp.add_contact", audience=v["audience"], email=v["email"]),
            _row("Subscribers", v["email"], v["audience"]),
        ],
    ),
    "budget": Family(
        CROSS_SYSTEM,
        "Sheets / Slack budget",
        ("cost_centre", "amount"),
        lambda v: [_row("Budget", v["cost_centre"], v["amount"]), _post("#procurement", f"Budget: {v['cost_centre']}")],
    ),
    "launch": Family(
        CROSS_SYSTEM,
        "Product launch",
        ("product", "date", "start"),
        lambda v: [
            _event(v["product"], v),
            _record("Products", v["product"], "launched"),
            _page("Releases", v["product"]),
            _post("#marketing", f"Launch: {v['product']}"),
        ],
    ),
}
