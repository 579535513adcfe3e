#!/usr/bin/env python3
"""How soon a write on one node is told on another one, with and without notifications, and whether kills make gaps or repeats.

On SQLite one node is both. The checks are shown a gap and a repeat as well, which they have to see."""

import http.client
import itertools
import os
import signal
import threading
import time

from common import Lethe, arguments, percentile, sign_up, watch

options = arguments(__doc__, writes=2_000, rate=50, unnotified=400, kills=3, followers=4, bound_ms=3_000)
lethe = Lethe(options)
nodes = [lethe.serve() for _ in range(2 if lethe.postgres else 1)]
admin = nodes[0].client(lethe.admin_token())
user = sign_up(admin, "writer")
token = lethe.token(user)
PATH = "/v1/users/me/preferences/k"


class Follower:
    """Follows over as many connections as it takes, and notes when which revision came."""

    def __init__(self, address):
        self.address = address
        self.events, self.connections, self.faults = [], 0, []
        self.there = threading.Event()
        self.changed = threading.Condition()
        threading.Thread(target=self._follow, daemon=True).start()
        if not self.there.wait(10):
            raise SystemExit("a watch did not begin")

    def _follow(self):
        last = None
        while True:
            self.connections += 1
            for event in watch(self.address, token, last=last):
                self.there.set()
                if event.kind in ("put", "delete", "resync"):
                    last = event.revision
                    with self.changed:
                        self.events.append(event)
                        self.changed.notify_all()
            time.sleep(0.05)

    def wait_for(self, revision):
        with self.changed:
            if not self.changed.wait_for(lambda: self.events and self.events[-1].revision >= revision, timeout=30):
                raise SystemExit(f"revision {revision} was not told within 30 s")

    def begin_anew(self):
        with self.changed:
            self.events = []


def faults_in(events, first, last):
    """Each revision once and in order, and nothing else."""
    told = [event.revision for event in events if event.kind == "put"]
    wrong = [pair for pair in itertools.zip_longest(told, range(first, last + 1)) if pair[0] != pair[1]]
    return wrong + [event for event in events if event.kind != "put"]


def written(client, value):
    """The revision of a write, with the moments before it was sent and after it was answered."""
    before = time.monotonic()
    item = client.expect(200, "PUT", PATH, value)
    return item["revision"], before, time.monotonic()


def measure(name, writes):
    for follower in followers:
        follower.begin_anew()
    client, moments, began = nodes[0].client(token), {}, time.monotonic()
    for number in range(writes):
        time.sleep(max(0.0, began + number / options.rate - time.monotonic()))
        revision, before, after = written(client, f"{name} {number}")
        moments[revision] = (before, after)
    faults, from_request, from_answer = 0, [], []
    for follower in followers:
        follower.wait_for(max(moments))
        faults += len(faults_in(follower.events, min(moments), max(moments)))
        for event in follower.events:
            before, after = moments[event.revision]
            from_request.append(event.at - before)
            from_answer.append(event.at - after)
    print(f"  {name}: {writes} writes at {writes / (time.monotonic() - began):.0f} a second, {len(followers)} followers, {faults} gaps or repeats")
    for since, times in [("answer", from_answer), ("request", from_request)]:
        p50, p99, longest = (percentile(times, part) for part in (0.5, 0.99, 1))
        print(f"    from the {since}: p50 {p50:.1f} ms, p99 {p99:.1f} ms, max {longest:.1f} ms", flush=True)
    return faults, percentile(from_answer, 0.5), percentile(from_answer, 1)


def terminate_listeners(over):
    """Again and again, so that hardly any notification finds a listener."""
    loop = """DO $$ BEGIN FOR turn IN 1..20 LOOP
        PERFORM pg_stat_clear_snapshot(), pg_sleep(0.05);
        PERFORM pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN %' AND pid <> pg_backend_pid();
    END LOOP; END $$"""
    while not over.is_set():
        lethe.postgres.query(loop)


def without_notifications(usual):
    """With listeners that are ended, and with listeners that stand still, which nobody can tell from listeners who hear nothing."""
    over = threading.Event()
    terminator = threading.Thread(target=terminate_listeners, args=(over,))
    terminator.start()
    figures = [measure("listeners ended", options.unnotified)]
    over.set()
    terminator.join()
    for follower in followers:
        follower.begin_anew()
    time.sleep(2)
    listeners = lethe.postgres.query("SELECT pid FROM pg_stat_activity WHERE query LIKE 'LISTEN %' AND pid <> pg_backend_pid()")
    listeners = [int(pid) for (pid,) in listeners]
    for pid in listeners:
        os.kill(pid, signal.SIGSTOP)
    try:
        figures.append(measure("listeners stopped", options.unnotified))
    finally:
        for pid in listeners:
            os.kill(pid, signal.SIGCONT)
    if len(listeners) != len(nodes):
        raise SystemExit(f"{len(listeners)} listeners of {len(nodes)} nodes")
    for _, half, longest in figures:
        if longest > options.bound_ms or half <= usual:
            raise SystemExit(f"without notifications it took {longest:.0f} ms at the most, and half of it {half:.0f} ms or more")
    return sum(faults for faults, _, _ in figures)


def survive_kills():
    """Writes go on while all nodes are killed; whoever follows comes back after the last event that it saw."""
    for follower in followers:
        follower.begin_anew()
    before = nodes[0].client(token).expect(200, "GET", "/v1/users/me/preferences?limit=1")["revision"]
    connections = sum(follower.connections for follower in followers)
    over, answered = threading.Event(), [0, 0]

    def write(writer):
        client, number = nodes[writer % len(nodes)].client(token), 0
        while not over.is_set():
            number += 1
            try:
                status, _ = client.send("PUT", PATH, f"kill {writer}.{number}")
                answered[status != 200] += 1
            except (OSError, http.client.HTTPException):
                answered[1] += 1
                time.sleep(0.02)

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(options.kills):
        time.sleep(2)
        for node in nodes:
            node.kill()
        nodes[:] = [lethe.restart(node) for node in list(nodes)]
    time.sleep(2)
    over.set()
    for thread in threads:
        thread.join()
    last = nodes[0].client(token).expect(200, "GET", "/v1/users/me/preferences?limit=1")["revision"]
    faults = 0
    for follower in followers:
        follower.wait_for(last)
        faults += len(faults_in(follower.events, before + 1, last))
    connections = sum(follower.connections for follower in followers) - connections
    print(f"  {options.kills} kills of all nodes: {answered[0]} writes answered, {answered[1]} not, {last - before} revisions")
    print(f"    {connections} new connections, {faults} gaps or repeats")
    events = followers[0].events
    half = len(events) // 2
    planted = [events[:half] + events[half + 1 :], events[:half] + events[half - 1 :]]
    if not all(faults_in(plant, before + 1, last) for plant in planted):
        raise SystemExit("a planted gap or repeat was not seen")
    return faults + (connections < options.kills * len(followers))


nodes[0].client(token).expect(201, "PUT", PATH, "first")
followers = [Follower(nodes[-1].address) for _ in range(options.followers)]
print(f"{options.store}: {len(nodes)} nodes", flush=True)
faults, usual, _ = measure("notified", options.writes)
if lethe.postgres:
    faults += without_notifications(usual)
faults += survive_kills()
if faults:
    raise SystemExit(1)
