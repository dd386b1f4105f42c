namespace LlmWorkflow.AppHost.Local;
internal static class Placeholder;
