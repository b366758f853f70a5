"""Plays the service manager for a daemon: prints what it is told, as a JSON list.
usage: notify_peer.py PROGRAM PORT"""
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile

program, port = sys.argv[1:]
with tempfile.TemporaryDirectory() as directory:
    inbox = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    inbox.bind(directory + "/notify")
    inbox.settimeout(20)
    child = subprocess.Popen(
        [program, "-provider", "demo", "-port", port], cwd=directory, stderr=subprocess.DEVNULL,
        env={"NOTIFY_SOCKET": directory + "/notify", "HOME": directory})
    messages = []
    try:
        messages.append(inbox.recv(4096).decode())
        child.send_signal(signal.SIGHUP)
        messages.append(inbox.recv(4096).decode())
        messages.append(inbox.recv(4096).decode())
        child.send_signal(signal.SIGTERM)
        messages.append(inbox.recv(4096).decode())
        child.wait(20)
    finally:
        child.kill()
        child.wait()
    print(json.dumps(messages))
