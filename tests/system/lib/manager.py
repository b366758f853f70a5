"""Plays systemd for a daemon: passes listening sockets, hears what it is told, keeps descriptors for
it, and sees processes end, also those that are not its children. It is driven by lines of JSON on
standard input ({"id": 1, "do": "start", ...}); each is answered by one with the same id, and what
happens in between is told as {"event": ...}. It leaves when its input ends. Linux only."""
import array
import ctypes
import fcntl
import json
import os
import select
import signal
import socket
import struct
import sys
import tempfile

LIBC = ctypes.CDLL(None, use_errno=True)
PR_SET_CHILD_SUBREAPER = 36
PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_DETACH = 0x4206, 0x4207, 17
WALL = 0x40000000


def say(**what):
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def ptrace(request, thread):
    # 0 is "no data"; without the types ctypes would pass ints where pointers are expected.
    LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    LIBC.ptrace.restype = ctypes.c_long
    if LIBC.ptrace(request, thread, None, None) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


class Manager:
    def __init__(self):
        LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self.directory = tempfile.TemporaryDirectory()
        self.path = self.directory.name + "/notify"
        self.inbox = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.inbox.bind(self.path)
        self.inbox.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.units = []  # (name, socket) of socket units
        self.store = []  # (name, fd)
        self.main = 0
        self.children = set()

    # ---- commands

    def do_socket(self, name, kind="tcp", path=None, port=0, flags=None):
        """A listening socket, as a socket unit would open it (blocking, unless told otherwise)."""
        if kind in ("unix", "datagram-unix"):
            one = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM if kind == "unix" else socket.SOCK_DGRAM)
            one.bind(path)
        elif kind in ("tcp6", "dual"):
            one = socket.socket(socket.AF_INET6)
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, kind == "tcp6")
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            one.bind(("::1" if kind == "tcp6" else "::", port))
        else:
            one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            one.bind(("127.0.0.1", port))
        if kind in ("tcp", "tcp6", "dual", "unix"):
            one.listen(4096)
        self.units.append((name, one))
        return {"port": one.getsockname()[1] if kind != "unix" and "unix" not in kind else 0}

    def do_drop(self, name):
        for _, one in [unit for unit in self.units if unit[0] == name]:
            one.close()
        self.units = [unit for unit in self.units if unit[0] != name]

    def do_start(self, argv, env, cwd, errors, order=None, notify=True):
        passed = [(name, one.fileno()) for name, one in self.units]
        if order:
            passed.sort(key=lambda one: order.index(one[0]))
        passed += self.store
        out = os.open(errors, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        pid = os.fork()
        if pid == 0:
            try:
                self.become(argv, env, cwd, passed, out, notify)
            finally:
                os._exit(127)
        os.close(out)
        self.children.add(pid)
        self.main = pid
        return {"pid": pid}

    def become(self, argv, env, cwd, passed, out, notify):
        os.chdir(cwd)
        own = str(os.getpid())
        env = dict(env)
        if notify:
            env["NOTIFY_SOCKET"] = self.path
        if notify or "SYSTEMD_EXEC_PID" in env:
            env["SYSTEMD_EXEC_PID"] = own
        if passed:
            env.update(LISTEN_PID=own, LISTEN_FDS=str(len(passed)),
                       LISTEN_FDNAMES=":".join(name for name, _ in passed))
        if "WATCHDOG_USEC" in env:
            env["WATCHDOG_PID"] = own
        high = [fcntl.fcntl(fd, fcntl.F_DUPFD, 500) for _, fd in passed]
        os.dup2(out, 2)
        os.dup2(os.open("/dev/null", os.O_RDWR), 0)
        os.dup2(0, 1)
        os.closerange(3, 500)
        for i, fd in enumerate(high):
            os.dup2(fd, 3 + i, inheritable=True)
        os.closerange(500, 1000)
        os.execve(argv[0], argv, env)

    def do_signal(self, name, pid=0):
        os.kill(pid or self.main, getattr(signal, name))

    def do_main(self):
        return {"pid": self.main}

    def do_store(self):
        return {"names": [name for name, _ in self.store]}

    def do_freeze(self, thread, pid=0):
        """Stops one thread, which no signal can do. Fails where that is not permitted."""
        folder = f"/proc/{pid or self.main}/task"
        for one in os.listdir(folder):
            with open(f"{folder}/{one}/comm", encoding="utf-8") as comm:
                if comm.read().strip() != thread:
                    continue
            ptrace(PTRACE_SEIZE, int(one))
            ptrace(PTRACE_INTERRUPT, int(one))
            os.waitpid(int(one), WALL)
            return {"thread": int(one)}
        raise OSError(f"no thread is called {thread}")

    def do_thaw(self, thread):
        ptrace(PTRACE_DETACH, thread)

    # ---- events

    def hear(self):
        data, ancillary, _, _ = self.inbox.recvmsg(65536, 65536)
        fds, sender = array.array("i"), 0
        for level, kind, bytes_ in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                fds.frombytes(bytes_[:len(bytes_) - len(bytes_) % fds.itemsize])
            elif level == socket.SOL_SOCKET and kind == socket.SCM_CREDENTIALS:
                sender = struct.unpack("3i", bytes_)[0]
        fields = dict(line.split("=", 1) for line in data.decode().splitlines() if "=" in line)
        # NotifyAccess=main
        heard = sender == self.main
        if heard and fields.get("FDSTORE") == "1":
            self.store += [(fields.get("FDNAME", "stored"), fd) for fd in fds]
        else:
            for fd in fds:
                os.close(fd)
        if heard and fields.get("FDSTOREREMOVE") == "1":
            for name, fd in [one for one in self.store if one[0] == fields.get("FDNAME")]:
                os.close(fd)
            self.store = [one for one in self.store if one[0] != fields.get("FDNAME")]
        if heard and "MAINPID" in fields:
            self.main = int(fields["MAINPID"])
        say(event="message", fields=fields, fds=len(fds), pid=sender, heard=heard)

    def reap(self):
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG | WALL)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if os.WIFSTOPPED(status):
                continue
            self.children.discard(pid)
            say(event="exit", pid=pid, code=os.WEXITSTATUS(status) if os.WIFEXITED(status) else None,
                signal=os.WTERMSIG(status) if os.WIFSIGNALED(status) else None, main=pid == self.main)

    def run(self):
        rest = b""
        while True:
            ready, _, _ = select.select([self.inbox, 0], [], [], 0.02)
            if self.inbox in ready:
                self.hear()
            if 0 in ready:
                data = os.read(0, 65536)
                if not data:
                    return
                rest += data
                while b"\n" in rest:
                    line, rest = rest.split(b"\n", 1)
                    self.obey(json.loads(line))
            self.reap()

    def obey(self, command):
        number, name = command.pop("id"), command.pop("do")
        try:
            say(id=number, answer=getattr(self, "do_" + name)(**command) or {})
        except OSError as problem:
            say(id=number, error=str(problem))


if __name__ == "__main__":
    Manager().run()
