/**
 * What a shell runs when somebody presses Tab: it asks `jiji complete`, which answers with lines of a word, a tab and what
 * the word is for, and with nothing where a file may stand.
 */
export const completionScripts = {
  bash: `# jiji, for bash: eval "$(jiji completion bash)"
_jiji() {
  local word about words=()
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD}"; do [[ $word == = ]] || words+=("$word"); done
  [[ \${COMP_WORDS[COMP_CWORD]} != = ]] || words+=('')
  COMPREPLY=()
  while IFS=$'\\t' read -r word about; do COMPREPLY+=("$word"); done < <(jiji complete -- "\${words[@]}" 2>/dev/null)
  [[ \${#COMPREPLY[@]} -ne 1 || \${COMPREPLY[0]} != *= ]] || compopt -o nospace
}
complete -o bashdefault -o default -F _jiji jiji`,
  zsh: `#compdef jiji
# jiji, for zsh: eval "$(jiji completion zsh)" after compinit
_jiji() {
  local line
  local -a found
  for line in "\${(@f)$(jiji complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    [[ -z $line ]] || found+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done
  if (( $#found )); then _describe -V jiji found; else _files; fi
}
compdef _jiji jiji`,
  fish: `# jiji, for fish: jiji completion fish | source
function __jiji_complete
  set -l words (commandline -opc) (commandline -ct)
  set -l found (jiji complete -- $words[2..] 2>/dev/null)
  if test (count $found) -gt 0
    printf '%s\\n' $found
  else
    __fish_complete_path (commandline -ct)
  end
end
complete -c jiji -f -a '(__jiji_complete)'`,
} as const
