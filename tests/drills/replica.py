#!/usr/bin/env python3
"""Copies of a set of preferences against random writes, a network that breaks, restarts, revisions that get other numbers, and a log so short that it
often does not reach back.

After each round every copy is compared with the service, text for text. One copy is a mutant that misses events; it has to be found out."""

import http.client
import json
import random
import subprocess
import threading
import time
import urllib.parse

from common import MERGE, Lethe, arguments, script, sign_up

options = arguments(__doc__, rounds=1_000, writes=40, seed=1)
random.seed(options.seed)
lethe = Lethe(options, history__max_changes="20", history__look_every="1s")
node = lethe.serve()
user = sign_up(node.client(lethe.admin_token()), "copied")
token = lethe.token(user)
NATIVE = "/v1/users/me"
KEYS = [f"k{number}" for number in range(30)] + ["a/b", "ü 😀", "100%"]
VALUES = ["1", "1.0", "1e2", "9007199254740993", "null", '"ü😀"', "[1,[2.50]]", '{"b":1,"a":{"c":null}}', '""', "{}"]
figures = {"writes": 0, "refused or lost": 0, "SIGTERM": 0, "SIGKILL": 0, "offline": 0, "edits": 0, "renumberings": 0, "mismatches": 0, "found mutants": 0}


def segment(key):
    return urllib.parse.quote(key, safe="")


def text_of(value):
    """A value with every digit, for comparison: numbers stay texts, members keep their order."""
    return json.dumps(value, ensure_ascii=False)


def exactly(text):
    return json.loads(text, parse_int=lambda digits: f"int {digits}", parse_float=lambda digits: f"float {digits}")


