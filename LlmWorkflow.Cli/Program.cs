using System.CommandLine;

return await new RootCommand("llmflow: check, draw, plan, run and edit LLM workflows.").Parse(args).InvokeAsync();
