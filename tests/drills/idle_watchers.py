#!/usr/bin/env python3
"""Thousands who follow and hear nothing, on one node: its memory, its processor time, its connections, and whether one write reaches its own.

`--watchers-each 1` gives each of them a user of its own, 100 makes a hundred of them follow the same one."""

import concurrent.futures
import json
import os
import resource
import selectors
import socket
import time

from common import Lethe, arguments

options = arguments(__doc__, watchers=5_000, watchers_each=1, seconds=30, limit_mb=200)
resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
lethe = Lethe(options)
users = range(1, options.watchers // options.watchers_each + 1)
lethe.imports([json.dumps({"type": "user", "id": user, "username": f"user{user}"}) for user in [*users, len(users) + 1]])
with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
    tokens = dict(zip(users, pool.map(lethe.token, users)))
node = lethe.serve()
process = f"/proc/{node.process.pid}"


def resident_mb():
    with open(f"{process}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1024


def processor_seconds():
    with open(f"{process}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def database_connections():
    return lethe.count("pg_stat_activity", "backend_type = 'client backend' AND pid <> pg_backend_pid()") if lethe.postgres else 0


class Watchers:
    """Open streams, each with what it has said so far."""

    def __init__(self):
        self.selector = selectors.DefaultSelector()
        self.heard = {}

    def open(self, user):
        host, port = node.address.rsplit(":", 1)
        stream = socket.create_connection((host, int(port)))
        request = f"GET /v1/users/me/changes/watch HTTP/1.1\r\nHost: {node.address}\r\nAuthorization: Bearer {tokens[user]}\r\n\r\n"
        stream.sendall(request.encode())
        self.heard[stream] = [user, b""]
        self.selector.register(stream, selectors.EVENT_READ)

    def listen(self, seconds, until=lambda: False):
        end = time.monotonic() + seconds
        while time.monotonic() < end and not until():
            for key, _ in self.selector.select(min(0.2, max(0.0, end - time.monotonic()))):
                said = key.fileobj.recv(65_536)
                if not said:
                    raise SystemExit(f"a stream ended: {self.heard[key.fileobj]}")
                self.heard[key.fileobj][1] += said

    def number_with(self, text):
        return sum(text in said for _, said in self.heard.values())

    def forget(self):
        for heard in self.heard.values():
            heard[1] = b""


admin_token = lethe.admin_token()


def put(user, value):
    began = time.perf_counter()
    node.client(admin_token).expect(201, "PUT", f"/v1/users/{user}/preferences/k", value)
    return began


before = resident_mb(), database_connections()
watchers = Watchers()
began = time.perf_counter()
for number in range(options.watchers):
    watchers.open(users[number % len(users)])
    if number % 100 == 99:
        watchers.listen(0.001)
watchers.listen(60, lambda: watchers.number_with(b": watching") == options.watchers)
opened = time.perf_counter() - began
if watchers.number_with(b": watching") != options.watchers:
    raise SystemExit(f"{watchers.number_with(b': watching')} of {options.watchers} streams began")
watchers.forget()
used = processor_seconds()
watchers.listen(options.seconds)
used = processor_seconds() - used
alive = watchers.number_with(b": heartbeat")
disturbed = watchers.number_with(b"event:")
resident, connections = resident_mb(), database_connections()

watchers.forget()
# The control: whom nobody follows reaches nobody.
put(len(users) + 1, "unheard")
watchers.listen(1)
unheard = watchers.number_with(b"event:")
began = put(users[0], "heard")
watchers.listen(10, lambda: watchers.number_with(b'"heard"') >= options.watchers_each)
reached = time.perf_counter() - began
watchers.listen(1)
right = sum((b'"heard"' in said) == (user == users[0]) for user, said in watchers.heard.values())

print(f"{options.store}: {options.watchers} watchers of {len(users)} users, opened in {opened:.1f} s")
at_the_end = resident_mb()
print(f"  resident {before[0]:.0f} MB before, {resident:.0f} MB after {options.seconds} s, {at_the_end:.0f} MB at the end")
print(f"  processor {used:.2f} s in {options.seconds} s; connections to the database {before[1]} before, {connections} with them")
print(f"  {alive} had a heartbeat, {disturbed} something else; a write that concerns nobody reached {unheard}")
print(f"  a write reached its {options.watchers_each} in {1000 * reached:.0f} ms; {right} of {options.watchers} heard what they should")
expected = (options.watchers if options.seconds > 15 else alive, 0, 0, options.watchers)
if (alive, disturbed, unheard, right) != expected or max(resident, at_the_end) > options.limit_mb:
    raise SystemExit(1)
