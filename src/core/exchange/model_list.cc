// See model_list.h.
#include "core/exchange/model_list.h"

#include <algorithm>

#include "base/text.h"
#include "core/policy/models.h"

namespace clasp::exchange {

namespace {

constexpr std::size_t kUsualPage = 20, kLargestPage = 1000;

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string decode_url(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '%' && i + 2 < text.size() && hex_value(text[i + 1]) >= 0 &&
                        hex_value(text[i + 2]) >= 0;
    if (!escape) {
      out.push_back(text[i]);
      continue;
    }
    out.push_back(static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2])));
    i += 2;
  }
  return out;
}

std::string parameter(std::string_view query, std::string_view name) {
  for (std::string_view part : split(query, '&')) {
    const std::size_t at = part.find('=');
    if (part.substr(0, at) == name && at != std::string_view::npos)
      return decode_url(part.substr(at + 1));
  }
  return {};
}

std::string known_number(std::int64_t number) {
  return number > 0 ? std::to_string(number) : "null";
}

// Whether the stages of life that the caller wants to see, if it named any, include "active".
bool wants_active(std::string_view query) {
  bool named = false;
  for (std::string_view part : split(query, '&')) {
    const std::size_t at = part.find('=');
    const std::string name = decode_url(part.substr(0, at));
    if (at == std::string_view::npos || (name != "lifecycle" && name != "lifecycle[]")) continue;
    named = true;
    const std::string stages = decode_url(part.substr(at + 1));
    for (std::string_view stage : split(stages, ','))
      if (trim(stage) == "active") return true;
  }
  return !named;
}

std::string render_item(const ListedModel& model) {
  std::string out = R"({"type":"model","id":)";
  append_json_string(out, model.id);
  out.append(R"(,"display_name":)");
  append_json_string(out, model.display_name.empty() ? model.id : model.display_name);
  out.append(R"(,"created_at":"1970-01-01T00:00:00Z","lifecycle":"active","line":null,)");
  out.append(R"("max_input_tokens":)").append(known_number(model.max_input));
  out.append(R"(,"max_tokens":)").append(known_number(model.max_output));
  out.append(R"(,"capabilities":null,"deprecated_at":null,"retires_at":null,"object":"model"})");
  return out;
}

std::size_t position_of(const std::vector<ListedModel>& models, std::string_view id) {
  const auto found = std::find_if(models.begin(), models.end(),
                                  [id](const ListedModel& model) { return model.id == id; });
  return static_cast<std::size_t>(found - models.begin());
}

// Positions of the page in the list, [first, end).
struct Page {
  std::size_t first = 0, end = 0;
  bool more = false;
};

Page choose_page(const std::vector<ListedModel>& models, std::string_view query) {
  const auto asked = parse_unsigned(parameter(query, "limit"));
  const std::size_t limit =
      asked && *asked >= 1 ? std::min<std::size_t>(*asked, kLargestPage) : kUsualPage;
  Page page;
  if (!wants_active(query)) return page;
  const std::string before = parameter(query, "before_id"), after = parameter(query, "after_id");
  if (!before.empty()) {
    page.end = position_of(models, before) < models.size() ? position_of(models, before) : 0;
    page.first = page.end - std::min(page.end, limit);
    page.more = page.first > 0;
    return page;
  }
  if (!after.empty()) page.first = std::min(position_of(models, after) + 1, models.size());
  page.end = std::min(models.size(), page.first + limit);
  page.more = page.end < models.size();
  return page;
}

void append_id(std::string& out, std::string_view name, const std::string* id) {
  out.append(",\"").append(name).append("\":");
  if (id == nullptr) {
    out.append("null");
  } else {
    append_json_string(out, *id);
  }
}

}  // namespace

std::vector<ListedModel> client_models(const Catalog& catalog) {
  const config::Settings& settings = *catalog.settings;
  std::vector<std::string> names;
  const config::ModelSettings& models = settings.models;
  const auto add = [&](const std::string& name) {
    const bool pattern = name.find_first_of("*?") != std::string::npos;
    if (!name.empty() && !pattern && is_valid_utf8(name)) names.push_back(name);
  };
  for (const auto& [alias, target] : models.aliases) add(alias);
  const config::RoutingSettings& routing = settings.routing;
  for (const config::RouteSettings& route : routing.routes) add(route.pattern);
  if (!models.opus.empty() || !routing.opus.empty()) add("claude-opus");
  if (!models.sonnet.empty() || !routing.sonnet.empty()) add("claude-sonnet");
  if (!models.haiku.empty() || !routing.haiku.empty()) add("claude-haiku");
  add(models.default_model);
  // A backend's own model where asking for it leads there.
  for (const config::BackendSettings& backend : settings.backends) {
    const auto there = choose_candidate(catalog, backend.model);
    if (there && there->backend->settings.name == backend.name) add(backend.model);
  }
  const config::BackendSettings& first = settings.backends.front();
  for (const config::ModelRule& rule : models.rules)
    if ((rule.backend.empty() || iequals(rule.backend, first.name)) &&
        policy::resolve_model(models, first, rule.name) == rule.name)
      add(rule.name);
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  std::vector<ListedModel> list;
  for (std::string& name : names) {
    const auto candidate = choose_candidate(catalog, name);
    if (!candidate) continue;
    const ModelFacts& facts = *candidate->facts;
    list.push_back({std::move(name), facts.display_name, facts.context_window, facts.max_output});
  }
  return list;
}

std::string render_model_list(const std::vector<ListedModel>& models, std::string_view query) {
  const Page page = choose_page(models, query);
  std::string out = R"({"object":"list","data":[)";
  for (std::size_t i = page.first; i < page.end; ++i) {
    if (i > page.first) out.push_back(',');
    out.append(render_item(models[i]));
  }
  out.append(R"(],"has_more":)").append(page.more ? "true" : "false");
  const bool any = page.first < page.end;
  append_id(out, "first_id", any ? &models[page.first].id : nullptr);
  append_id(out, "last_id", any ? &models[page.end - 1].id : nullptr);
  out.push_back('}');
  return out;
}

std::optional<std::string> render_model(const std::vector<ListedModel>& models,
                                        std::string_view id) {
  const std::string decoded = decode_url(id);
  const std::string name(policy::strip_context_suffix(decoded));
  const std::size_t at = position_of(models, name);
  if (at == models.size()) return std::nullopt;
  return render_item(models[at]);
}

}  // namespace clasp::exchange
