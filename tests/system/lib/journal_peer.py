"""Plays systemd-journald for one run of the daemon: owns the journal's socket, gives the daemon a
stderr that $JOURNAL_STREAM describes, sends one request and a SIGTERM, and prints what the journal
got as JSON, one entry a line. Exits 77 when this machine has a journal of its own or no permission.
Usage: journal_peer.py BINARY PORT"""
import json, os, socket, subprocess, sys, time, urllib.request

SOCKET = "/run/systemd/journal/socket"
binary, port = sys.argv[1], sys.argv[2]
if os.path.exists(SOCKET):
    print("a journal runs here", file=sys.stderr)
    sys.exit(77)
try:
    os.makedirs(os.path.dirname(SOCKET), exist_ok=True)
    journal = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    journal.bind(SOCKET)
except OSError as error:
    print(f"cannot own {SOCKET}: {error}", file=sys.stderr)
    sys.exit(77)
try:
    journal.settimeout(0.5)
    reader, writer = os.pipe()
    info = os.fstat(writer)
    env = dict(os.environ, JOURNAL_STREAM=f"{info.st_dev}:{info.st_ino}")
    daemon = subprocess.Popen([binary, "-provider", "demo", "-port", port], stderr=writer, env=env)
    body = {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}]}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/v1/messages",
                                     data=json.dumps(body).encode(),
                                     headers={"content-type": "application/json"})
    for attempt in range(100):
        try:
            urllib.request.urlopen(request, timeout=5).read()
            break
        except OSError:
            time.sleep(0.1)
    daemon.terminate()
    daemon.wait(20)
    try:
        while True:
            lines = journal.recv(65536).decode().splitlines()
            print(json.dumps(dict(line.split("=", 1) for line in lines)))
    except TimeoutError:
        pass
finally:
    os.unlink(SOCKET)
