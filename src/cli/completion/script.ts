// Completion scripts. They ask the program itself, so that they never fall behind it.

export const shells = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof shells)[number];

const scripts: Readonly<Record<Shell, string>> = {
  bash: `# bash completion for lateen
_lateen() {
  local IFS=$'\\n'
  COMPREPLY=($(lateen __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o bashdefault -o default -F _lateen lateen`,
  zsh: `#compdef lateen
# zsh completion for lateen
_lateen() {
  local -a candidates
  candidates=("\${(@f)$(lateen __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  candidates=("\${(@)candidates:#}")
  if (( \${#candidates} )); then
    compadd -a candidates
  else
    _files
  fi
}
if [ "\${funcstack[1]}" = "_lateen" ]; then
  _lateen "$@"
else
  compdef _lateen lateen
fi`,
  fish: `# fish completion for lateen
function __lateen_complete
  set -l words (commandline -opc) (commandline -ct)
  lateen __complete $words[2..-1] 2>/dev/null
end
complete -c lateen -f -a '(__lateen_complete)'
complete -c lateen -s f -l filename -r -F
complete -c lateen -l kubeconfig -r -F`,
};

export function completionScript(shell: Shell): string {
  return scripts[shell];
}
