using System.Text.Json;
using System.Text.Json.Serialization;
using Microtome.Studio.Jobs;
using Microtome.Studio.Labels;
using Microtome.Studio.Models;
using Microtome.Studio.Stories;
using Microtome.Studio.Traces;

namespace Microtome.Studio.Api;

/// <summary>How requests and answers are read and written, compiled in.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true, NumberHandling = JsonNumberHandling.Strict, MaxDepth = 32)]
[JsonSerializable(typeof(Problem))]
[JsonSerializable(typeof(StudioRecord))]
[JsonSerializable(typeof(JobRecord))]
[JsonSerializable(typeof(JobList))]
[JsonSerializable(typeof(ModelRecord))]
[JsonSerializable(typeof(ModelList))]
[JsonSerializable(typeof(ModelRequest))]
[JsonSerializable(typeof(FolderList))]
[JsonSerializable(typeof(TextRequest))]
[JsonSerializable(typeof(TokenList))]
[JsonSerializable(typeof(NextRequest))]
[JsonSerializable(typeof(NextList))]
[JsonSerializable(typeof(TargetAnswer))]
[JsonSerializable(typeof(TraceRequest))]
[JsonSerializable(typeof(TraceRecord))]
[JsonSerializable(typeof(TraceList))]
[JsonSerializable(typeof(TitleChange))]
[JsonSerializable(typeof(GraphRecord))]
[JsonSerializable(typeof(NodeLinks))]
[JsonSerializable(typeof(SumsRequest))]
[JsonSerializable(typeof(SumsRecord))]
[JsonSerializable(typeof(StoryRecord))]
[JsonSerializable(typeof(LabelRequest))]
[JsonSerializable(typeof(LabelRecord))]
[JsonSerializable(typeof(LabelList))]
[JsonSerializable(typeof(IReadOnlyList<string>))]
[JsonSerializable(typeof(IReadOnlyList<TraceTarget>))]
[JsonSerializable(typeof(IReadOnlyDictionary<string, string>))]
internal sealed partial class StudioJson : JsonSerializerContext;
