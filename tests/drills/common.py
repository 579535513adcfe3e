"""What the drills share: the built binary on a store of its own, clients that speak to it, and a private PostgreSQL."""

import argparse
import atexit
import contextlib
import glob
import http.client
import json
import os
import shutil
import subprocess
import tempfile
import threading
import time
import typing
import urllib.parse
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ADMIN = 900_000_000


def arguments(description, **defaults):
    """The arguments of a drill: the store, the binary, and whole numbers with these defaults."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--store", choices=["sqlite", "postgres"], default="postgres")
    parser.add_argument("--binary", default=str(ROOT / "target/release/lethe"))
    for name, default in defaults.items():
        parser.add_argument("--" + name.replace("_", "-"), type=int, default=default)
    return parser.parse_args()


class Postgres:
    """A database of its own on a private cluster, which ends with this process."""

    def __init__(self):
        self.folder = tempfile.mkdtemp()
        os.chmod(self.folder, 0o755)
        start = [ROOT / "tests/postgres", "start", f"{self.folder}/cluster", str(os.getpid())]
        self.url = subprocess.run(start, check=True, capture_output=True, text=True).stdout.strip()

    def query(self, sql):
        """The rows of a query, as lists of texts."""
        psql = (sorted(glob.glob("/usr/lib/postgresql/*/bin/psql")) or ["psql"])[-1]
        output = subprocess.run([psql, "-qAt", "-F\t", self.url, "-c", sql], check=True, capture_output=True, text=True).stdout
        return [line.split("\t") for line in output.splitlines()]


class Lethe:
    """One installation. Several nodes may run on its store."""

    def __init__(self, options, **settings):
        self.binary = options.binary
        self.home = tempfile.mkdtemp()
        atexit.register(shutil.rmtree, self.home, ignore_errors=True)
        self.postgres = Postgres() if options.store == "postgres" else None
        self.env = {
            **os.environ,
            "LETHE__DATA_DIR": f"{self.home}/data",
            "LETHE__STORAGE__URL": self.postgres.url if self.postgres else "",
            "LETHE__HTTP__LISTEN": "127.0.0.1:0",
            "LETHE__LOG__LEVEL": "warn",
            **{"LETHE__" + name.upper(): value for name, value in settings.items()},
        }
        self.nodes = []
        atexit.register(self.kill_all)

    def run(self, *command, **options):
        """What a command prints."""
        done = subprocess.run([self.binary, *command], env=self.env, cwd=self.home, check=True, stdout=subprocess.PIPE, text=True, **options)
        return done.stdout.strip()

    def serve(self, listen="127.0.0.1:0"):
        """A new node, once it answers."""
        log = open(f"{self.home}/log", "ab")
        env = {**self.env, "LETHE__HTTP__LISTEN": listen}
        process = subprocess.Popen([self.binary, "serve"], env=env, cwd=self.home, stdout=subprocess.PIPE, stderr=log, text=True)
        greeting = process.stdout.readline()
        if not greeting.startswith("lethe listening on http://"):
            raise SystemExit(f"the service did not start: {Path(self.home, 'log').read_text()}")
        threading.Thread(target=process.stdout.read, daemon=True).start()
        node = Node(process, urllib.parse.urlsplit(greeting.split()[-1]).netloc)
        self.nodes.append(node)
        return node

    def restart(self, node, gently=False):
        """The node that follows another one at its address."""
        if gently:
            node.stop()
        else:
            node.kill()
        self.nodes.remove(node)
        return self.serve(node.address)

    def kill_all(self):
        for node in self.nodes:
            node.kill()

    def token(self, user, *options):
        return self.run("token", "issue", "--ttl", "1day", "--user", str(user), *options)

    def admin_token(self):
        return self.token(ADMIN, "--role", "admin")

    def imports(self, records):
        """Imports records, of which none may be refused."""
        process = subprocess.Popen([self.binary, "import", "-"], env=self.env, cwd=self.home, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        threading.Thread(target=process.stderr.read, daemon=True).start()
        for record in records:
            process.stdin.write(record + "\n")
        process.stdin.close()
        if process.wait() != 0:
            raise SystemExit("the import refused something")

    def count(self, table, condition):
        """Rows of a table, looked up behind the service's back."""
        sql = f"SELECT count(*) FROM {table} WHERE {condition}"
        if self.postgres:
            return int(self.postgres.query(sql)[0][0])
        import sqlite3

        with contextlib.closing(sqlite3.connect(f"file:{self.home}/data/lethe.sqlite?mode=ro", uri=True)) as connection:
            return connection.execute(sql).fetchone()[0]

    def left_of(self, user):
        """What still names a user, by table."""
        places = {
            "reservations": f"user_id = {user}",
            "users": f"id = {user} AND username IS NOT NULL",
            "votes": f"user_id = {user} OR post_owner_id = {user}",
            "posts": f"user_id = {user}",
            "preferences": f"user_id = {user}",
            "changes": f"user_id = {user}",
            "holds": f"user_id = {user}",
        }
        left = {table: self.count(table, condition) for table, condition in places.items()}
        return {table: number for table, number in left.items() if number}


