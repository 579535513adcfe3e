#!/usr/bin/env python3
"""Erases one big account beside other users at work: how soon the DELETE answers, when everything is gone, what the others notice."""

import time

from common import Client, Lethe, Watchers, arguments, leaver_and_others, show_latency

options = arguments(__doc__, posts=1_000_000, votes=1_000_000, preferences=1_000, before=20, max_wal_gb=1)
lethe = Lethe(options)
node = lethe.serve()
began = time.perf_counter()
lethe.imports(leaver_and_others(options.posts, options.votes, options.preferences))
print(f"{options.store}: imported in {time.perf_counter() - began:.0f} s")
if lethe.postgres:
    # How much is written before PostgreSQL must make a checkpoint, which everybody who commits feels. 1 is its own setting.
    lethe.postgres.query(f"ALTER SYSTEM SET max_wal_size = '{options.max_wal_gb}GB'")
    for statement in ("SELECT pg_reload_conf()", "VACUUM ANALYZE", "CHECKPOINT"):
        lethe.postgres.query(statement)

admin = Client(node.address, lethe.admin_token())
watchers = Watchers(lethe, node.address)
time.sleep(options.before)
show_latency("before", watchers.take())

began = time.perf_counter()
plan = admin.expect(200, "GET", "/v1/users/1/deletion-plan?mode=hard")
print(f"  the plan took {1000 * (time.perf_counter() - began):.0f} ms")
watchers.take()
began = time.perf_counter()
admin.expect(204, "DELETE", "/api/v2/user/1/?hard=1")
print(f"  DELETE was answered in {1000 * (time.perf_counter() - began):.0f} ms")
for path in ("/api/v2/user/1/", "/api/v2/post/1/", f"/api/v2/post/{options.posts}/", "/api/v2/user/1/preference/"):
    admin.expect(404, "GET", path)

done = 0
while True:
    erasure = admin.expect(200, "GET", "/v1/erasures/1")
    now = sum(step["done"] for step in erasure["steps"])
    if now < done:
        raise SystemExit(f"progress fell from {done} to {now}")
    done = now
    if erasure["state"] in ("done", "failed"):
        break
    time.sleep(0.2)
elapsed = time.perf_counter() - began
during = watchers.take()
watchers.end()
print(f"  {erasure['state']} after {elapsed:.1f} s: {done} rows, {erasure['rows_per_second']} rows a second, {erasure['attempts']} attempts")
show_latency("during", during)
print(f"  left: {lethe.left_of(1) or 'nothing'}; other users' failed requests: {len(watchers.failures)}")
planned = {kind["kind"]: kind["count"] for kind in plan["kinds"]}
removed = {step["kind"]: step["done"] for step in erasure["steps"]}
print(f"  the plan was {'true' if planned == removed else f'{planned}, and it was {removed}'}")
for path in (options.posts + 1, options.posts + options.votes // 2):
    post = admin.expect(200, "GET", f"/api/v2/post/{path}/")
    if post["vote_count"] != 0:
        raise SystemExit(f"the counter of another's post is wrong: {post}")
if erasure["state"] != "done" or lethe.left_of(1) or planned != removed:
    raise SystemExit(1)
