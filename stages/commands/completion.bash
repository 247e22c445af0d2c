# Completion of groups and verbs in bash: source stages/commands/completion.bash
# Then `commands` is short for `python -m stages.commands`, and completes.
commands() {
    python -m stages.commands "$@"
}
_complete_commands() {
    local IFS=$'\n'
    COMPREPLY=($(COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD=$COMP_CWORD \
        _STAGES_COMMANDS_COMPLETE=complete_bash python -m stages.commands))
}
complete -o default -F _complete_commands commands
