"""The measurements: each compares programs within one run, in rounds that take turns, so that the noise of
the machine falls on all of them alike."""

import json
import os
import resource
import statistics
import subprocess
import time

from programs import Broken

# What a reply has to end with, by the program that was asked.
STREAM_END = {"nginx": "[DONE]", "mock": "[DONE]", "clasp": "message_stop"}
RESPONSES_END = {"nginx": "total_tokens", "mock": "total_tokens", "clasp": "message_stop"}
PLAIN_END = {"nginx": "system_fingerprint", "mock": "system_fingerprint", "clasp": "output_tokens"}


class Machine:
    """How busy the machine is with other programs while this one measures."""

    def __init__(self):
        self.begin = self.busy_and_all()

    @staticmethod
    def busy_and_all():
        with open("/proc/stat") as stat:
            ticks = [int(field) for field in stat.readline().split()[1:9]]
        return sum(ticks) - ticks[3] - ticks[4], sum(ticks)  # without idle and iowait

    def others_share(self, own_s):
        """`own_s`: CPU seconds of this program; those of its ended children are added here."""
        now = self.busy_and_all()
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        own = (own_s + ended.ru_utime + ended.ru_stime) * os.sysconf("SC_CLK_TCK")
        return max(0.0, now[0] - self.begin[0] - own) / max(1, now[1] - self.begin[1])


class Case:
    """One kind of request: its body, or bodies that are sent by turns, and how much of it makes a round."""

    def __init__(self, name, title, body, stream, connections, requests, target=None, responses=False):
        self.name, self.title, self.stream = name, title, stream
        self.bodies = body if isinstance(body, list) else [body]
        self.responses = responses  # the backend's API
        self.connections, self.requests, self.target = connections, requests, target

    def marker(self, program):
        ends = RESPONSES_END if self.responses else STREAM_END if self.stream else PLAIN_END
        return ends[program.name]

    def min_bytes(self):
        return 10000 if self.stream else 500


class Bench:
    """The load generator and the directory with the bodies it sends."""

    def __init__(self, load, directory):
        self.load, self.directory = load, directory

    def body_arguments(self, case):
        arguments = []
        for number, body in enumerate(case.bodies):
            path = os.path.join(self.directory, "%s-%d.json" % (case.name, number))
            if not os.path.exists(path):
                with open(path, "wb") as file:
                    file.write(body)
            arguments += ["--body", path]
        return arguments

    def arguments(self, mode, program, case):
        path = "/v1/chat/completions" if program.name == "mock" else "/v1/messages"
        return [self.load, mode, "--port", str(program.port), "--path", path] + self.body_arguments(case) + [
            "--marker", case.marker(program), "--min-bytes", str(case.min_bytes()), "--limit", "180"]

    def run(self, arguments, what):
        result = subprocess.run(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, timeout=200)
        if result.returncode != 0:
            raise Broken("%s: %s %s" % (what, result.stdout.strip(), result.stderr.strip()))
        return json.loads(result.stdout)

    def closed(self, program, case, share=1.0):
        requests = max(case.connections, int(case.requests * share))
        before = program.cpu_ns()
        result = self.run(self.arguments("closed", program, case) +
                          ["--connections", str(case.connections), "--requests", str(requests)],
                          "%s through %s" % (case.name, program.name))
        result["cpu_us"] = (program.cpu_ns() - before) / 1e3 / result["requests"]
        result["per_second"] = result["requests"] / result["seconds"]
        return result

    def at_rate(self, program, case, rate, seconds):
        return self.run(self.arguments("rate", program, case) +
                        ["--connections", "64", "--rate", str(rate), "--requests",
                         str(int(rate * seconds))], "latency through " + program.name)


def spread(values):
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def ratios(values, floors):
    """Of neighbours in time: round by round."""
    return spread([value / floor for value, floor in zip(values, floors)])


def cpu_per_request(bench, nginx, clasp, case, rounds):
    found = {"nginx": [], "clasp": []}
    for program in (nginx, clasp):
        bench.closed(program, case, 0.2)
    for number in range(rounds):
        for program in ((nginx, clasp), (clasp, nginx))[number % 2]:
            found[program.name].append(bench.closed(program, case))
    out = {}
    for field in ("cpu_us", "per_second"):
        columns = {name: [r[field] for r in results] for name, results in found.items()}
        out[field] = {name: spread(values) for name, values in columns.items()}
        out[field]["ratio"] = ratios(columns["clasp"], columns["nginx"])
    return out


def latency(bench, mock, nginx, clasp, case, rounds, rate, seconds):
    found = {"mock": [], "nginx": [], "clasp": []}
    for number in range(rounds):
        order = [mock, nginx, clasp]
        for program in order if number % 2 == 0 else reversed(order):
            found[program.name].append(bench.at_rate(program, case, rate, seconds))
    out = {}
    for field in ("p50_us", "p99_us"):
        direct = [r[field] for r in found["mock"]]
        out[field] = {"direct": spread(direct)}
        for name in ("nginx", "clasp"):
            values = [r[field] for r in found[name]]
            out[field][name] = spread(values)
            out[field][name + "_added"] = spread([v - d for v, d in zip(values, direct)])
    return out


def start_up(bench, programs, count):
    found = {program.name: [] for program in programs}
    for _ in range(count):
        for program in programs:
            result = subprocess.run(
                [bench.load, "start", "--port", str(program.port), "--path", "/health", "--limit", "10", "--"]
                + program.command, env=program.env, cwd=program.directory, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, timeout=60)
            if result.returncode != 0:
                raise Broken("start of %s: %s" % (program.name, result.stdout.strip()))
            found[program.name].append(json.loads(result.stdout.strip().splitlines()[-1]))
    return {field: {name: spread([r[field] for r in results]) for name, results in found.items()}
            for field in ("start_ms", "stop_ms")}


def memory(bench, program, case, small, streams):
    """RSS of a fresh process: idle, after one request, with open streams; then ends the process."""
    program.start()
    try:
        time.sleep(0.3)
        out = {"idle_kb": program.rss_kb()}
        bench.closed(program, small, 0)
        out["used_kb"] = program.rss_kb()
        marker = "word001"
        arguments = bench.arguments("hold", program, case)
        arguments[arguments.index("--marker") + 1] = marker
        holder = subprocess.Popen(arguments + ["--connections", str(streams)],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            ready = json.loads(holder.stdout.readline() or '{"errors":1}')
            if ready["errors"]:
                raise Broken("%d open streams through %s: %s" % (streams, program.name, ready))
            time.sleep(0.3)
            out["open_kb"] = program.rss_kb()
        finally:
            holder.stdin.close()
            holder.wait(60)
        out["per_stream_kb"] = (out["open_kb"] - out["idle_kb"]) / streams
        return out
    finally:
        program.stop()
