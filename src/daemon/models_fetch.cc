// See models_fetch.h.
#include "daemon/models_fetch.h"

#include <algorithm>

#include "base/text.h"
#include "daemon/json_tree.h"

namespace clasp::daemon {

namespace {
constexpr std::size_t kMostBytes = 16u << 20;
}  // namespace

std::vector<std::string> model_names(std::string_view body) {
  std::vector<std::string> names;
  const JsonPtr root(json_loadb(body.data(), body.size(), JSON_ALLOW_NUL, nullptr));
  const json_t* list = json_is_array(root.get()) ? root.get() : json_object_get(root.get(), "data");
  std::size_t i = 0;
  json_t* item = nullptr;
  json_array_foreach(list, i, item) {
    if (const char* id = json_string_value(json_object_get(item, "id"))) names.emplace_back(id);
  }
  std::sort(names.begin(), names.end());
  return names;
}

void ModelsFetch::start(exchange::BackendPort& port, exchange::BackendRequest request,
                        Duration limit) {
  limit_ = scheduler_.after(limit, [this] {
    status_ = 0;
    end();
  });
  call_ = port.start(std::move(request), *this);
}

void ModelsFetch::on_backend_head(int status, wire::Headers) {
  status_ = status;
}

void ModelsFetch::on_backend_body(std::string_view bytes) {
  if (body_.size() + bytes.size() > kMostBytes) return end();
  body_.append(bytes);
}

void ModelsFetch::on_backend_failed(const exchange::BackendFailure&) {
  status_ = 0;
  end();
}

void ModelsFetch::end() {
  if (end_) return;
  end_ = scheduler_.after(Duration{0}, [this] {
    limit_.reset();
    call_.reset();
    ModelsAnswer answer{status_, {}};
    if (status_ == 200) answer.names = model_names(body_);
    const auto done = std::move(done_);
    done(std::move(answer));
  });
}

}  // namespace clasp::daemon
