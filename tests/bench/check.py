"""Before anything is measured: does a program give the answers that the figures will be about?"""

import http.client
import json

from programs import Broken


def ask(program, case, request):
    connection = http.client.HTTPConnection("127.0.0.1", program.port, timeout=20)
    try:
        connection.request("POST", "/v1/messages", request,
                           {"Content-Type": "application/json", "x-api-key": "bench",
                            "anthropic-version": "2023-06-01"})
        reply = connection.getresponse()
        body = reply.read().decode()
    finally:
        connection.close()
    if reply.status != 200:
        raise Broken("%s, %s: status %d: %s" % (program.name, case.name, reply.status, body[:500]))
    return body


def events(body):
    for line in body.split("\n"):
        if line.startswith("data: ") and line != "data: [DONE]":
            yield json.loads(line[6:])


def chat_text(body, stream):
    if not stream:
        return json.loads(body)["choices"][0]["message"]["content"]
    return "".join(choice["delta"].get("content", "") for event in events(body)
                   for choice in event["choices"])


def responses_text(body):
    return "".join(event["delta"] for event in events(body) if event["type"] == "response.output_text.delta")


def messages_text(body, stream):
    if not stream:
        return "".join(block["text"] for block in json.loads(body)["content"])
    return "".join(event["delta"].get("text", "") for event in events(body)
                   if event["type"] == "content_block_delta")


def expected_text(stream):
    if stream:
        return "".join(" word%03d" % n for n in range(1, 199))
    text, n = "", 0
    while len(text) < 600:
        text += "Sentence number %d. " % n
        n += 1
    return text


def check(program, cases):
    for case, request in [(case, request) for case in cases for request in case.bodies]:
        body = ask(program, case, request)
        if program.name == "clasp":
            text = messages_text(body, case.stream)
        else:
            text = responses_text(body) if case.responses else chat_text(body, case.stream)
        if text != expected_text(case.stream):
            raise Broken("%s, %s: the text is not the backend's: %s" % (program.name, case.name, body[:500]))
        if case.marker(program) not in body[-2048:]:
            raise Broken("%s, %s: the answer has no proper end" % (program.name, case.name))
