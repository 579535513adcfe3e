#!/usr/bin/env python3
"""Requests with an Idempotency-Key, sent again after kills and ten at once, in all three dialects: each has one effect, and one answer.

Between the first answer and the last attempt something else is written, over which a second effect would be seen. The control sends the
same requests without a key, and has to see effects twice."""

import concurrent.futures
import http.client
import itertools
import random
import threading
import time

from common import MERGE, Lethe, arguments, changes_of, sign_up

options = arguments(__doc__, rounds=2_000, workers=8, at_once=10, kills=30, nodes=1, control=60, seed=1)
random.seed(options.seed)
lethe = Lethe(options, history__max_changes="10000000", limits__keys_per_user="100000")
nodes = [lethe.serve() for _ in range(options.nodes)]
admin_token = lethe.admin_token()
JSON_PATCH = {"Content_Type": "application/json-patch+json"}
NATIVE, COMMUNITY, SETTINGS = "/v1/users/me", "/api/v2/user/me/preference/", "/settings/user"
figures = {"attempts": 0, "no answer": 0, "503": 0, "in use": 0, "replayed": 0, "raced": 0}
faults = []
lock = threading.Lock()


def count(name):
    with lock:
        figures[name] += 1


class Caller:
    """Asks until there is an answer, over however many restarts."""

    def __init__(self, token):
        self.token = token
        self.local = threading.local()

    def ask(self, method, path, body=None, **headers):
        while True:
            self.local.client = getattr(self.local, "client", None) or random.choice(nodes).client(self.token)
            count("attempts")
            try:
                answer = self.local.client.ask(method, path, body, **headers)
            except (OSError, http.client.HTTPException):
                count("no answer")
                time.sleep(0.02)
                continue
            if answer.status == 503 or (answer.status == 409 and "Retry-After" in answer.headers):
                count("503" if answer.status == 503 else "in use")
                time.sleep(0.02)
                continue
            return answer

    def must(self, method, path, body=None, **headers):
        """What prepares and disturbs may be sent again by nature."""
        answer = self.ask(method, path, body, **headers)
        if answer.status not in (200, 201, 204):
            raise SystemExit(f"{method} {path}: {answer.status} {answer.text}")
        return answer.body


class Act:
    """A request with one effect: what comes before it, it, what comes between its attempts, and how often it was seen in the log in the end."""

    def __init__(self, caller, mark):
        self.caller, self.mark = caller, mark
        self.key = f"k{mark}"
        self.prepare()

    def prepare(self):
        pass

    def put(self, key, value):
        return self.caller.must("PUT", f"{NATIVE}/preferences/{key}", value)["revision"]

    def puts(self, log, value):
        return sum(change["op"] == "put" and change["value"] == value for change in log)

    def deletions(self, log):
        return sum(change["op"] == "delete" and change["key"] == self.key for change in log)


class Merge(Act):
    def prepare(self):
        self.put("merge", {"m": "before"})

    def request(self):
        return "PATCH", f"{NATIVE}/preferences/merge", {"m": self.mark}, MERGE

    def disturb(self):
        self.put("merge", {"m": "between"})

    def effects(self, log):
        return self.puts(log, {"m": self.mark})


class MergeAll(Merge):
    def request(self):
        return "PATCH", f"{NATIVE}/preferences", {"merge": {"m": self.mark}}, MERGE


class Append(Act):
    """The sharpest: each effect leaves a trace by itself."""

    def prepare(self):
        self.put(self.key, [])

    def request(self):
        return "PATCH", f"{NATIVE}/preferences/{self.key}", [{"op": "add", "path": "/-", "value": 1}], JSON_PATCH

    def disturb(self):
        pass

    def effects(self, log):
        return max(len(change["value"]) for change in log if change["key"] == self.key and change["op"] == "put")


class Batch(Act):
    def request(self):
        operations = [{"op": "put", "key": "batch", "value": self.mark}, {"op": "merge", "key": "merged", "value": {"m": self.mark}}]
        return "POST", f"{NATIVE}/batch", {"operations": operations}, {}

    def disturb(self):
        self.put("batch", "between")

    def effects(self, log):
        return self.puts(log, self.mark)


class Revert(Act):
    def prepare(self):
        self.revision = self.put(self.key, self.mark)
        self.put(self.key, "before")

    def request(self):
        return "POST", f"{NATIVE}/revert", {"to": self.revision, "key": self.key}, {}

    def disturb(self):
        self.put(self.key, "between")

    def effects(self, log):
        return self.puts(log, self.mark) - 1


class Delete(Act):
    def prepare(self):
        self.put(self.key, self.mark)

    def request(self):
        return "DELETE", f"{NATIVE}/preferences/{self.key}", None, {}

    def disturb(self):
        self.put(self.key, "between")

    def effects(self, log):
        return self.deletions(log)


class CommunityCreate(Act):
    def request(self):
        return "POST", COMMUNITY, {"key": self.key, "value": self.mark}, {}

    def disturb(self):
        # It may have been removed by an attempt of this that was not answered.
        self.caller.ask("DELETE", f"{NATIVE}/preferences/{self.key}")

    def effects(self, log):
        return self.puts(log, self.mark)


class CommunityChange(Act):
    def prepare(self):
        self.put(self.key, "before")
        # Nobody knows ids but this dialect.
        page = self.caller.must("GET", f"{COMMUNITY}?key={self.key}")
        found = page if isinstance(page, list) else page.get("results", page.get("items"))
        self.id = next(item["id"] for item in found if item["key"] == self.key)

    def request(self):
        return "PATCH", f"{COMMUNITY}{self.id}/", {"value": self.mark}, {}

    def disturb(self):
        self.put(self.key, "between")

    def effects(self, log):
        return self.puts(log, self.mark)


