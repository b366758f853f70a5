# bash completion for claspctl, made from its command table.
_claspctl() {
  local cur=${COMP_WORDS[COMP_CWORD]} words=
  if [[ $COMP_CWORD -eq 1 ]]; then
    words='key --help --version'
  elif [[ $COMP_CWORD -eq 2 ]]; then
    case ${COMP_WORDS[1]} in
      key) words='new hash' ;;
    esac
  else
    words=--json
  fi
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}
complete -F _claspctl claspctl
