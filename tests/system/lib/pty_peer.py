"""Runs a program in a pseudo-terminal and stands between it and whoever tests it. Orders come as
lines of JSON on standard input: {"keys": TEXT}, {"resize": [COLUMNS, ROWS]}, {"modes": true},
{"signal": NUMBER}; on standard output are told {"out": BASE64}, {"modes": {...}}, {"exit": CODE}.
Usage: pty_peer.py COLUMNS ROWS PROGRAM [ARGUMENT ...]"""
import base64, fcntl, json, os, pty, select, signal, struct, subprocess, sys, termios

master, slave = pty.openpty()


def resize(columns, rows):
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def tell(**what):
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def own_terminal():
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def obey(order):
    if "keys" in order:
        os.write(master, order["keys"].encode())
    if "resize" in order:
        resize(*order["resize"])
    if "signal" in order:
        child.send_signal(order["signal"])
    if "modes" in order:
        flags = termios.tcgetattr(slave)[3]
        tell(modes={"lines": bool(flags & termios.ICANON), "echo": bool(flags & termios.ECHO)})


resize(int(sys.argv[1]), int(sys.argv[2]))
child = subprocess.Popen(sys.argv[3:], stdin=slave, stdout=slave, stderr=slave, preexec_fn=own_terminal)
orders, ended, told = b"", False, False
while True:
    ready, _, _ = select.select([master] if ended else [master, 0], [], [], 0.05)
    if master in ready:
        tell(out=base64.b64encode(os.read(master, 65536)).decode())
    if 0 in ready:
        more = os.read(0, 65536)
        if not more:
            break
        orders += more
        while b"\n" in orders:
            line, orders = orders.split(b"\n", 1)
            obey(json.loads(line))
    if not told and child.poll() is not None and master not in ready:
        told = True
        tell(exit=child.returncode)
try:
    os.killpg(child.pid, signal.SIGKILL)
except ProcessLookupError:
    pass
