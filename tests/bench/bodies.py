"""The requests of the benchmark, generated the same on every run. No text of a real conversation."""

import json
import random

WORDS = ("the file path list of entries returns value string number when option must be absolute "
         "content directory search pattern line result error before after command output limit "
         "default true false each user session change build test source branch commit name").split()


class Writer:
    """Prose of a wanted length, with the characters that JSON has to escape now and then."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def prose(self, size):
        parts, length = [], 0
        while length < size:
            count = self.random.randint(5, 14)
            words = " ".join(self.random.choice(WORDS) for _ in range(count))
            end = self.random.choice([". ", ". ", ".\n", ': "quoted" ', " – naïve. "])
            parts.append(words.capitalize() + end)
            length += len(parts[-1])
        return "".join(parts)[:size]

    def code(self, size):
        lines, length = [], 0
        while length < size:
            indent = "    " * self.random.randint(0, 3)
            lines.append('%sif (%s != "%s") { return %s[%d]; }\t// %s\n' % (
                indent, self.random.choice(WORDS), self.random.choice(WORDS),
                self.random.choice(WORDS), self.random.randint(0, 999), self.random.choice(WORDS)))
            length += len(lines[-1])
        return "".join(lines)[:size]


def tool(writer, index):
    properties = {}
    for n in range(6):
        name = "%s_%d" % (writer.random.choice(WORDS), n)
        kind = ["string", "integer", "boolean", "array", "object", "string"][n]
        entry = {"type": kind, "description": writer.prose(160)}
        if kind == "array":
            entry["items"] = {"type": "object", "additionalProperties": False,
                              "properties": {"id": {"type": "string", "minLength": 1},
                                             "state": {"type": "string",
                                                       "enum": ["pending", "active", "done"]}},
                              "required": ["id", "state"]}
        if kind == "object":
            entry["properties"] = {"from": {"type": "integer", "minimum": 0},
                                   "to": {"anyOf": [{"type": "integer"}, {"type": "null"}]}}
        if kind == "integer":
            entry.update(minimum=0, exclusiveMaximum=100000, default=0)
        properties[name] = entry
    return {"name": "Tool%02d" % index, "description": writer.prose(1400),
            "input_schema": {"$schema": "http://json-schema.org/draft-07/schema#", "type": "object",
                             "properties": properties, "required": list(properties)[:2],
                             "additionalProperties": False}}


def turns(writer, count, size):
    """`count` messages: a question, then tool calls and their results in turn."""
    messages = [{"role": "user", "content": [{"type": "text", "text": writer.prose(size)}]}]
    while len(messages) < count:
        number = len(messages)
        if number % 2 == 1:
            call = {"type": "tool_use", "id": "toolu_bench%04d" % number,
                    "name": "Tool%02d" % (number % 20),
                    "input": {"path": "/srv/%s.cc" % writer.random.choice(WORDS),
                              "new_text": writer.code(size // 2), "line": number}}
            messages.append({"role": "assistant", "content": [
                {"type": "text", "text": writer.prose(size // 2)}, call]})
        else:
            messages.append({"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "toolu_bench%04d" % (number - 1),
                 "content": [{"type": "text", "text": writer.code(size)}]}]})
    return messages


def small(model, stream=False):
    body = {"model": model, "max_tokens": 1024, "stream": stream,
            "system": "You are a helpful assistant. " + Writer(1).prose(120),
            "messages": [{"role": "user", "content": "Hello! " + Writer(2).prose(200)}]}
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def big(model):
    """About 150 KB each: 24 KB of system prompt, 20 tools, 30 messages. Two conversations that grow, one
    message pair after the other; the tools stay as they are within each and differ between them."""
    writer = Writer(3)
    system, tools = writer.prose(24 * 1024), [tool(writer, n) for n in range(20)]
    talks = [(tools, turns(writer, 32, 1820)), (tools[::-1], turns(writer, 32, 1820))]
    return [conversation(model, system, own_tools, messages[:count])
            for own_tools, messages in talks for count in (28, 30, 32)]


def conversation(model, system, tools, messages):
    body = {"model": model, "max_tokens": 8192, "stream": False, "temperature": 0.7,
            "system": [{"type": "text", "text": system, "cache_control": {"type": "ephemeral"}}],
            "tools": tools, "messages": messages}
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
