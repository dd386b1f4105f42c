using System.Globalization;
using LlmWorkflow.Engine.Diagnostics;

namespace LlmWorkflow.Engine.ExternalServices;

/// <summary>Where redirects of a service may lead: its own origin, and with https the hosts that its file names. Pure.</summary>
internal static class ServiceRedirect
{
    /// <summary>The next request, or why there is none.</summary>
    /// <param name="service">Names the hosts.</param>
    /// <param name="request">The first request.</param>
    /// <param name="hop">The one that was redirected.</param>
    /// <param name="status">HTTP status.</param>
    /// <param name="location">As the service named it.</param>
    public static (ServiceSender.Hop? Hop, WorkflowError? Error) Follow(
        ServiceDefinition service, ServiceRequest request, ServiceSender.Hop hop, int status, Uri location)
    {
        if (!Uri.TryCreate(hop.Url, location, out var url) || url.Scheme is not ("http" or "https") || url.UserInfo.Length > 0)
        {
            return (null, ServiceErrors.Redirect(status, "to an address that is no http or https URL, or that holds a user name", CheckBase(service)));
        }

        var method = status == 303 ? HttpMethod.Get : hop.Method;
        if (status is 301 or 302 && hop.Method != HttpMethod.Get)
        {
            return (null, ServiceErrors.Redirect(status, $"a {hop.Method} to {Host(url)}, which would make it another request", CheckBase(service)));
        }

        if (!hop.IsElsewhere && Origin(url) == Origin(request.Url))
        {
            return (new(url, method, true), null);
        }

        if (url.Scheme != "https" && hop.Url.Scheme == "https")
        {
            return (null, ServiceErrors.Redirect(status, $"from https to http ({Host(url)}), where everybody could read along", CheckBase(service)));
        }

        if (url.IdnHost == request.Url.IdnHost && Origin(url) != Origin(request.Url))
        {
            return (null, ServiceErrors.Redirect(
                status, $"to {url.Scheme}://{Host(url)}, which has another scheme or port than its base URL", $"If that is right, use it in the base URL. {CheckBase(service)}"));
        }

        if (url.Scheme != "https" || DestinationGuard.CheckUrl(url.GetLeftPart(UriPartial.Authority), allowPrivate: false) is not null)
        {
            return (null, ServiceErrors.Redirect(
                status, $"to {url.Scheme}://{Host(url)}: to other hosts only https and public addresses are followed", CheckBase(service)));
        }

        if (!service.RedirectHosts.Any(pattern => Matches(url.IdnHost, pattern)))
        {
            return (null, ServiceErrors.Redirect(status, $"to {Host(url)}, which its file does not allow",
                $"If {url.IdnHost} is right, add it to 'redirect_hosts' of services/{service.Name}.json (it gets no key), or name it in 'base_url'."));
        }

        return KeyText.IsIn(url.AbsoluteUri, request.Key)
            ? (null, ServiceErrors.Redirect(status, $"to {Host(url)} with the service's key, which other hosts do not get", CheckBase(service)))
            : (new(url, method, true, true), null);
    }

    /// <summary>The error of redirects without end.</summary>
    public static WorkflowError TooMany(int status, int most) => ServiceErrors.Redirect(
        status, string.Create(CultureInfo.InvariantCulture, $"again and again, more than {most} times"), "Check the service's base URL and path.");

    /// <summary>Whether a host is one that is named, or with <c>*.example.com</c> below it.</summary>
    public static bool Matches(string host, string pattern) =>
        pattern.StartsWith("*.", StringComparison.Ordinal)
            ? host.Length > pattern.Length - 1 && host.EndsWith(pattern[1..], StringComparison.OrdinalIgnoreCase)
            : host.Equals(pattern, StringComparison.OrdinalIgnoreCase);

    private static (string, string, int) Origin(Uri url) => (url.Scheme, url.IdnHost, url.Port);

    private static string Host(Uri url) => Redactor.Text(url.IsDefaultPort ? url.IdnHost : string.Create(CultureInfo.InvariantCulture, $"{url.IdnHost}:{url.Port}"));

    private static string CheckBase(ServiceDefinition service) =>
        service.BaseUrlVariable is { } variable
            ? $"Check 'base_url' in services/{service.Name}.json, or the variable {variable}."
            : $"Check 'base_url' in services/{service.Name}.json.";
}
