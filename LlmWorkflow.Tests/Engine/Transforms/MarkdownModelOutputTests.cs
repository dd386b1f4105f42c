using System.Text.Json;
using static LlmWorkflow.Tests.Engine.Transforms.TestTransform;

namespace LlmWorkflow.Tests.Engine.Transforms;

/// <summary>Whole answers in the manner of the models that workflows call.</summary>
public sealed class MarkdownModelOutputTests
{
    private const string Mission = """
        {"sections": {"executive_summary": "Executive Summary", "risk_assessment": ["Risk Assessment", "Risks"], "recommended_bundles": "Recommended Bundles",
        "survival_skills": "Survival Skills", "day_by_day": ["Day-by-Day Plan", "Day by Day"], "next_steps": "Next Steps"}}
        """;

    // Emoji and numbers in headings, separators, a table, check boxes, a closing question.
    private const string GptStyle = """
        # 🛡️ Emergency Mission Plan for the Smith Family

        ---

        ## 📋 1. Executive Summary

        This plan covers **72 hours** without power.

        ---

        ## ⚠️ 2. Risk Assessment

        | Risk | Likelihood | Impact |
        |:-----|:----------:|-------:|
        | Flood | **High** | Severe |
        | Power outage | Medium | |

        ---

        ## 🎒 3. Recommended Bundles

        1. **Water Kit** – 20 gallons
        2. **Food Kit** – 3 days

        ## 🧭 4. Survival Skills

        - First aid
        - Fire making

        ## 📅 5. Day-by-Day Plan

        ### Day 1
        - Fill bottles
        - Charge phones

        ### Day 2
        - Check on neighbors

        ## ✅ 6. Next Steps

        1. Buy the kits
        2. Practice

        ---

        Would you like a printable version?
        """;

    // A sentence first, records with nested labels, JSON at the end.
    private const string ClaudeStyle = """
        I'll help you prepare. Here's a comprehensive list:

        # Emergency Contacts and Meeting Locations

        ## Emergency Contacts

        ### Medical
        - **Name:** City Hospital
          - **Phone:** (555) 010-1000
          - **Address:** 1 Main St, Austin, TX
          - **Services:**
            - Trauma
            - Pediatrics
        - **Name:** Urgent Care
          - **Phone:** (555) 010-2000

        ### Police
        - **Name:** Precinct 4
          - **Phone**: 911

        ## Meeting Locations

        **Primary: Zilker Park**
        - **Type:** primary
        - **Reason:** open ground

        **Library**
        - **Type:** secondary

        ## Data

        ```json
        {"radius_m": 15000, "checked": true}
        ```
        """;

    // Star bullets with wide indents, bold lines for headings.
    private const string GeminiStyle = """
        Okay, here is a plan tailored to your family.

        **Executive Summary**

        Your household is at moderate risk.

        **Risk Assessment**

        *   **Flood:** High, the river is near.
        *   **Heat:** Medium.

        **Recommended Bundles**

        *   **Bundle:** Water
            *   **Cost:** $20
        *   **Bundle:** Food
            *   **Cost:** $35

        **Day by Day**

        *   **Day 1:** Pack.
        *   **Day 2:** Leave.

        **Next Steps:**

        1.  Call the city.
        2.  Sign up for alerts.
        """;

    [Fact]
    public void Apply_GptStyle_GivesSections() => AssertJson(
        """
        {
          "executive_summary": "This plan covers **72 hours** without power.",
          "risk_assessment": [{"risk": "Flood", "likelihood": "High", "impact": "Severe"}, {"risk": "Power outage", "likelihood": "Medium", "impact": ""}],
          "recommended_bundles": ["Water Kit – 20 gallons", "Food Kit – 3 days"],
          "survival_skills": ["First aid", "Fire making"],
          "day_by_day": {"day_1": ["Fill bottles", "Charge phones"], "day_2": ["Check on neighbors"]},
          "next_steps": ["Buy the kits", "Practice"]
        }
        """,
        Both(GptStyle, Mission));

    [Fact]
    public void Apply_GptStyleWithoutSections_NamesHeadingsWithoutNumberAndEmoji() => Assert.Equal(
        ["emergency_mission_plan_for_the_smith_family", "executive_summary", "risk_assessment", "recommended_bundles", "survival_skills", "day_by_day_plan", "day_1", "day_2", "next_steps"],
        Markdown(GptStyle, "{}").EnumerateObject().Select(section => section.Name));

    [Fact]
    public void Apply_ClaudeStyle_GivesRecords() => AssertJson(
        """
        {
          "contacts": {
            "medical": [
              {"name": "City Hospital", "phone": "(555) 010-1000", "address": "1 Main St, Austin, TX", "services": ["Trauma", "Pediatrics"]},
              {"name": "Urgent Care", "phone": "(555) 010-2000"}
            ],
            "police": [{"name": "Precinct 4", "phone": "911"}]
          },
          "places": [{"name": "Primary: Zilker Park", "type": "primary", "reason": "open ground"}, {"name": "Library", "type": "secondary"}],
          "data": {"radius_m": 15000, "checked": true}
        }
        """,
        Both(ClaudeStyle, """{"sections": {"contacts": "emergency contacts", "places": ["Meeting Points", "Meeting Locations"], "data": "Data"}}"""));

    [Fact]
    public void Apply_GeminiStyle_ReadsBoldLinesAsHeadings()
    {
        const string Expected = """
            {
              "executive_summary": "Your household is at moderate risk.",
              "risk_assessment": {"flood": "High, the river is near.", "heat": "Medium."},
              "recommended_bundles": [{"bundle": "Water", "cost": "$20"}, {"bundle": "Food", "cost": "$35"}],
              "day_by_day": {"day_1": "Pack.", "day_2": "Leave."},
              "next_steps": ["Call the city.", "Sign up for alerts."]
            """;

        AssertJson(Expected + """, "survival_skills": null}""", Both(GeminiStyle, Mission));
        AssertJson(Expected + """, "preamble": "Okay, here is a plan tailored to your family."}""", Both(GeminiStyle, "{}"));
    }

    /// <summary>Line ends and a fence around the whole must not matter.</summary>
    private static JsonElement Both(string text, string parameters)
    {
        JsonElement value = Markdown(text.ReplaceLineEndings("\n"), parameters);
        AssertJson(value.GetRawText(), Markdown(text.ReplaceLineEndings("\r\n"), parameters));
        return value;
    }
}
