using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Schema;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing.Patterns;
using Microtome.Studio.Api;

namespace Microtome.Studio.OpenApi;

/// <summary>Describes the API (OpenAPI 3.1) from the endpoints themselves and from how their types are written, so that none can be forgotten.</summary>
internal static class OpenApiDocument
{
    private const string Json = "application/json";

    public static JsonObject Describe(IEnumerable<EndpointDataSource> sources)
    {
        Dictionary<string, JsonNode> schemas = [];
        JsonObject paths = [];
        foreach (RouteEndpoint endpoint in sources.SelectMany(source => source.Endpoints).OfType<RouteEndpoint>().OrderBy(endpoint => endpoint.RoutePattern.RawText, StringComparer.Ordinal))
        {
            string path = PathOf(endpoint);
            if (paths[path] is not JsonObject operations) paths[path] = operations = [];
            foreach (string method in endpoint.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods ?? []) operations[method.ToLowerInvariant()] = Operation(endpoint, schemas);
        }
        JsonObject components = [];
        foreach ((string name, JsonNode schema) in schemas.OrderBy(pair => pair.Key, StringComparer.Ordinal)) components[name] = schema;
        return new JsonObject
        {
            ["openapi"] = "3.1.0",
            ["info"] = new JsonObject { ["title"] = "Microtome studio", ["version"] = StudioServer.Version, ["description"] = "docs/studio-api.md explains it with examples." },
            ["security"] = new JsonArray(new JsonObject { ["token"] = new JsonArray() }),
            ["paths"] = paths,
            ["components"] = new JsonObject
            {
                ["securitySchemes"] = new JsonObject { ["token"] = new JsonObject { ["type"] = "http", ["scheme"] = "bearer", ["description"] = "The token in the address that microtome studio prints." } },
                ["schemas"] = components,
            },
        };
    }

    /// <summary>Without the constraints of parameters.</summary>
    internal static string PathOf(RouteEndpoint endpoint) => endpoint.RoutePattern.RawText!.Replace(":int}", "}", StringComparison.Ordinal);

    private static JsonObject Operation(RouteEndpoint endpoint, Dictionary<string, JsonNode> schemas)
    {
        JsonObject operation = [];
        if (endpoint.Metadata.GetMetadata<IEndpointSummaryMetadata>()?.Summary is { } summary) operation["summary"] = summary;
        JsonArray parameters = [];
        HashSet<string> described = [];
        foreach (IParameterBindingMetadata parameter in endpoint.Metadata.GetOrderedMetadata<IParameterBindingMetadata>())
        {
            Type type = Nullable.GetUnderlyingType(parameter.ParameterInfo.ParameterType) ?? parameter.ParameterInfo.ParameterType;
            if (type != typeof(string) && !type.IsPrimitive) continue;
            bool inPath = endpoint.RoutePattern.GetParameter(parameter.Name) is not null;
            described.Add(parameter.Name);
            parameters.Add(Parameter(parameter.Name, inPath, inPath || !parameter.IsOptional, type == typeof(string) ? "string" : type == typeof(double) ? "number" : type == typeof(bool) ? "boolean" : "integer"));
        }
        foreach (RoutePatternParameterPart part in endpoint.RoutePattern.Parameters)
            if (described.Add(part.Name)) parameters.Add(Parameter(part.Name, inPath: true, required: true, "string"));
        if (parameters.Count > 0) operation["parameters"] = parameters;

        if (endpoint.Metadata.GetMetadata<IAcceptsMetadata>() is { RequestType: { } body } accepts)
            operation["requestBody"] = new JsonObject { ["required"] = true, ["content"] = Content(accepts.ContentTypes, body, schemas) };

        JsonObject responses = [];
        foreach (IProducesResponseTypeMetadata response in endpoint.Metadata.GetOrderedMetadata<IProducesResponseTypeMetadata>())
        {
            JsonObject answer = new() { ["description"] = response.StatusCode == StatusCodes.Status204NoContent ? "Done." : "The answer." };
            if (response.Type is { } type && type != typeof(void)) answer["content"] = Content(response.ContentTypes, type, schemas);
            responses[$"{response.StatusCode}"] = answer;
        }
        responses["default"] = new JsonObject { ["description"] = "A refusal, as problem details.", ["content"] = Content(["application/problem+json"], typeof(Problem), schemas) };
        operation["responses"] = responses;
        return operation;
    }

    private static JsonObject Parameter(string name, bool inPath, bool required, string type) =>
        new() { ["name"] = name, ["in"] = inPath ? "path" : "query", ["required"] = required, ["schema"] = new JsonObject { ["type"] = type } };

    private static JsonObject Content(IEnumerable<string> types, Type type, Dictionary<string, JsonNode> schemas)
    {
        JsonObject content = [];
        foreach (string contentType in types.DefaultIfEmpty(Json)) content[contentType] = new JsonObject { ["schema"] = Schema(type, schemas) };
        return content;
    }

    private static JsonObject Schema(Type type, Dictionary<string, JsonNode> schemas)
    {
        if (type == typeof(byte[])) return new JsonObject { ["type"] = "string", ["format"] = "binary" };
        if (type == typeof(string)) return new JsonObject { ["type"] = "string" };
        if (!schemas.ContainsKey(type.Name))
        {
            JsonTypeInfo info = StudioJson.Default.GetTypeInfo(type) ?? throw new InvalidOperationException($"{type} is not among the types that are written as JSON.");
            schemas[type.Name] = info.GetJsonSchemaAsNode(new JsonSchemaExporterOptions { TreatNullObliviousAsNonNullable = true });
            Anchor(schemas[type.Name], $"#/components/schemas/{type.Name}");
        }
        return new JsonObject { ["$ref"] = $"#/components/schemas/{type.Name}" };
    }

    /// <summary>References within a schema begin at its own root; here that lies deeper.</summary>
    private static void Anchor(JsonNode? node, string root)
    {
        if (node is JsonArray array)
            foreach (JsonNode? item in array) Anchor(item, root);
        if (node is not JsonObject fields) return;
        if (fields["$ref"] is JsonValue reference && reference.GetValueKind() == JsonValueKind.String && reference.GetValue<string>() is ['#', .. var rest]) fields["$ref"] = root + rest;
        foreach ((string _, JsonNode? value) in fields.ToArray()) Anchor(value, root);
    }
}
