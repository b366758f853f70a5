// Attempts at a backend that speaks the Messages API itself: the client's own bytes go there and
// the backend's come back. Everything around it, waiting, opening, failing, is as for the others.
#include "core/exchange/exchange.h"
#include "core/translate/relay.h"
#include "core/translate/relay_request.h"

namespace clasp::exchange {

bool Exchange::relays() const {
  return candidate_.facts && candidate_.facts->dialect.relay;
}

void Exchange::attempt_relay() {
  auto relayed = translate::relay_request(search_->body, candidate_.model);
  if (!relayed) {
    cannot_ask(relayed.error(), "bad request");
    return;
  }
  api_ = translate::Api::chat;
  record_.responses = false;
  record_.warnings = relayed->thinking_disabled ? "thinking-disabled" : "";
  prompt_ = translate::InputEstimate(
      [request = &search_->request] { return translate::estimate_tokens(*request); });
  translate::RelayContext context;
  context.plain = !answer_->streams();
  context.already_open = goes_on();
  context.committed = answer_->committed();
  context.input_estimate = calibrated_prompt();
  reply_ = std::make_unique<translate::Relay>(std::move(context), answer_->raw());
  call(make_relay_request(*catalog_, candidate_, std::move(relayed->body), answer_->streams(),
                          search_->facts, search_->client_key));
}

}  // namespace clasp::exchange
