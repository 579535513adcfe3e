#!/usr/bin/env python3
"""Deletes and restores accounts beside the scheduler, with a short grace: none is lost, and none is purged before its time."""

import datetime
import threading

from common import Lethe, arguments, sign_up

options = arguments(__doc__, rounds=1_000, users=8, grace_ms=1_000)
lethe = Lethe(options, deletion__grace=f"{options.grace_ms}ms")
node = lethe.serve()
admin_token = lethe.admin_token()
outcomes = {"restored in time": 0, "purged in time": 0, "lost": 0, "purged early": 0}
lock = threading.Lock()


def moment(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def note(outcome):
    with lock:
        outcomes[outcome] += 1


def rounds_of(index, rounds):
    admin = node.client(admin_token)
    user, generation = None, 0
    for _ in range(rounds):
        if user is None:
            generation += 1
            user = sign_up(admin, f"user{index}.{generation}")
            kept = admin.expect(201, "POST", f"/api/v2/user/{user}/preference/", {"key": "k", "value": [1.0, {"b": 1, "a": 2}]})
        deleted = admin.expect(200, "DELETE", f"/v1/users/{user}?mode=soft", Prefer="return=representation")
        ticket = node.client(deleted["restore_token"])
        status, answer = ticket.send("POST", f"/v1/users/{user}/restore")
        if status == 200 and answer == {"restored": True}:
            found = admin.expect(200, "GET", f"/api/v2/user/{user}/preference/{kept['id']}/")
            note("restored in time" if found == kept else "lost")
        elif status in (401, 410):
            # The ticket ends when the account falls due: whoever comes later than that finds nothing left, sooner or later.
            erased = None
            while erased is None:
                status, erasure = admin.send("GET", f"/v1/erasures/{user}")
                erased = erasure if status == 200 else None
            note("purged in time" if moment(erasure["requested_at"]) >= moment(deleted["purge_at"]) else "purged early")
            user = None
        else:
            raise SystemExit(f"{status}: {answer}")


threads = [threading.Thread(target=rounds_of, args=(index, options.rounds // options.users)) for index in range(options.users)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(f"{options.store}: grace {options.grace_ms} ms, {sum(outcomes.values())} rounds: {outcomes}")
print(f"  {lethe.run('audit', 'verify')}")
if outcomes["lost"] or outcomes["purged early"] or sum(outcomes.values()) < options.rounds // options.users * options.users:
    raise SystemExit(1)
