#!/usr/bin/env python3
"""Kills the service at random moments of an erasure, again and again: it always ends, progress never falls, each row counts once."""

import random
import time

from common import Lethe, arguments, leaver_and_others

options = arguments(__doc__, posts=100_000, votes=100_000, preferences=1_000, kills=50, nodes=1, seed=1)
random.seed(options.seed)
lethe = Lethe(options)
lethe.imports(leaver_and_others(options.posts, options.votes, options.preferences))
token = lethe.admin_token()
nodes = [lethe.serve() for _ in range(options.nodes)]
nodes[0].client(token).expect(204, "DELETE", "/api/v2/user/1/?hard=1")

seen = {"rows": 0, "kills": 0}


def look(node):
    erasure = node.client(token).expect(200, "GET", "/v1/erasures/1")
    rows = sum(step["done"] for step in erasure["steps"])
    if rows < seen["rows"]:
        raise SystemExit(f"progress fell from {seen['rows']} to {rows}")
    seen["rows"] = rows
    return erasure


began = time.perf_counter()
while True:
    erasure = look(nodes[-1])
    if erasure["state"] in ("done", "failed"):
        break
    if seen["kills"] >= options.kills:
        time.sleep(0.1)
        continue
    # Only while it goes on: a node that has just started waits for the lease of the one that died.
    before = seen["rows"]
    while look(nodes[-1])["state"] not in ("done", "failed") and seen["rows"] == before:
        time.sleep(0.01)
    time.sleep(random.uniform(0.0, 0.1))
    victim = random.randrange(len(nodes))
    nodes[victim].kill()
    seen["kills"] += 1
    nodes[victim] = lethe.serve()
expected = {
    "reservations": 2,
    "profile": 1,
    "votes_cast": options.votes // 2,
    "votes_received": options.votes - options.votes // 2,
    "posts": options.posts,
    "preferences": options.preferences,
    "changes": options.preferences,
    "holds": 0,
}
removed = {step["kind"]: step["done"] for step in erasure["steps"]}
print(f"{options.store}: {seen['kills']} kills over {options.nodes} nodes, {erasure['state']} after {time.perf_counter() - began:.0f} s, {erasure['attempts']} attempts")
print(f"  each row counted once: {removed == expected}; left: {lethe.left_of(1) or 'nothing'}")
if erasure["state"] != "done" or removed != expected or lethe.left_of(1) or seen["kills"] < options.kills:
    raise SystemExit(f"{removed} instead of {expected}, {seen['kills']} kills")
