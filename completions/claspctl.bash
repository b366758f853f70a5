# bash completion for claspctl, made from its command table.
_claspctl() {
  local cur=${COMP_WORDS[COMP_CWORD]} words=
  if [[ $COMP_CWORD -eq 1 ]]; then
    words='status reload config drain undrain upgrade backends exchanges breakers queue cache tail limits keys costs metrics log-level commands doctor claude key --help --version'
  elif [[ $COMP_CWORD -eq 2 ]]; then
    case ${COMP_WORDS[1]} in
      status) words='' ;;
      reload) words='' ;;
      config) words='show check diff options' ;;
      drain) words='' ;;
      undrain) words='' ;;
      upgrade) words='' ;;
      backends) words='show enable disable drain' ;;
      exchanges) words='show cancel' ;;
      breakers) words='trip reset' ;;
      queue) words='show cancel flush pause resume' ;;
      cache) words='flush' ;;
      tail) words='' ;;
      limits) words='' ;;
      keys) words='' ;;
      costs) words='' ;;
      metrics) words='' ;;
      log-level) words='set' ;;
      commands) words='' ;;
      doctor) words='' ;;
      claude) words='' ;;
      key) words='new hash' ;;
    esac
    [[ ${COMP_WORDS[1]} != claude ]] && words+=' --json'
  else
    words=--json
  fi
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}
complete -F _claspctl claspctl
