#!/usr/bin/env python3
"""Writers of every kind against a hard delete, round after round: nothing of the user may be there afterwards."""

import threading

from common import Lethe, arguments, sign_up

options = arguments(__doc__, rounds=1_000)
lethe = Lethe(options)
node = lethe.serve()
admin_token = lethe.admin_token()
admin = node.client(admin_token)
host = sign_up(admin, "host")
hosts = node.client(lethe.token(host))
hosts_post = hosts.expect(201, "POST", "/api/v2/post/", {"text": "vote!"})["id"]
came_back = []


def write(client, go, over, make):
    """Writes until it is refused for good, and a little longer."""
    go.wait()
    turn = 0
    while turn < 2_000:
        turn += 1
        status, _ = client.send(*make(turn))
        if over.is_set() and status in (401, 404):
            return


for number in range(options.rounds):
    user = sign_up(admin, f"leaver{number}")
    token = lethe.token(user)
    own = node.client(token)
    post = own.expect(201, "POST", "/api/v2/post/", {"text": "mine"})["id"]
    preferences = f"/api/v2/user/{user}/preference/"
    writers = [
        (node.client(token), lambda turn: ("POST", preferences, {"key": f"own{turn % 500}", "value": turn})),
        (node.client(admin_token), lambda turn: ("POST", preferences, {"key": f"admin{turn % 400}", "value": turn})),
        (node.client(token), lambda turn: ("PUT", "/settings/user", {"setting": turn})),
        (node.client(token), lambda turn: ("POST", "/api/v2/post/", {"text": f"post {turn}"})),
        (node.client(token), lambda turn: ("POST", f"/api/v2/post/{hosts_post}/vote/", None)),
        (node.client(hosts.headers["Authorization"].split()[1]), lambda turn: ("POST", f"/api/v2/post/{post}/vote/", None)),
    ]
    go, over = threading.Barrier(len(writers) + 1), threading.Event()
    threads = [threading.Thread(target=write, args=(client, go, over, make), daemon=True) for client, make in writers]
    for thread in threads:
        thread.start()
    go.wait()
    while True:
        status, answer = admin.send("DELETE", f"/api/v2/user/{user}/?hard=1")
        if status == 204:
            break
        if status != 503:
            raise SystemExit(f"the deletion was answered {status}: {answer}")
    over.set()
    for thread in threads:
        thread.join()
    # A big one ends in the background; one whose rows come back does not end well.
    while (state := admin.expect(200, "GET", f"/v1/erasures/{user}")["state"]) not in ("done", "failed"):
        pass
    left = lethe.left_of(user)
    if left or state == "failed":
        came_back.append((user, state, left))
    if number % 100 == 99:
        print(f"  {number + 1} rounds, came back in {len(came_back)}", flush=True)
votes = node.client(admin_token).expect(200, "GET", f"/api/v2/post/{hosts_post}/")["vote_count"]
print(f"{options.store}: {options.rounds} rounds, something came back in {len(came_back)} {came_back[:3]}; the counter of the post that stayed is {votes}")
if came_back or votes != 0:
    raise SystemExit(1)
