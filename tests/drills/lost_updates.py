#!/usr/bin/env python3
"""64 writers on 64 keys of one user: what was acknowledged is there in the end, through the client's `update` and through merge patches.

The control reads and then writes without a condition. It has to lose something, or nobody met anybody in here."""

import json
import random
import threading
import time

from common import MERGE, Lethe, arguments, script, sign_up

options = arguments(__doc__, rounds=10_000, keys=64, writers=64)
lethe = Lethe(options)
node = lethe.serve()
admin_token = lethe.admin_token()


def new_user(name):
    return lethe.token(sign_up(node.client(admin_token), name))


def values_of(token):
    client, values, cursor = node.client(token), {}, ""
    while cursor is not None:
        page = client.expect(200, "GET", f"/v1/users/me/preferences?limit=100{cursor and '&cursor=' + cursor}")
        values.update({item["key"]: item["value"] for item in page["items"]})
        cursor = page["next"]
    return values


def marks_in(values):
    return {(key, mark) for key, marks in values.items() for mark in marks}


class Writers:
    """Who leave marks under random keys, each round in its own way; notes what was acknowledged."""

    def __init__(self, token):
        self.token = token
        self.left = options.rounds
        self.acknowledged, self.unknown, self.answers = set(), set(), {}
        self.lock = threading.Lock()
        began = time.perf_counter()
        threads = [threading.Thread(target=self._go_on, args=(writer,), daemon=True) for writer in range(options.writers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.seconds = time.perf_counter() - began

    def _go_on(self, writer):
        client, turn = node.client(self.token), 0
        while True:
            with self.lock:
                if self.left <= 0:
                    return
                self.left -= 1
            key, mark, turn = f"key{random.randrange(options.keys)}", f"{writer}.{turn}", turn + 1
            status = self.leave(client, key, mark)
            with self.lock:
                self.answers[status] = self.answers.get(status, 0) + 1
                (self.acknowledged if status in (200, 201) else self.unknown).add((key, mark))

    def show(self, name):
        there = marks_in(values_of(self.token))
        lost, strange = self.acknowledged - there, there - self.acknowledged - self.unknown
        rate = options.rounds / self.seconds
        outcome = f"{len(lost)} lost, {len(strange)} that nobody wrote, answers {self.answers}"
        print(f"  {name}: {options.rounds} rounds, {outcome}, {rate:.0f} rounds a second", flush=True)
        return len(lost) + len(strange)


class Patching(Writers):
    def leave(self, client, key, mark):
        return client.send("PATCH", "/v1/users/me/preferences", {key: {mark: 1}}, **MERGE)[0]


class Careless(Writers):
    def leave(self, client, key, mark):
        path = f"/v1/users/me/preferences/{key}"
        status, item = client.send("GET", path)
        marks = item["value"] if status == 200 else {}
        return client.send("PUT", path, {**marks, mark: 1})[0]


def lost_through_the_client():
    token = new_user("updates")
    numbers = {"ROUNDS": str(options.rounds), "KEYS": str(options.keys), "WRITERS": str(options.writers)}
    process = script("lost_updates.mjs", {"LETHE_URL": f"http://{node.address}", "LETHE_TOKEN": token, **numbers})
    output = process.communicate()[0]
    if process.returncode != 0:
        raise SystemExit("the client failed")
    figures = json.loads(output)
    values = values_of(token)
    counters = {key: value for key, value in values.items() if key.startswith("counter")}
    there = marks_in({key: value for key, value in values.items() if key.startswith("marks")})
    acknowledged = {(key, mark) for key, marks in figures["marked"].items() for mark in marks}
    miscounted = sum(abs(figures["counted"].get(key, 0) - counters.get(key, 0)) for key in {*figures["counted"], *counters})
    wrong = miscounted + len(acknowledged ^ there)
    rate = options.rounds / figures["seconds"]
    print(
        f"  update: {sum(figures['counted'].values())} increments and {len(acknowledged)} marks, {wrong} lost or doubled,"
        f" {figures['conflicts']} conflicts, {figures['gave_up']} gave up at first, {rate:.0f} rounds a second",
        flush=True,
    )
    return wrong + (sum(figures["counted"].values()) + len(acknowledged) != options.rounds)


print(f"{options.store}: {options.writers} writers on {options.keys} keys", flush=True)
lost = lost_through_the_client() + Patching(new_user("patches")).show("merge patch")
lost_by_the_careless = Careless(new_user("careless")).show("control, GET then PUT")
if lost or not lost_by_the_careless:
    raise SystemExit(1)
