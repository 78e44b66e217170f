"""From what a session was told to its Evaluation, not yet begun.

In: pytest's config and our options. Out: an Evaluation with the config of the suite, the routes that were selected, this worker's
part of the session, and endpoints of ours or of other plugins. An UnderstudyError is a usage error to whoever calls.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .config.config import Config, find_config, load_config
from .config.endpoints import EndpointSettings, endpoint_of
from .endpoints.endpoint import Endpoint
from .errors import UnderstudyError
from .evaluation import Evaluation
from .options import Options
from .sampling.owner import Owner
from .sampling.part import Part
from .sampling.run import Sample

if TYPE_CHECKING:
    from .reports.export import Export


def prepared(config: pytest.Config, options: Options) -> Evaluation:
    """What the session evaluates. Raises UnderstudyError."""
    settings = _settings(config, options)
    input: Mapping[str, Any] = getattr(config, "workerinput", {})
    given: Mapping[str, Any] | None = input.get("understudy")

    def make_endpoint(settings: EndpointSettings, folder: Path, addresses: Sequence[str]) -> Endpoint:
        """An endpoint from another plugin's hook, else one of ours."""
        theirs: Endpoint | None = config.hook.pytest_understudy_endpoint(
            kind=settings.kind, settings={"name": settings.name, **settings.settings}
        )
        return theirs if theirs is not None else endpoint_of(settings, folder, addresses)

    def tell(samples: Sequence[Sample]) -> None:
        """Whoever listens hears of each; mostly nobody does."""
        hook = config.hook.pytest_understudy_sample
        for sample in samples if hook.get_hookimpls() else ():
            hook(sample=sample)

    return Evaluation(
        settings,
        settings.ladder if options.ladder else options.routes,
        root=config.rootpath,
        record=options.record,
        make_endpoint=make_endpoint,
        controls=options.controls,
        ladder=options.ladder,
        first=options.first,
        baseline=options.baseline,
        baseline_file=options.baseline_file,
        export=_export(options),
        split=options.split,
        replay=options.replay,
        spend_limit=options.spend_limit,
        record_prompts=options.record_prompts,
        part=Part.from_json(given) if given else None,
        owner=Owner(input["understudy_owner"]) if given else None,
        on_samples=tell,
    )


def _settings(config: pytest.Config, options: Options) -> Config:
    path = options.config or find_config(_first_path(config), config.rootpath)
    settings = options.over(load_config(path))
    if options.ladder and not settings.ladder:
        raise UnderstudyError("the config has no ladder: list its rungs in ladder = [...]", at=f"{path.name}: [understudy]")
    if options.first and settings.gate is None:
        raise UnderstudyError(
            "--understudy-first climbs to a rung that holds the gate, and there is none: set [gate], or a threshold"
        )
    return settings


def _export(options: Options) -> Export | None:
    if options.export_sft is None:
        return None
    from .reports.export import Export

    return Export(options.export_sft, options.export_clusters, options.export_holdout)


def _first_path(config: pytest.Config) -> Path:
    first = (config.args or [""])[0].split("::")[0]
    return Path(os.path.abspath(config.invocation_params.dir / first))  # noqa: PTH100  # as pytest has its rootdir: links kept