class Node:
    """A running service."""

    def __init__(self, process, address):
        self.process = process
        self.address = address

    def kill(self):
        """Ends it as a power cut would."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def stop(self):
        """Ends it in order."""
        self.process.terminate()
        self.process.wait()

    def client(self, token=None):
        return Client(self.address, token)


class Answer(typing.NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    text: bytes
    body: typing.Any


class Client:
    """A caller with a connection of its own."""

    def __init__(self, address, token):
        self.address = address
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.connection = None

    def send(self, method, path, body=None, **headers):
        """Status and body of an answer; a connection that breaks raises."""
        answer = self.ask(method, path, body, **headers)
        return answer.status, answer.body

    def ask(self, method, path, body=None, **headers):
        """A whole answer; a connection that breaks raises."""
        if self.connection is None:
            self.connection = http.client.HTTPConnection(self.address, timeout=30)
        sent = {**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        if body is not None:
            body = json.dumps(body)
            sent.setdefault("Content-Type", "application/json")
        try:
            self.connection.request(method, path, body, sent)
            answer = self.connection.getresponse()
            text = answer.read()
        except BaseException:
            self.connection.close()
            self.connection = None
            raise
        return Answer(answer.status, answer.headers, text, json.loads(text) if text.startswith((b"{", b"[")) else text.decode())

    def expect(self, status, method, path, body=None, **headers):
        found, answer = self.send(method, path, body, **headers)
        if found != status:
            raise SystemExit(f"{method} {path}: {found} instead of {status}: {answer}")
        return answer


MERGE = {"Content_Type": "application/merge-patch+json"}


def changes_of(client, user="me"):
    """The whole log of a user's changes."""
    changes, more = [], True
    while more:
        since = changes[-1]["revision"] if changes else 0
        page = client.expect(200, "GET", f"/v1/users/{user}/changes?since={since}")
        changes, more = changes + page["changes"], page["more"]
    return changes


class Event(typing.NamedTuple):
    at: float
    kind: str
    revision: int | None
    data: typing.Any


def watch(address, token, user="me", last=None):
    """The events of one connection, each with the moment at which it came; ends when the connection does."""
    connection = http.client.HTTPConnection(address, timeout=60)
    headers = {"Authorization": f"Bearer {token}"}
    if last is not None:
        headers["Last-Event-ID"] = str(last)
    try:
        connection.request("GET", f"/v1/users/{user}/changes/watch", headers=headers)
        answer = connection.getresponse()
        if answer.status == 503:
            return
        if answer.status != 200:
            raise SystemExit(f"a watch was answered {answer.status}: {answer.read().decode()}")
        fields = {}
        while line := answer.readline():
            text = line.decode().rstrip("\n")
            name, _, value = text.partition(": ")
            if text:
                fields[name] = value
            elif "event" in fields:
                revision = fields.get("id")
                yield Event(time.monotonic(), fields["event"], int(revision) if revision else None, json.loads(fields["data"]))
                fields = {}
            else:
                # A comment: the connection stands, or still does.
                yield Event(time.monotonic(), "comment", None, fields.get("", ""))
                fields = {}
    except (OSError, http.client.HTTPException):
        pass
    finally:
        connection.close()


