#!/usr/bin/env python3
"""A checker of recorded histories: whether every key behaved like one register, in the order of its revisions. Run by itself, it checks itself.

Everything is known of the order of writes: the log of changes has it, and says who wrote. So a history is linearizable if each answer fits
the log, and no operation has seen, or become, an older version than one that had completed before it began, or a newer one than there was
when it ended."""

import dataclasses
import heapq
import typing

ABSENT = object()
NEVER = float("inf")


@dataclasses.dataclass
class Operation:
    """One request and its answer. `revision` and `value` are those that the answer showed: of the write, or of what was read."""

    client: int
    kind: str  # get, put, merge or delete
    key: str
    start: float
    end: float
    outcome: str  # read, written, refused (its condition did not hold, and it showed what is there) or unknown
    wrote: typing.Any = None
    revision: int | None = None
    value: typing.Any = ABSENT
    if_match: int | None = None
    create_only: bool = False
    created: bool | None = None


class Version(typing.NamedTuple):
    revision: int
    value: typing.Any
    actor: int | None


def merged(value, patch):
    """RFC 7396."""
    if not isinstance(patch, dict):
        return patch
    result = dict(value) if isinstance(value, dict) else {}
    for name, part in patch.items():
        if part is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), part)
    return result


def check(history, log):
    """What is wrong with a history, given the whole log as [revision, key, value or ABSENT, client]."""
    faults = []
    if [revision for revision, *_ in log] != list(range(1, len(log) + 1)):
        faults.append("the log has gaps or repeats")
    versions = {}
    for revision, key, value, client in log:
        versions.setdefault(key, [Version(0, ABSENT, None)]).append(Version(revision, value, client))
    writes, more = _writes_of(history, log, versions)
    faults += more
    by_key = {}
    for operation in history:
        by_key.setdefault(operation.key, []).append(operation)
    for key, operations in by_key.items():
        faults += _check_key(operations, versions.get(key, [Version(0, ABSENT, None)]), writes)
    return faults


def _before(versions, revision):
    """The version of a key that one with this revision replaced."""
    low, high = 0, len(versions)
    while low < high:
        middle = (low + high) // 2
        if versions[middle].revision < revision:
            low = middle + 1
        else:
            high = middle
    return versions[low - 1] if low else None


def _fits(operation, entry, versions):
    """Whether an entry of the log can be what an operation did."""
    revision, key, value, _ = entry
    if operation.key != key or operation.revision not in (None, revision):
        return False
    before = _before(versions[key], revision)
    if operation.kind == "delete":
        return value is ABSENT and before.value is not ABSENT
    if operation.kind == "merge":
        return before.value is not ABSENT and value == merged(before.value, operation.wrote)
    return value == operation.wrote


def _writes_of(history, log, versions):
    """Which operation made which revision. A client does one thing after the other, so the log has its writes in their order."""
    faults, writes = [], {}
    entries_of, operations_of = {}, {}
    for entry in log:
        entries_of.setdefault(entry[3], []).append(entry)
    for operation in history:
        if operation.kind != "get" and operation.outcome in ("written", "unknown"):
            operations_of.setdefault(operation.client, []).append(operation)
    for client in {*entries_of, *operations_of}:
        entries = entries_of.get(client, [])
        operations = sorted(operations_of.get(client, []), key=lambda operation: operation.start)
        # Where in its entries the client can be after each of its operations, and from where it came there.
        steps = [{0: None}]
        for operation in operations:
            reached = {}
            for place in steps[-1]:
                if operation.outcome == "unknown":
                    reached.setdefault(place, place)
                if place < len(entries) and _fits(operation, entries[place], versions):
                    reached.setdefault(place + 1, place)
            if not reached:
                faults.append(f"a write is not in the log where it should be: {operation}")
                break
            steps.append(reached)
        else:
            if len(entries) not in steps[-1]:
                faults.append(f"client {client} made changes that it did not ask for: {entries[max(steps[-1]):][:2]}")
                continue
            place = len(entries)
            for operation, reached in zip(reversed(operations), reversed(steps[1:])):
                came_from = reached[place]
                if came_from != place:
                    writes[entries[came_from][0]] = operation
                place = came_from
    return writes, faults


def _check_key(operations, versions, writes):
    faults = []
    values = {version.revision: version.value for version in versions}
    revision_of = {id(operation): revision for revision, operation in writes.items()}
    absent = [version.revision for version in versions if version.value is ABSENT]
    newest, running = 0, []  # The newest version that an operation showed which has completed.
    for number, operation in enumerate(sorted(operations, key=lambda operation: operation.start)):
        while running and running[0][0] < operation.start:
            newest = max(newest, heapq.heappop(running)[2])
        if operation.outcome == "unknown":
            continue
        if operation.outcome == "written":
            shown = revision_of.get(id(operation))
            if shown is None:
                continue  # It was complained of already.
            if shown <= newest:
                faults.append(f"a write became older than what was known ({newest}): {operation}")
            faults += _check_write(operation, _before(versions, shown), values[shown])
        else:
            shown = operation.revision
            if operation.value is ABSENT:
                # Which absence it was is not said: the first that is possible is the one that asks least of others.
                shown = next((revision for revision in absent if revision >= newest and _began(writes, revision) <= operation.end), None)
                if shown is None:
                    faults.append(f"nothing was read, though there was something ({newest}): {operation}")
                    continue
            elif values.get(shown, ABSENT) is ABSENT or values[shown] != operation.value:
                faults.append(f"what was read never was: {operation}")
                continue
            if shown < newest:
                faults.append(f"a stale read, for {newest} was known: {operation}")
            if _began(writes, shown) > operation.end:
                faults.append(f"a read of what was not written yet: {operation}")
            if operation.outcome == "refused" and (operation.if_match == shown or (operation.create_only and operation.value is ABSENT)):
                faults.append(f"a condition held and was refused: {operation}")
        heapq.heappush(running, (operation.end, number, shown))
    return faults


