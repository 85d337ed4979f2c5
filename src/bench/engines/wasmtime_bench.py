"""Times the wasm module under wasmtime: MODULE DIRECTORY ROUNDS. Prints one line of JSON.

Runs with every release of the wasmtime package since 0.38, the engine of APISIX's plugin host.
"""

import ctypes
import json
import struct
import sys
import time

import wasmtime

module, directory, rounds = sys.argv[1:]
store = wasmtime.Store()
instance = wasmtime.Instance(store, wasmtime.Module.from_file(store.engine, module), [])
try:
    exports = instance.exports(store)
except TypeError:  # The first releases bound the store to the instance.
    exports = instance.exports
memory = exports["memory"]
buffer, ingest, pending, change = (exports[name] for name in ("buffer", "ingest", "pending", "change"))


def read(name):
    with open(f"{directory}/{name}", "rb") as file:
        return file.read()


def put(message):
    at = buffer(store, len(message))
    start = ctypes.addressof(memory.data_ptr(store).contents)
    ctypes.memmove(start + at, message, len(message))


def feed(message):
    put(message)
    if ingest(store) != 1:
        raise RuntimeError("a message was refused")


def timed(run):
    """Milliseconds."""
    start = time.perf_counter()
    run()
    return (time.perf_counter() - start) * 1000


def whole():
    global length
    for message in messages:
        feed(message)
    length = pending(store)


def apply(message):
    put(message)
    if change(store) == 0:
        raise RuntimeError("a change was refused")


messages = [read(f"{kind}.pb") for kind in ("cds", "eds", "lds", "rds")]
length = 0
snapshot = []
for _ in range(int(rounds)):
    exports["reset"](store)
    snapshot.append(timed(whole))
memory_bytes = memory.data_len(store)
exports["commit"](store)

changes = []
everything = read("changes.bin")
at = 0
while at < len(everything):
    end = at + 4 + struct.unpack_from("<I", everything, at)[0]
    message = everything[at + 4 : end]
    changes.append(timed(lambda: apply(message)))
    at = end
print(json.dumps({"snapshot": snapshot, "changes": changes, "bytes": length, "memory": memory_bytes}))
