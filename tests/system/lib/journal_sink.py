"""Plays systemd-journald for a program: owns the journal's socket, runs the program with a standard
error that $JOURNAL_STREAM describes, hands signals on to it, and writes everything that it was told
into a file: entries as they came, then what stood on standard error.
Exits as the program did; 77 when this machine has a journal of its own or no permission.
Usage: journal_sink.py FILE PROGRAM ARGUMENT..."""
import array, os, signal, socket, subprocess, sys, threading

SOCKET = "/run/systemd/journal/socket"
path, command = sys.argv[1], sys.argv[2:]
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

out = open(path, "wb")
lock = threading.Lock()


def keep(data):
    with lock:
        out.write(data + b"\n\n")
        out.flush()


def read_entries():
    while True:
        data, control, _, _ = journal.recvmsg(1 << 20, socket.CMSG_SPACE(64))
        for level, kind, fds in control:
            # A large entry comes as a file in memory.
            for fd in array.array("i", fds[: len(fds) - len(fds) % 4]):
                with open(fd, "rb") as large:
                    large.seek(0)
                    data += large.read()
        keep(data)


reader, writer = os.pipe()
info = os.fstat(writer)
env = dict(os.environ, JOURNAL_STREAM=f"{info.st_dev}:{info.st_ino}")
try:
    threading.Thread(target=read_entries, daemon=True).start()
    child = subprocess.Popen(command, stderr=writer, env=env)
    os.close(writer)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda n, _: child.send_signal(n))
    with open(reader, "rb") as errors:
        keep(errors.read())
    code = child.wait()
    sys.exit(code if code >= 0 else 128 - code)
finally:
    os.unlink(SOCKET)
