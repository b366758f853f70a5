"""Starts and ends the programs of the benchmark and reads what they cost. Ends only what it started."""

import http.client
import os
import signal
import socket
import subprocess
import time

NGINX_CONF = """\
daemon off;
master_process on;
worker_processes 1;
worker_rlimit_nofile 16384;
pid {dir}/nginx.pid;
error_log {dir}/nginx.log error;
events {{ worker_connections 8192; }}
http {{
  access_log off;
  keepalive_requests 1000000000;
  client_max_body_size 40m;
  client_body_buffer_size 1m;
  client_body_temp_path {dir}/body;
  proxy_temp_path {dir}/proxy;
  fastcgi_temp_path {dir}/fastcgi;
  uwsgi_temp_path {dir}/uwsgi;
  scgi_temp_path {dir}/scgi;
  upstream mock {{
    server 127.0.0.1:{mock_port};
    keepalive 1024;
    keepalive_requests 1000000000;
  }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location = /health {{ return 200 "ok\\n"; }}
    location = /v1/messages {{
      proxy_pass http://mock/v1/chat/completions;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
      proxy_read_timeout 300s;
    }}
  }}
}}
"""


class Broken(Exception):
    """The benchmark cannot go on; the text says why."""


class Ports:
    """Hands out free ports, upwards from the first one."""

    def __init__(self, first):
        self.next = first

    def take(self):
        for port in range(self.next, self.next + 200):
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError:
                    continue
            self.next = port + 1
            return port
        raise Broken("no free port from %d on" % self.next)


class Program:
    """One server: how to start it, and once started its processes."""

    def __init__(self, name, port, command, env, directory):
        self.name, self.port, self.command = name, port, command
        self.env, self.directory, self.process = env, directory, None

    def start(self, health="/health"):
        log = open(os.path.join(self.directory, self.name + ".out"), "ab")
        try:
            self.process = subprocess.Popen(self.command, env=self.env, cwd=self.directory,
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        except OSError as error:
            raise Broken("cannot start %s: %s" % (self.command[0], error)) from error
        finally:
            log.close()
        end = time.monotonic() + 10
        while not self.answers(health):
            if self.process.poll() is not None or time.monotonic() > end:
                raise Broken("%s did not start: %s" % (self.name, self.last_words()))
            time.sleep(0.01)
        return self

    def answers(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            connection.request("GET", path)
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def last_words(self):
        words = ""
        for name in (self.name + ".out", self.name + ".log"):
            path = os.path.join(self.directory, name)
            if os.path.exists(path):
                with open(path, errors="replace") as log:
                    words += log.read()[-1000:]
        return words or "it said nothing"

    def stop(self):
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
        self.process = None

    def pids(self):
        """The process and its children (nginx has a worker beside its master)."""
        found, todo = [], [self.process.pid]
        while todo:
            pid = todo.pop()
            found.append(pid)
            for task in os.listdir("/proc/%d/task" % pid):
                with open("/proc/%d/task/%s/children" % (pid, task)) as children:
                    todo += [int(child) for child in children.read().split()]
        return found

    def cpu_ns(self):
        """CPU time of all threads of all its processes, exact: the CPU clock of each process."""
        if self.process.poll() is not None:
            raise Broken("%s ended by itself: %s" % (self.name, self.last_words()))
        return sum(time.clock_gettime_ns((~pid << 3) | 2) for pid in self.pids())

    def user_share(self):
        """Of its CPU time so far, how much was spent in user space."""
        user = system = 0
        for pid in self.pids():
            with open("/proc/%d/stat" % pid) as stat:
                fields = stat.read().rpartition(")")[2].split()
            user, system = user + int(fields[11]), system + int(fields[12])
        return user / max(1, user + system)

    def rss_kb(self):
        return sum(read_rss_kb(pid) for pid in self.pids())


def read_rss_kb(pid):
    with open("/proc/%d/status" % pid) as status:
        for line in status:
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
    raise Broken("no RSS of process %d" % pid)


def make_mock(bench_dir, directory, ports):
    port = ports.take()
    return Program("mock", port, [os.path.join(bench_dir, "mock-backend"), "--port", str(port)],
                   dict(os.environ), directory)


def make_nginx(nginx, directory, ports, mock_port):
    port = ports.take()
    config = os.path.join(directory, "nginx.conf")
    with open(config, "w") as file:
        file.write(NGINX_CONF.format(dir=directory, port=port, mock_port=mock_port))
    return Program("nginx", port, [nginx, "-c", config, "-p", directory, "-e", directory + "/nginx.log"],
                   dict(os.environ), directory)


def make_clasp(clasp, directory, ports, mock_port, extra):
    """The daemon with its defaults, but for one worker like nginx's and nothing of this machine's set-up. One model
    is asked with the Responses API."""
    port = ports.take()
    config = os.path.join(directory, "clasp.conf")
    with open(config, "w") as file:
        file.write("[model bench-responses]\nflag.responses = true\n")
    env = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": directory,
           "CUSTOM_BASE_URL": "http://127.0.0.1:%d/v1" % mock_port, "CUSTOM_API_KEY": "bench"}
    return Program("clasp", port, [clasp, "-config", config, "-provider", "custom", "-port", str(port),
                                   "-workers", "1"] + extra, env, directory)
