using System.CommandLine;

namespace LlmWorkflow.Cli;

/// <summary><c>llmflow completion</c>: scripts that ask <c>llmflow [suggest:POSITION] LINE</c> for what may follow.</summary>
internal static class CompletionCommand
{
    private const string Bash = """
        # llmflow completion for bash. Add to ~/.bashrc: source <(llmflow completion bash)
        _llmflow() {
          local line=${COMP_LINE:0:COMP_POINT} word=${COMP_WORDS[COMP_CWORD]}
          local IFS=$'\n'
          COMPREPLY=($(compgen -W "$("${COMP_WORDS[0]}" "[suggest:${#line}]" "$line" 2>/dev/null)" -- "$word"))
        }
        complete -o default -F _llmflow llmflow ./llmflow
        """;

    private const string Zsh = """
        # llmflow completion for zsh. Add to ~/.zshrc, after compinit: source <(llmflow completion zsh)
        _llmflow() {
          local line="${(j: :)words[1,CURRENT]}"
          local -a found
          found=("${(@f)$("${words[1]}" "[suggest:${#line}]" "$line" 2>/dev/null)}")
          compadd -a found || _files
        }
        compdef _llmflow llmflow ./llmflow
        """;

    private const string Fish = """
        # llmflow completion for fish. Save: llmflow completion fish > ~/.config/fish/completions/llmflow.fish
        function __llmflow_complete
          set -l line (commandline -cp)
          set -l program (commandline -opc)[1]
          eval $program "'[suggest:"(string length -- "$line")"]'" (string escape -- "$line") 2>/dev/null
        end
        complete -c llmflow -a '(__llmflow_complete)'
        """;

    private const string Pwsh = """
        # llmflow completion for PowerShell. Add to $PROFILE: llmflow completion pwsh | Out-String | Invoke-Expression
        Register-ArgumentCompleter -Native -CommandName llmflow -ScriptBlock {
          param($word, $line, $position)
          llmflow "[suggest:$position]" "$line" | Where-Object { $_ -like "$word*" } | ForEach-Object {
            [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
          }
        }
        """;

    public static Command Create(CliHost host)
    {
        var command = new CliCommand(
            "completion", "Print a script that completes commands, options and workflow names.", "source <(llmflow completion bash)", "llmflow completion fish > ~/.config/fish/completions/llmflow.fish");
        foreach (var (shell, script) in new[] { ("bash", Bash), ("zsh", Zsh), ("fish", Fish), ("pwsh", Pwsh) })
        {
            var one = new CliCommand(shell, $"The script for {shell}.");
            one.SetAction(_ => host.Out.WriteLine(script));
            command.Add(one);
        }

        return command;
    }
}
