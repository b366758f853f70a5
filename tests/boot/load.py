#!/usr/bin/env python3
"""Clients that ask without a pause until the file that is named exists: some with a new connection for each request,
some that keep theirs, some with streams. Prints one line of what they saw:
    N requests, N streams, N errors, slowest N ms
A connection that was closed while it was idle is opened again, as every HTTP client does; nothing else is repeated.
   load.py STOPFILE [PORT]"""
import http.client
import json
import os
import sys
import threading
import time

stop, port = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 8080
lock = threading.Lock()
seen = {"requests": 0, "streams": 0, "slowest": 0.0}
errors = []
HEAD = {"Content-Type": "application/json", "anthropic-version": "2023-06-01"}


def body(stream):
    return json.dumps({"model": "claude-sonnet-4-5", "max_tokens": 100, "stream": stream,
                       "messages": [{"role": "user", "content": "Hello"}]})


def connect():
    return http.client.HTTPConnection("127.0.0.1", port, timeout=40)


def ask(connection, stream, head):
    connection.request("POST", "/v1/messages", body(stream), head)
    answer = connection.getresponse()
    data = answer.read()
    good = b"event: message_stop" in data if stream else b'"type":"message"' in data
    if answer.status != 200 or not good or (stream and b"event: error" in data):
        raise RuntimeError(f"status {answer.status}: {data[-200:]!r}")


def client(kind):
    connection = None
    while not os.path.exists(stop):
        began = time.monotonic()
        fresh = connection is None
        try:
            connection = connection or connect()
            try:
                ask(connection, kind == "stream", {**HEAD, **({} if kind == "kept" else {"Connection": "close"})})
            except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
                if fresh:
                    raise
                connection = connect()
                ask(connection, False, HEAD)
        except Exception as error:  # whatever it is, a client has been failed
            with lock:
                errors.append(f"{kind}: {type(error).__name__}: {error}")
            connection = None
        if kind != "kept":
            connection = None
        with lock:
            seen["streams" if kind == "stream" else "requests"] += 1
            seen["slowest"] = max(seen["slowest"], time.monotonic() - began)


threads = [threading.Thread(target=client, args=(kind,)) for kind in ["fresh"] * 3 + ["kept"] * 2 + ["stream"] * 3]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(f"{seen['requests']} requests, {seen['streams']} streams, {len(errors)} errors, slowest {seen['slowest'] * 1000:.0f} ms")
for line in errors[:5]:
    print(line)
