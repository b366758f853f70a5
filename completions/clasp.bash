# bash completion for clasp, made from its option table.
_clasp() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
  case $prev in
    -provider|--provider)
      mapfile -t COMPREPLY < <(compgen -W "openai openrouter azure anthropic gemini deepseek grok qwen minimax litellm ollama custom vertex mistral groq vllm lmstudio llamacpp demo" -- "$cur")
      return ;;
    -dialect|--dialect)
      mapfile -t COMPREPLY < <(compgen -W "openai azure openrouter ollama vllm llamacpp lmstudio deepseek gemini vertex xai mistral groq generic anthropic" -- "$cur")
      return ;;
    -unknown-models|--unknown-models)
      mapfile -t COMPREPLY < <(compgen -W "pass refuse" -- "$cur")
      return ;;
    -pdf-text|--pdf-text)
      mapfile -t COMPREPLY < <(compgen -W "auto off" -- "$cur")
      return ;;
    -log-level|--log-level)
      mapfile -t COMPREPLY < <(compgen -W "debug info warn error" -- "$cur")
      return ;;
    -config|--config|-ca-file|--ca-file|-api-key-file|--api-key-file)
      mapfile -t COMPREPLY < <(compgen -f -- "$cur")
      return ;;
    -listen|--listen|-port|--port|-workers|--workers|-cors-origins|--cors-origins|-base-url|--base-url|-api-key|--api-key|-max-concurrency|--max-concurrency|-azure-deployment|--azure-deployment|-azure-api-version|--azure-api-version|-model|--model|-retry-attempts|--retry-attempts|-queue-max-size|--queue-max-size|-queue-max-wait|--queue-max-wait|-cb-threshold|--cb-threshold|-cb-recovery|--cb-recovery|-cb-timeout|--cb-timeout|-http-timeout|--http-timeout|-max-body|--max-body|-max-connections|--max-connections|-auth-api-key|--auth-api-key|-rate-limit-requests|--rate-limit-requests|-rate-limit-window|--rate-limit-window|-rate-limit-burst|--rate-limit-burst|-cache-max-size|--cache-max-size|-cache-ttl|--cache-ttl|-control-socket|--control-socket)
      return ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "-config -check -models -version -help -listen -port -workers -strict -demo-if-unconfigured -ca-file -cors-origins -proxy-only -exit-with-parent -provider -base-url -api-key -api-key-file -max-concurrency -dialect -azure-deployment -azure-api-version -model -unknown-models -multi-provider -fallback -retry-attempts -queue -queue-max-size -queue-max-wait -circuit-breaker -cb-threshold -cb-recovery -cb-timeout -http-timeout -max-body -max-connections -fetch-remote -pdf-text -log-level -debug -debug-requests -debug-responses -auth -auth-api-key -rate-limit -rate-limit-requests -rate-limit-window -rate-limit-burst -cache -cache-max-size -cache-ttl -control-socket" -- "$cur")
}
complete -F _clasp clasp
