// Where a request goes, as far as translation must know it: dialect, model and the settings that
// change the bytes. Built by the exchange from the configuration snapshot.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/translate/dialect.h"

namespace clasp::translate {

// What was learned about a backend and model beyond the flags of its dialect (repair.h). Empty
// values mean: nothing was learned.
struct Adjustments {
  std::int64_t max_output = 0;           // the largest output cap that is taken
  std::vector<std::string> drop_fields;  // top-level request fields that are not known
  std::vector<std::string>
      reduced_tools;              // names on the wire; their schemas are cut to the safe subset
  bool auto_tool_choice = false;  // a forced tool choice is not taken at all
  bool no_stream = false;         // only plain answers are given
  bool stream_only = false;       // only streams are given
  bool use_responses = false;     // the backend says that Chat Completions will not do
  bool no_responses = false;      // … or that it has no Responses API
  bool no_summary = false;        // summaries of reasoning are not given to this organisation
  bool no_item_ids = false;       // reasoning items are not known by their ids
  // A reasoning item that is not taken, by its id, or "*" for all of them; with it those before it.
  std::string drop_reasoning;
  std::string drop_item;  // … and one that is not taken alone
  bool operator==(const Adjustments&) const = default;
  bool empty() const { return *this == Adjustments(); }
};

// A member of the request's body that the configuration adds.
struct ExtraMember {
  std::string name;
  std::string json;
};

struct Target {
  const Dialect* dialect = nullptr;  // not owned
  Api api = Api::chat;               // which API the call uses, choose_api()
  std::string model;                 // the backend's name for it
  std::string sent_name;             // what a body says instead; empty: the same
  std::string base_url_hash;         // 8 hex, for signatures
  bool strict = false;               // spec §0.1: warnings become errors
  std::int64_t max_output = 0;       // per-model limit from the configuration, 0: shipped table
  std::int64_t context_window = 0;   // 0: unknown
  bool vision = true;                // the model takes images
  bool geo_served = false;           // the backend is where inference_geo wants it
  bool geo_enforce = false;          // else the request is refused
  const std::vector<ExtraMember>* extra_body = nullptr;  // not owned; nullptr: none
  std::string tenant;                        // separates cache keys of different clients
  const Adjustments* adjustments = nullptr;  // not owned; nullptr: none
};

// The reasoning state of one finished reply that had calls, as signature texts.
struct KeptState {
  std::string whole;  // all of it; of a Responses reply one signature per item, spaces between
  std::string late;   // what came too late for a thinking block of the client's; often empty
};
using KeptStatePtr = std::shared_ptr<const KeptState>;

// Reasoning state that was remembered for clients that do not send thinking blocks back, by the
// ids of the reply's calls (spec §2.5.8). A source answers for one tenant.
class ReplaySource {
 public:
  virtual ~ReplaySource() = default;
  virtual KeptStatePtr find(std::string_view tool_use_id) const = 0;
};

class SchemaCache;
class PreparedMedia;

// Facts of the incoming request that are not in its body.
struct RequestFacts {
  std::string anthropic_version;
  std::string anthropic_beta;            // header fields joined by commas
  std::string session_id;                // X-Claude-Code-Session-Id
  bool beta = false;                     // ?beta=true or an anthropic-beta header
  bool beta_query = false;               // ?beta=true
  const ReplaySource* replay = nullptr;  // not owned, may be missing
  SchemaCache* schemas = nullptr;        // not owned, may be missing; one per loop
  const PreparedMedia* media = nullptr;  // not owned, may be missing
};

}  // namespace clasp::translate
