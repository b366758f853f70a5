// Makes up replies from a source of bytes: chunks as servers send them, pieces in any order, with
// the slips and oddities of all dialects. The same bytes give the same reply.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "byte_chooser.h"
#include "reply_kit.h"

namespace clasp::test {

class ReplyMaker : private ByteChooser {
 public:
  explicit ReplyMaker(std::string_view bytes) : ByteChooser(bytes) {}

  std::string make() {
    std::string out;
    for (int i = 0; i < 200 && !bytes_.empty(); ++i) out += frame();
    return out;
  }

 private:
  std::string text() {
    static constexpr const char* kTexts[] = {"Hi",
                                             " ",
                                             "\\n",
                                             "\\n\\n",
                                             "<think>",
                                             "</think>",
                                             "</th",
                                             "ink>",
                                             "STOP",
                                             "ST",
                                             "OP",
                                             "{",
                                             "\\u00e9",
                                             "\\ud83d",
                                             "\\ude00",
                                             "\\\\",
                                             "\\q",
                                             "\\\"",
                                             "\xC3\xA9",
                                             "end",
                                             "<tool_call>",
                                             "</tool_call>",
                                             "{\\\"name\\\":\\\"read\\\"}",
                                             "<function=read>",
                                             "</function>",
                                             "\\u003cthink\\u003e",
                                             "a longer piece of text"};
    return pick(kTexts);
  }
  std::string arguments() {
    static constexpr const char* kPieces[] = {"",
                                              "{",
                                              "}",
                                              "{}",
                                              "\\\"a\\\":1",
                                              ",",
                                              "\\\"k\\\":\\\"",
                                              "v",
                                              "\\\"",
                                              "\\\\",
                                              "[",
                                              "]",
                                              "x",
                                              "'",
                                              "null",
                                              "\\\"{}\\\"",
                                              " ",
                                              "\\n",
                                              "{\\\"a\\\":1}",
                                              "12",
                                              "tru",
                                              "\\\\ud83d",
                                              ":",
                                              "{\\\"b\\\":[\\\"te"};
    return pick(kPieces);
  }
  std::string tool() {
    static constexpr const char* kIds[] = {"", "", "call_a1", "call_b2", "0", "functions.read:0"};
    static constexpr const char* kNames[] = {"", "", "read", "write", "re", "ad", "bogus name"};
    const int index = static_cast<int>(pick(4)) - 1;
    const std::string id = pick(kIds), name = pick(kNames);
    std::string entry = call(index, id, name, arguments());
    if (pick(9) == 0)
      entry.insert(entry.size() - 1,
                   ",\"extra_content\":{\"google\":{\"thought_signature\":\"c2ln\"}}");
    return entry;
  }
  std::string detail() {
    static constexpr const char* kDetails[] = {
        "{\"type\":\"reasoning.text\",\"text\":\"R\",\"index\":0}",
        "{\"type\":\"reasoning.text\",\"index\":0,\"signature\":\"sig\"}",
        "{\"type\":\"reasoning.summary\",\"summary\":\"S\"}",
        "{\"type\":\"reasoning.encrypted\",\"data\":\"E\",\"id\":\"rs_1\",\"index\":1}",
        "{\"type\":\"reasoning.encrypted\",\"data\":\"F\"}",
        "{}"};
    return pick(kDetails);
  }
  std::string frame() {
    static constexpr const char* kFinish[] = {"stop",           "stop",  "tool_calls",   "length",
                                              "content_filter", "weird", "function_call"};
    static constexpr const char* kOther[] = {
        ": comment\n\n",
        "data: {\"choices\":[]}\n\n",
        "data: {\"choices\":[{}]}\n\n",
        "data: not json\n\n",
        "event: x\ndata: {}\n\n",
        "data: {\"error\":{\"code\":503,\"message\":\"m\"}}\n\n",
        "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"error\"}]}\n\n",
        "data:\n\n",
        "data: {\"error\":{\"code\":\"content_filter\",\"message\":\"m\"}}\n\n"};
    switch (pick(16)) {
      case 0:
      case 1:
        return chunk("\"content\":\"" + text() + "\"");
      case 2:
        return chunk("\"reasoning_content\":\"" + text() + "\"");
      case 3:
        return chunk("\"reasoning\":\"" + text() + "\",\"content\":\"" + text() + "\"");
      case 4:
      case 5:
      case 6:
        return chunk("\"tool_calls\":[" + tool() + "]");
      case 7:
        return chunk("\"content\":\"" + text() + "\",\"tool_calls\":[" + tool() + "," + tool() +
                     "]");
      case 8:
        return chunk("\"reasoning_details\":[" + detail() + "]");
      case 9:
        return chunk("\"function_call\":{\"name\":\"read\",\"arguments\":\"" + arguments() + "\"}");
      case 10:
        return chunk("\"refusal\":\"" + text() + "\"");
      case 11:
        return chunk(
            "\"annotations\":[{\"type\":\"url_citation\",\"url_citation\":{\"url\":\"u\","
            "\"start_index\":0,\"end_index\":1}}]");
      case 12:
        return "data: " + usage_chunk(10, static_cast<int>(pick(9))) + "\n\n";
      case 13:
        return "data: " + finish(pick(kFinish)) + "\n\n";
      case 14:
        return pick(4) == 0 ? pick(kOther) : std::string("data: [DONE]\n\n");
      default:
        return "data: {\"choices\":[{\"index\":0,\"message\":{\"content\":\"" + text() +
               "\",\"tool_calls\":[" + tool() + "]}}]}\n\n";
    }
  }
  static std::string chunk(const std::string& inside) { return "data: " + delta(inside) + "\n\n"; }
};

}  // namespace clasp::test