def _began(writes, revision):
    return writes[revision].start if revision in writes else 0.0


def _check_write(operation, before, value):
    if operation.if_match is not None and operation.if_match != before.revision:
        return [f"a condition did not hold ({before.revision}) and was ignored: {operation}"]
    if operation.create_only and before.value is not ABSENT:
        return [f"it was there ({before.revision}) and was created: {operation}"]
    if operation.created is not None and operation.created != (before.value is ABSENT):
        return [f"created or replaced, it was the other ({before.revision}): {operation}"]
    if operation.kind != "delete" and operation.value != value:
        return [f"the log has another value: {operation}"]
    return []


def _put(client, start, end, value, revision, **more):
    return Operation(client, "put", "k", start, end, "written", value, revision, value, **more)


def _get(client, start, end, value, revision):
    return Operation(client, "get", "k", start, end, "read", None, revision, value)


def check_itself():
    """Tiny histories: good ones are passed, bad ones are not."""
    one, two = [1, "k", "a", 1], [2, "k", "b", 2]
    deleted = [2, "k", ABSENT, 2]
    first, second = _put(1, 0, 1, "a", 1), _put(2, 2, 3, "b", 2)
    delete = Operation(2, "delete", "k", 2, 3, "written")
    lost = Operation(1, "put", "k", 0, 1, "unknown", "a")
    merge = Operation(2, "merge", "k", 2, 3, "written", {"m": 1}, 2, {"w": 1, "m": 1})
    base = _put(1, 0, 1, {"w": 1}, 1)
    refused = Operation(2, "put", "k", 2, 3, "refused", "b", 1, "a", if_match=1)
    good = {
        "reads between and during writes": (
            [first, second, _get(3, 1.1, 1.9, "a", 1), _get(3, 2.1, 2.9, "a", 1), _get(4, 2.2, 2.8, "b", 2)],
            [one, two],
        ),
        "absent before, and after a deletion": ([_get(3, 0, 0.5, ABSENT, None), first, delete, _get(3, 4, 5, ABSENT, None)], [one, deleted]),
        "an unknown write that took place": ([lost, _get(2, 2, 3, "a", 1)], [one]),
        "an unknown write that did not": ([lost, _get(2, 2, 3, ABSENT, None)], []),
        "an unknown deletion, then one that is known": (
            [first, Operation(2, "delete", "k", 2, 3, "unknown"), Operation(2, "delete", "k", 4, 5, "written")],
            [one, deleted],
        ),
        "a condition that held": ([first, _put(2, 2, 3, "b", 2, if_match=1, created=False)], [one, two]),
        "a merge": ([base, merge], [[1, "k", {"w": 1}, 1], [2, "k", {"w": 1, "m": 1}, 2]]),
        "a condition that did not hold": ([first, dataclasses.replace(refused, if_match=7)], [one]),
    }
    bad = {
        "a stale read": ([first, second, _get(3, 4, 5, "a", 1)], [one, two]),
        "absent after a write": ([first, _get(3, 4, 5, ABSENT, None)], [one]),
        "there after a deletion": ([first, delete, _get(3, 4, 5, "a", 1)], [one, deleted]),
        "a read goes back": ([first, _put(2, 2, 9, "b", 2), _get(3, 3, 4, "b", 2), _get(4, 5, 6, "a", 1)], [one, two]),
        "absence goes back": ([_put(1, 0, 9, "a", 1), _get(3, 1, 2, "a", 1), _get(4, 3, 4, ABSENT, None)], [one]),
        "a read from the future": ([first, second, _get(3, 1.1, 1.5, "b", 2)], [one, two]),
        "a deletion from the future": ([first, delete, _get(3, 1.1, 1.5, ABSENT, None)], [one, deleted]),
        "an acknowledged write is lost": ([first, second], [one]),
        "an acknowledged deletion is lost": ([first, delete], [one]),
        "a change that nobody asked for": ([first], [one, two]),
        "two writes with one revision": ([first, _put(2, 2, 3, "b", 1)], [one]),
        "a write goes back": ([dataclasses.replace(first, start=4, end=5), second], [one, two]),
        "another value than was written": ([first], [[1, "k", "c", 1]]),
        "a value that never was": ([first, _get(3, 2, 3, "x", 1)], [one]),
        "a condition that was ignored": ([first, _put(2, 2, 3, "b", 2, if_match=7)], [one, two]),
        "a creation over something": ([first, _put(2, 2, 3, "b", 2, create_only=True)], [one, two]),
        "a condition that held and was refused": ([first, refused], [one]),
        "a merge that lost something": ([base, dataclasses.replace(merge, value={"m": 1})], [[1, "k", {"w": 1}, 1], [2, "k", {"m": 1}, 2]]),
        "a gap in the log": ([first, _put(2, 2, 3, "b", 3)], [one, [3, "k", "b", 2]]),
    }
    for name, (history, log) in good.items():
        if faults := check(history, log):
            raise SystemExit(f"the checker complains of {name}: {faults}")
    for name, (history, log) in bad.items():
        if not check(history, log):
            raise SystemExit(f"the checker does not see {name}")
    return len(good) + len(bad)


if __name__ == "__main__":
    print(f"{check_itself()} histories are judged as they should be")
