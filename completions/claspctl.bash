# bash completion for claspctl, which knows itself what may come next.
_claspctl() {
  local words=() word last='' start i
  # Bash takes client=ann for three words. claspctl gets one, and bash the end of its answers.
  for ((i = 1; i <= COMP_CWORD; ++i)); do
    word=${COMP_WORDS[i]}
    if ((${#words[@]})) && [[ $word == [=:]* || $last == *[=:] ]]; then
      words[-1]+=$word
    else
      words+=("$word")
    fi
    last=$word
  done
  word=${words[-1]}
  if ((${#words[@]} > 1)) && [[ ${words[-2]} == --@(socket|binary) ]]; then
    mapfile -t COMPREPLY < <(compgen -f -- "$word")
    return
  fi
  start=${word%"${word##*[=:]}"}
  mapfile -t COMPREPLY < <("${COMP_WORDS[0]/#\~/$HOME}" --complete "${words[@]}" 2>/dev/null)
  for i in "${!COMPREPLY[@]}"; do
    word=${COMPREPLY[i]#"$start"}
    [[ $word == *= ]] && compopt -o nospace
    printf -v 'COMPREPLY[i]' %q "$word"
  done
}
complete -F _claspctl claspctl