class Copies:
    """The Node script and the copies that it keeps."""

    def __init__(self):
        env = {"LETHE_URL": f"http://{node.address}", "LETHE_TOKEN": token, "SEED": str(options.seed)}
        self.process = script("replica.mjs", env, stdin=subprocess.PIPE)

    def tell(self, command, **input):
        self.process.stdin.write(json.dumps({"command": command, **input}) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit("the copies are gone")
        return json.loads(answer)


def write(client):
    """One write of some kind, whose answer does not matter: a condition may fail, a key may be absent."""
    key, value = random.choice(KEYS), json.loads(random.choice(VALUES))
    number = random.randrange(1_000_000)
    path = f"{NATIVE}/preferences/{segment(key)}"
    back = random.randrange(1, 40)
    patch = {random.choice(KEYS): random.choice([None, number, {"m": number}]) for _ in range(3)}
    operations = [{"op": "put", "key": key, "value": number}, {"op": "delete", "key": random.choice(KEYS)}]
    acts = [
        lambda: client.send("PUT", path, value),
        lambda: client.send("PUT", path, {"n": number, "x": [1.5, number]}),
        lambda: client.send("PATCH", path, {"n": number, "x": None}, **MERGE),
        lambda: client.send("PATCH", f"{NATIVE}/preferences", patch, **MERGE),
        lambda: client.send("DELETE", path),
        lambda: client.send("POST", f"{NATIVE}/batch", {"atomic": False, "operations": operations}),
        lambda: revert(client, back),
        lambda: client.send("PUT", "/settings/user", {key: number, random.choice(KEYS): None}),
        lambda: client.send("DELETE", "/settings/user", {"keys": [key, random.choice(KEYS)]}),
    ]
    weights = [5, 5, 3, 2, 3, 2, 1, 2, 1]
    return random.choices(acts, weights)[0]()


def revert(client, back):
    status, page = client.send("GET", f"{NATIVE}/preferences?limit=1")
    if status != 200:
        return status, page
    return client.send("POST", f"{NATIVE}/revert", {"to": max(0, page["revision"] - back)})


def write_some(number):
    client = node.client(token)
    for _ in range(number):
        try:
            status, answer = write(client)
            if status >= 500 and status != 503 or status == 400:
                raise SystemExit(f"a write was answered {status}: {answer}")
            figures["writes" if status < 300 else "refused or lost"] += 1
        except (OSError, http.client.HTTPException):
            figures["refused or lost"] += 1
            time.sleep(0.01)


def held():
    """What the service holds, read while nobody writes: its revision, and exact values."""
    client, items, cursor = node.client(token), {}, ""
    while cursor is not None:
        answer = client.ask("GET", f"{NATIVE}/preferences?limit=100{cursor and '&cursor=' + cursor}")
        if answer.status == 503:
            time.sleep(0.02)
            continue
        page = exactly(answer.text)
        items.update({item["key"]: text_of(item["value"]) for item in page["items"]})
        cursor, revision = page["next"], answer.headers["ETag"].strip('"')
    return int(revision), items


def is_same(copy, revision, items):
    entries = {key: text_of(exactly(text)) for key, text in copy["entries"].items()}
    return (copy["revision"], copy["pending"], entries) == (revision, 0, items)


def disturb(copies, restarts):
    """What may happen in a round beside writes."""
    global node
    dart = random.random()
    if restarts and dart < 0.3:
        gently = dart < 0.15
        figures["SIGTERM" if gently else "SIGKILL"] += 1
        time.sleep(random.uniform(0, 0.2))
        node = lethe.restart(node, gently)
    elif dart < 0.3:
        figures["offline"] += 1
        copies.tell("offline")
        if dart < 0.15:
            # Long enough for the log to be made shorter meanwhile.
            time.sleep(random.uniform(1.0, 1.6))
    if random.random() < 0.03:
        figures["renumberings"] += 1
        lethe.run("renumber")
    for _ in range(random.choice([0, 0, 1, 3])):
        figures["edits"] += 1
        copies.tell("edit", key=random.choice(KEYS), text=random.choice([*VALUES, None]))


copies = Copies()
began = time.perf_counter()
state = {}
for number in range(options.rounds):
    writers = [threading.Thread(target=write_some, args=(random.randint(1, options.writes // 2),)) for _ in range(2)]
    for writer in writers:
        writer.start()
    # All restarts are in one stage: for a minute after one, logs are not made shorter, for nobody knows that the last who did is gone.
    disturb(copies, restarts=0.25 <= number / options.rounds < 0.4)
    for writer in writers:
        writer.join()
    copies.tell("online")
    synced = copies.tell("sync")
    revision, items = held()
    state = copies.tell("reach", revision=revision)
    for name, copy in [("synced", synced), ("watched", state["watched"]), ("followed", state["followed"])]:
        if not is_same(copy, revision, items):
            figures["mismatches"] += 1
            print(f"  round {number}: {name} is not what the service holds at {revision}: {copy['revision']}, {copy['pending']} pending")
            theirs = {key: text_of(exactly(text)) for key, text in copy["entries"].items()}
            print(f"    {[(key, theirs.get(key), items.get(key)) for key in {*theirs, *items} if theirs.get(key) != items.get(key)][:3]}", flush=True)
    figures["found mutants"] += not is_same(state["mutant"], revision, items)
told = state["figures"]
kept = lethe.count("changes", f"user_id = {user}")
seconds = time.perf_counter() - began
print(f"{options.store}: {options.rounds} rounds in {seconds:.0f} s, {3 * options.rounds} catch-ups, at last at revision {revision}")
print(f"  {figures}")
print(f"  the watch: {told['events']} events, {told['resyncs']} resyncs, {told['cut']} streams cut")
print(f"  all copies: {told['expired']} times the log was too short, {told['lost']} requests or answers lost")
print(f"  gaps or repeats: {len(told['faults'])} {told['faults'][:3]}; of the mutant: {told['mutant_faults']}; changes kept in the end: {kept}")
if figures["mismatches"] or told["faults"]:
    raise SystemExit(1)
if not (figures["found mutants"] and told["mutant_faults"] and told["resyncs"] and told["expired"]):
    raise SystemExit("something that was to be seen was not")
