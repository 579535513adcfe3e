#!/usr/bin/env python3
"""Records what 32 clients do to 8 keys of one user while the service is killed, and checks that each key behaved like one register.

The checker is `histories.py`. It is shown the history as it was, and copies of it with a fault planted, which it has to find."""

import copy
import http.client
import random
import threading
import time

from common import MERGE, Lethe, arguments, changes_of, sign_up
from histories import ABSENT, Operation, check, check_itself

options = arguments(__doc__, operations=100_000, clients=32, keys=8, kills=3, nodes=1, seed=1)
print(f"{options.store}: the checker judges {check_itself()} tiny histories as it should", flush=True)
lethe = Lethe(options, history__max_changes="10000000")
nodes = [lethe.serve() for _ in range(options.nodes)]
user = sign_up(nodes[0].client(lethe.admin_token()), "shared")
base = f"/v1/users/{user}/preferences/"
history, known, over = [], {}, threading.Event()
done = threading.Semaphore(0)
FIRST = 900_000_001  # Each client acts in its own name, which is then in the log.


def look(operation, item):
    """Notes what an answer showed."""
    if item is not None:
        operation.revision, operation.value = item["revision"], item["value"]
        known[operation.key] = (item["revision"], item["value"])


def request_of(operation, roll, turn):
    """Method, body and headers of what a client does next."""
    key, headers, method, body = operation.key, {}, "GET", None
    revision = known.get(key, (1, None))[0]
    mark = f"{operation.client}.{turn}"
    if roll < 0.40:
        if roll < 0.12 and key in known:
            headers["If_None_Match"] = f'"{revision}"'
        return method, body, headers
    if roll < 0.60:
        operation.kind, method, body = "put", "PUT", {"w": mark}
    elif roll < 0.77:
        operation.kind, method, body = "put", "PUT", {"w": mark}
        operation.create_only = random.random() < 0.4
    elif roll < 0.90:
        operation.kind, method, body = "merge", "PATCH", {"m": mark}
        headers.update(MERGE)
    else:
        operation.kind, method = "delete", "DELETE"
    operation.wrote = body
    if operation.create_only:
        headers["If_None_Match"] = "*"
    elif 0.60 <= roll < 0.77 or (roll >= 0.85 and random.random() < 0.5):
        operation.if_match = revision
        headers["If_Match"] = f'"{revision}"'
    return method, body, headers


def take(operation, answer, before):
    """Notes what an answer says; an answer that says nothing leaves the operation unknown."""
    if answer.status in (200, 201):
        operation.outcome = "read" if operation.kind == "get" else "written"
        look(operation, answer.body)
        operation.created = {("put", 201): True, ("put", 200): False}.get((operation.kind, answer.status))
    elif answer.status == 204:
        operation.outcome = "written"
    elif answer.status == 304 and before is not None and answer.headers["ETag"] == f'"{before[0]}"':
        operation.outcome, (operation.revision, operation.value) = "read", before
    elif answer.status == 404:
        operation.outcome = "read"
    elif answer.status == 412:
        operation.outcome = "refused"
        look(operation, answer.body["current"])
    elif answer.status != 503:
        raise SystemExit(f"{operation}: {answer}")


def work(client, token):
    connection, turn = nodes[client % len(nodes)].client(token), 0
    while not over.is_set():
        turn += 1
        operation = Operation(client, "get", f"k{random.randrange(options.keys)}", 0, float("inf"), "unknown")
        before = known.get(operation.key)
        method, body, headers = request_of(operation, random.random(), turn)
        if "If_None_Match" in headers and operation.kind == "get":
            headers["If_None_Match"] = f'"{before[0]}"'
        operation.start = time.monotonic()
        try:
            answer = connection.ask(method, base + operation.key, body, **headers)
            end = time.monotonic()
            take(operation, answer, before)
            if answer.status == 503:
                time.sleep(0.02)
            if operation.outcome != "unknown":
                operation.end = end
        except ConnectionRefusedError:
            time.sleep(0.02)
            continue  # Nobody has heard of it.
        except (OSError, http.client.HTTPException):
            pass
        history.append(operation)
        done.release()


random.seed(options.seed)
tokens = {client: lethe.token(client, "--role", "admin") for client in range(FIRST, FIRST + options.clients)}
threads = [threading.Thread(target=work, args=client, daemon=True) for client in tokens.items()]
began = time.perf_counter()
for thread in threads:
    thread.start()
for number in range(options.kills + 1):
    for _ in range(options.operations // (options.kills + 1) + 1):
        if not done.acquire(timeout=60):
            raise SystemExit("nothing goes on any more")
    if number < options.kills:
        for node in nodes:
            node.kill()
        nodes[:] = [lethe.restart(node) for node in list(nodes)]
over.set()
for thread in threads:
    thread.join()
seconds = time.perf_counter() - began

entries = changes_of(nodes[0].client(lethe.admin_token()), user)
log = [[change["revision"], change["key"], change.get("value", ABSENT), change["actor"]] for change in entries]
counts = {}
for operation in history:
    counts[f"{operation.kind} {operation.outcome}"] = counts.get(f"{operation.kind} {operation.outcome}", 0) + 1
print(f"  {len(history)} operations over {options.nodes} nodes in {seconds:.0f} s, {options.kills} kills, {len(log)} changes in the log", flush=True)
print(f"  {', '.join(f'{number} {name}' for name, number in sorted(counts.items()))}", flush=True)
began = time.perf_counter()
faults = check(history, log)
print(f"  {len(faults)} faults, checked in {time.perf_counter() - began:.1f} s", flush=True)
for fault in faults[:5]:
    print(f"    {fault}")


def planted_stale_read():
    """A read late in the history shows what its key held long before."""
    planted = [copy.copy(operation) for operation in history]
    reads = [operation for operation in planted if operation.kind == "get" and operation.outcome == "read" and operation.value is not ABSENT]
    read = reads[-1]
    older = [entry for entry in log if entry[1] == read.key and entry[2] is not ABSENT and entry[0] < read.revision]
    read.revision, _, read.value, _ = older[-100:][0]
    return planted, log


def planted_loss(kind):
    """The log has never heard of a write that was acknowledged, and the one before it stands in its place."""
    lost = [operation for operation in history if operation.kind == kind and operation.outcome == "written"]
    lost = lost[len(lost) // 2]
    if kind == "delete":
        return history, [entry for entry in log if not (entry[3] == lost.client and entry[1] == lost.key and entry[2] is ABSENT)]
    return history, [[revision, key, {"w": "another"} if revision == lost.revision else value, client] for revision, key, value, client in log]


def planted_disregard():
    """A write succeeded though it named another revision."""
    planted = [copy.copy(operation) for operation in history]
    writes = [operation for operation in planted if operation.kind == "put" and operation.outcome == "written"]
    write = next(operation for operation in writes if operation.if_match is not None)
    write.if_match += 1
    return planted, log


plants = {
    "a stale read": planted_stale_read,
    "a lost write": lambda: planted_loss("put"),
    "a lost deletion": lambda: planted_loss("delete"),
    "a condition that was ignored": planted_disregard,
}
missed = [name for name, plant in plants.items() if len(check(*plant())) <= len(faults)]
print(f"  planted and found: {', '.join(name for name in plants if name not in missed)}; not found: {', '.join(missed) or 'none'}")
if faults or missed or len(history) < options.operations:
    raise SystemExit(1)
