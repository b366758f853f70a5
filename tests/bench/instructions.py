"""User instructions per request, counted by valgrind. They repeat to a percent whatever else the machine does."""

import glob
import os
import re
import shutil
import subprocess
import time

from programs import Broken, make_clasp


def under_valgrind(program, directory):
    program.command = ["valgrind", "--tool=callgrind", "--instr-atstart=no", "--separate-threads=no",
                       "--callgrind-out-file=%s/%s.callgrind" % (directory, program.name)] + program.command
    return program


def counted(bench, program, case, requests, directory):
    """Instructions per request, from the difference of counting on and off."""
    program.start()
    try:
        bench.closed(program, case, max(case.connections * 2, requests // 10) / case.requests)
        control(program, "on")
        bench.closed(program, case, requests / case.requests)
        control(program, "off")
    finally:
        program.stop()
    path = os.path.join(directory, program.name + ".callgrind")
    total = 0
    for dump in glob.glob(path + "*"):
        with open(dump) as file:
            total += sum(int(n) for n in re.findall(r"^(?:totals|summary): (\d+)", file.read(), re.M)[-1:])
    return total / requests, path


def control(program, state):
    subprocess.run(["callgrind_control", "--instr=" + state, str(program.process.pid)], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60)
    time.sleep(0.2)


# What a part of the hot path costs: the daemon with it and without it.
VARIANTS = [
    ("plain", [], {}),
    ("without metrics", [], {"CLASP_METRICS": "false"}),
    ("with rate limits", ["-rate-limit", "-rate-limit-requests", "1000000000", "-rate-limit-burst", "1000000000"],
     {"CLASP_RATE_LIMIT_PER": "client"}),
]


def compare(bench, clasp, directory, ports, mock_port, case, requests):
    """{variant: instructions per request}, or None where valgrind is missing."""
    if shutil.which("valgrind") is None:
        return None
    found = {}
    for name, arguments, env in VARIANTS:
        program = make_clasp(clasp, directory, ports, mock_port, arguments)
        program.env = {**program.env, **env}
        place = os.path.join(directory, name.replace(" ", "-"))
        os.mkdir(place)
        found[name], _ = counted(bench, under_valgrind(program, place), case, requests, place)
    return found
