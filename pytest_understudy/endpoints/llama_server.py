"""The child process of the embedded endpoint: llama.cpp's server on a free loopback port, or several of them.

In: their settings as one JSON argument. Out: one JSON line with their URLs on stdout, once the model is loaded; all else that is
printed goes to stderr. It is run as a file, never imported, and ends with its owner: at the end of stdin, which the owner's
death closes too, however it dies; and when its parent is another, since a fork of the owner may hold the pipe open.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from typing import Any


def main() -> None:
    settings = json.loads(sys.argv[1])
    urls = os.dup(1)
    os.dup2(2, 1)  # llama.cpp may print on stdout, which nobody reads after the first line
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    servers = [_server(settings) for _ in range(settings["servers"])]
    os.write(urls, json.dumps({"urls": [server.listening_address for server in servers]}).encode() + b"\n")
    while os.name != "posix" or os.getppid() == settings["owner"]:
        time.sleep(0.5)
    os._exit(0)


def _end_with_stdin() -> None:
    while os.read(0, 4096):
        pass
    os._exit(0)  # not sys.exit: the server's own threads would be waited for


def _server(settings: dict[str, Any]) -> Any:
    # Its threads spin while they wait for each other, which takes long on cores that others use too: there two threads made 0.6
    # tokens a second. Where they never spin each wait takes a switch: two slots of two quiet cores then made 60 tokens a second,
    # with so many turns 107 (on busy ones 63 and 42). It is read once, when the library is loaded.
    os.environ.setdefault("GOMP_SPINCOUNT", "300")
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = settings["model"]
    params.n_parallel = settings["parallel"]
    params.n_ctx = settings["context"] * settings["parallel"]  # n_ctx is the total, and is divided among the slots
    # Tokens are made one after another, and threads wait for each other at each: of two quiet cores, one made 89 a second and two
    # that sleep in turns 50; of two busy ones 45 and 26. A prompt is read in large pieces: 187 and 347.
    params.cpuparams.n_threads = max(1, (settings["cores"] - 1) // settings["servers"])
    params.cpuparams_batch.n_threads = max(1, settings["cores"] // settings["servers"])
    # Behind 2,000 tokens a token takes 20 ms without it and 31 with it, behind 300 the same; so long a prompt is read in 10 s
    # instead of 7, once: it is cached.
    params.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
    # An idle connection holds a thread of the server's until it expires: xdist's workers have their own connections.
    params.n_threads_http = 2 * settings["parallel"] + 16
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.ui = False
    params.verbosity = 0
    params.fit_params = False
    params.cache_ram_mib = 0  # else 8 GB are kept for prompts
    if settings["adapters"]:
        params.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(path, 1.0) for path in settings["adapters"]]
        params.lora_init_without_apply = True
    return xllamacpp.Server(params)


if __name__ == "__main__":
    main()
