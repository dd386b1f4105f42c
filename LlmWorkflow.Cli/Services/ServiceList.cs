using System.Text.Json;
using LlmWorkflow.Cli.Running;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.ExternalServices;

namespace LlmWorkflow.Cli.Services;

/// <summary>What can be called: all services, or one with its operations and their parameters.</summary>
internal sealed class ServiceList(CliHost host, bool asJson)
{
    /// <summary>Prints all services; the exit code.</summary>
    public int Print(ServiceCatalog services)
    {
        List<ServiceDefinition> read = [];
        foreach (var name in services.Names)
        {
            try
            {
                read.Add(services.Get(name));
            }
            catch (WorkflowException e)
            {
                host.Error.WriteLine($"warning: {e.Message}");
            }
        }

        host.Out.WriteLine(asJson ? CliJson.Text(writer => Write(writer, read)) : string.Join(Environment.NewLine, read.Select(service => $"{Head(service)}{Environment.NewLine}  {string.Join(", ", service.Operations.Keys)}")));
        return ExitCodes.Success;
    }

    /// <summary>Prints one service; the exit code.</summary>
    public int Print(ServiceDefinition service)
    {
        host.Out.WriteLine(asJson
            ? CliJson.Text(writer => Write(writer, [service]))
            : string.Join(Environment.NewLine, service.Operations.SelectMany(static operation => Lines(operation.Key, operation.Value)).Prepend(Head(service))));
        return ExitCodes.Success;
    }

    private string Head(ServiceDefinition service) => $"{service.Name}: {service.Description ?? service.BaseUrl} [{Key(service)}]";

    private string Key(ServiceDefinition service)
    {
        var upstreams = UpstreamSettings.Of(service, host.Environment);
        return service.Auth is not { } auth ? "no key needed"
            : upstreams.Keyless.Count == 0 ? "key set"
            : upstreams.Keyless.All(upstreams.CanBeSimulated) && StandIn.IsDevelopment(host) ? $"simulated, {string.Join(" or ", auth.Variables)} not set"
            : $"{string.Join(" or ", auth.Variables)} not set";
    }

    private static IEnumerable<string> Lines(string name, ServiceOperation operation)
    {
        yield return $"  {name}{(operation.Description is { } description ? $": {description}" : "")}";
        foreach (var parameter in OperationParameter.Of(operation))
        {
            yield return $"    {parameter}";
        }
    }

    private void Write(Utf8JsonWriter writer, IEnumerable<ServiceDefinition> services)
    {
        writer.WriteStartArray();
        foreach (var service in services)
        {
            writer.WriteStartObject();
            writer.WriteString("service", service.Name);
            writer.WriteString("description", service.Description);
            writer.WriteString("key", Key(service));
            writer.WriteStartArray("operations");
            foreach (var (name, operation) in service.Operations)
            {
                writer.WriteStartObject();
                writer.WriteString("operation", name);
                writer.WriteString("description", operation.Description);
                writer.WriteStartArray("parameters");
                foreach (var parameter in OperationParameter.Of(operation))
                {
                    writer.WriteStringValue(parameter.Name);
                }

                writer.WriteEndArray();
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }
}
