namespace LlmWorkflow.ServiceDefaults.Telemetry;

/// <summary>Whose traces and metrics are collected: the sources built into .NET and Npgsql, and the product's own.</summary>
internal static class TelemetryNames
{
    /// <summary>The engine's ActivitySource and Meter.</summary>
    public const string Product = "LlmWorkflow";

    public static readonly string[] Sources = [Product, "Microsoft.AspNetCore", "System.Net.Http", "Npgsql"];

    public static readonly string[] Meters =
    [
        Product, "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel", "System.Net.Http", "System.Runtime", "Npgsql",
    ];
}