def script(name, env, **options):
    """A Node script beside the drills, over the TypeScript client."""
    if not (ROOT / "clients/typescript/dist/index.js").exists():
        raise SystemExit("the client is not built: run `npm ci && npm run build` in clients/typescript")
    return subprocess.Popen(["node", ROOT / "tests/drills" / name], env={**os.environ, **env}, stdout=subprocess.PIPE, text=True, **options)


def sign_up(admin, username, **fields):
    return admin.expect(201, "POST", "/api/v2/sso/signup/", {"username": username, **fields})["id"]


def percentile(times, part):
    """In milliseconds, of times in seconds."""
    ordered = sorted(times)
    return 1000 * ordered[min(len(ordered) - 1, int(len(ordered) * part))] if ordered else float("nan")


class Watchers:
    """Users who go on reading and writing, one request after the other with a pause, and note how long each takes."""

    def __init__(self, lethe, address, number=8, pause=0.02):
        self.times = {"read": [], "write": []}
        self.failures = []
        self.stop = threading.Event()
        admin = Client(address, lethe.admin_token())
        self.threads = [threading.Thread(target=self._go_on, args=(lethe, address, admin, index, pause), daemon=True) for index in range(number)]
        self.ready = threading.Barrier(number + 1)
        self.lock = threading.Lock()
        for thread in self.threads:
            thread.start()
        self.ready.wait()

    def _go_on(self, lethe, address, admin, index, pause):
        with self.lock:
            user = sign_up(admin, f"watcher{index}")
        client = Client(address, lethe.token(user))
        made = client.expect(201, "POST", "/api/v2/user/me/preference/", {"key": "k", "value": 0})
        path = f"/api/v2/user/me/preference/{made['id']}/"
        self.ready.wait()
        value = 0
        while not self.stop.is_set():
            value += 1
            for kind, method, body in [("read", "GET", None), ("write", "PATCH", {"value": value})]:
                began = time.perf_counter()
                status, answer = client.send(method, path, body)
                self.times[kind].append(time.perf_counter() - began)
                if status != 200:
                    self.failures.append((status, answer))
                time.sleep(pause)

    def take(self):
        """What was noted since the last time."""
        taken, self.times = self.times, {"read": [], "write": []}
        return taken

    def end(self):
        self.stop.set()
        for thread in self.threads:
            thread.join()


def show_latency(name, times):
    for kind, noted in times.items():
        print(f"  {name} {kind}s: {len(noted)} requests, p50 {percentile(noted, 0.5):.1f} ms, p99 {percentile(noted, 0.99):.1f} ms, max {percentile(noted, 1):.1f} ms")


def leaver_and_others(posts, votes, preferences, leaver=1, other=2):
    """The records of a user with so much of everything; half of its votes were cast by it, half by another on its posts."""
    for user in (leaver, other):
        yield json.dumps({"type": "user", "id": user, "username": f"user{user}", "ext_id": f"x-{user}"})
    for key in range(preferences):
        yield f'{{"type":"preference","user_id":{leaver},"key":"key{key}","value":{key}}}'
    cast, received = votes // 2, votes - votes // 2
    for post in range(1, posts + 1):
        yield f'{{"type":"post","user_id":{leaver},"id":{post},"kind":"post","text":"text of the post {post}"}}'
    for post in range(posts + 1, posts + cast + 1):
        yield f'{{"type":"post","user_id":{other},"id":{post},"kind":"post","text":"text of the post {post}"}}'
    for post in range(1, received + 1):
        yield f'{{"type":"vote","user_id":{other},"post_id":{post}}}'
    for post in range(posts + 1, posts + cast + 1):
        yield f'{{"type":"vote","user_id":{leaver},"post_id":{post}}}'
