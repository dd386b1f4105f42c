using LlmWorkflow.Client.Contracts;

namespace LlmWorkflow.Api.Endpoints;

/// <summary>A job as a request names it: id in the route, and the user it must belong to.</summary>
internal readonly record struct JobAddress(Guid JobId, Guid? UserId)
{
    /// <summary>The address, or null when it is malformed: then the problem is written.</summary>
    public static async ValueTask<JobAddress?> ReadAsync(HttpContext context, string id, string? userId)
    {
        List<ProblemIssue> issues = [];
        if (!Guid.TryParse(id, out var jobId))
        {
            issues.Add(new() { Parameter = "id", Message = "must be a job_id, a UUID" });
        }

        Guid? user = null;
        if (!string.IsNullOrEmpty(userId))
        {
            user = Guid.TryParse(userId, out var parsed) ? parsed : null;
            if (user is null)
            {
                issues.Add(new() { Parameter = "user_id", Message = "must be a UUID" });
            }
        }

        if (issues.Count == 0)
        {
            return new(jobId, user);
        }

        await ProblemDetailsMapping.WriteAsync(context, ApiErrors.Invalid(string.Join("; ", issues.Select(i => $"{i.Parameter} {i.Message}")) + "."), issues);
        return null;
    }

    /// <summary>Whether a job of that user may be shown: another user's job is as good as none.</summary>
    public bool IsOpenTo(Guid? jobUser) => UserId is null || UserId == jobUser;
}