class CommunityDelete(CommunityChange):
    def request(self):
        return "DELETE", f"{COMMUNITY}{self.id}/", None, {}

    def effects(self, log):
        return self.deletions(log)


class SettingsReplace(Act):
    """Removes whatever else there is, so it has a user of its own."""

    def request(self):
        return "POST", SETTINGS, {"settings": {"all": self.mark}}, {}

    def disturb(self):
        self.put("all", "between")

    def effects(self, log):
        return self.puts(log, self.mark)


class SettingsDelete(Delete):
    def request(self):
        return "DELETE", SETTINGS, {"keys": [self.key]}, {}


class Post(Act):
    """Its effects are counted among the posts."""

    def request(self):
        return "POST", "/api/v2/post/", {"text": f"post {self.mark}"}, {}

    def disturb(self):
        pass

    def effects(self, log):
        return lethe.count("posts", f"text = 'post {self.mark}'")


ACTS = [Merge, MergeAll, Append, Batch, Revert, Delete, CommunityCreate, CommunityChange, CommunityDelete, SettingsReplace, SettingsDelete, Post]


class Worker:
    """One who acts, with two users: one for acts on a whole set."""

    def __init__(self, name):
        self.name = name
        self.callers = [Caller(lethe.token(sign_up(nodes[0].client(admin_token), f"{name}{suffix}"))) for suffix in ("", ".whole")]
        self.acts = []

    def next_act(self, number):
        kind = ACTS[number % len(ACTS)]
        act = kind(self.callers[kind is SettingsReplace], f"{self.name}-{number}")
        self.acts.append(act)
        return act

    def go_on(self, numbers):
        with concurrent.futures.ThreadPoolExecutor(options.at_once) as crowd:
            for number in numbers:
                if number >= options.rounds and over.is_set():
                    return
                act = self.next_act(number)
                live(act, f"{type(act).__name__}-{act.mark}", crowd)

    def strange_effects(self):
        """Acts that had another number of effects than one, with that number."""
        logs = {caller: changes_of(nodes[0].client(caller.token)) for caller in self.callers}
        return [(type(act).__name__, effects) for act in self.acts if (effects := act.effects(logs[act.caller])) != 1]


def attempt(act, key):
    method, path, body, headers = act.request()
    answer = act.caller.ask(method, path, body, **headers, **({"Idempotency_Key": key} if key else {}))
    is_replayed = answer.headers["Idempotency-Replayed"] == "true"
    if is_replayed:
        count("replayed")
    return answer, is_replayed


def live(act, key, crowd):
    """All attempts at one act. Their answers must be the same, and all but one replayed; the first one may have been lost."""
    if random.random() < 0.3:
        count("raced")
        given = [future.result() for future in [crowd.submit(attempt, act, key) for _ in range(options.at_once)]]
    else:
        given = [attempt(act, key)]
    act.disturb()
    given += [attempt(act, key) for _ in range(random.choice([1, 2]))]
    first = given[0][0]
    if first.status not in (200, 201, 204):
        faults.append(f"{type(act).__name__} was refused: {first.status} {first.text}")
    if any((answer.status, answer.text) != (first.status, first.text) for answer, _ in given):
        faults.append(f"{type(act).__name__} was answered in different ways: {[(answer.status, answer.text) for answer, _ in given]}")
    if sum(not is_replayed for _, is_replayed in given) > 1 or not given[-1][1]:
        faults.append(f"{type(act).__name__}: {[is_replayed for _, is_replayed in given]} were replayed")


def kill_at_random():
    for _ in range(options.kills):
        time.sleep(random.uniform(0.2, 1.5))
        victim = random.randrange(len(nodes))
        nodes[victim] = lethe.restart(nodes[victim])
    over.set()


over = threading.Event()
workers = [Worker(f"worker{number}") for number in range(options.workers)]
threads = [threading.Thread(target=worker.go_on, args=(itertools.count(number, options.workers),)) for number, worker in enumerate(workers)]
began = time.perf_counter()
for thread in threads:
    thread.start()
kill_at_random()
for thread in threads:
    thread.join()
seconds = time.perf_counter() - began
wrong = [effect for worker in workers for effect in worker.strange_effects()]
acts = sum(len(worker.acts) for worker in workers)
print(f"{options.store}: {acts} acts of {len(ACTS)} kinds in {seconds:.0f} s, {options.kills} kills over {options.nodes} nodes")
print(f"  {figures}")
print(f"  {len(wrong)} had no effect or several {wrong[:5]}, {len(faults)} were not answered as they should {faults[:3]}", flush=True)

# The control: what the same requests do when nobody remembers them.
control = Worker("control")
for number in range(options.control):
    act = control.next_act(number)
    attempt(act, None)
    act.disturb()
    attempt(act, None)
seen = {name for name, effects in control.strange_effects() if effects == 2}
# An id is not given twice, so that this second attempt finds nothing to act on.
missed = {act.__name__ for act in ACTS} - seen - {"CommunityDelete"}
print(f"  control without a key: {len(seen)} kinds of {len(ACTS)} were seen to have their effect twice; not seen: {', '.join(missed) or 'none'}")
if wrong or faults or acts < options.rounds or missed:
    raise SystemExit(1)
