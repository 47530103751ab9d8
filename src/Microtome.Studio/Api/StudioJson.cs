using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Microtome.Studio.Checks;
using Microtome.Studio.Comparison;
using Microtome.Studio.Features;
using Microtome.Studio.Jobs;
using Microtome.Studio.Labels;
using Microtome.Studio.Models;
using Microtome.Studio.Steering;
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
[JsonSerializable(typeof(SubgraphRecord))]
[JsonSerializable(typeof(CheckRequest))]
[JsonSerializable(typeof(CheckRecord))]
[JsonSerializable(typeof(CompareRecord))]
[JsonSerializable(typeof(FeatureRecord))]
[JsonSerializable(typeof(NeighbourList))]
[JsonSerializable(typeof(FoundFeatures))]
[JsonSerializable(typeof(IndexRequest))]
[JsonSerializable(typeof(LabelRequest))]
[JsonSerializable(typeof(LabelRecord))]
[JsonSerializable(typeof(LabelList))]
[JsonSerializable(typeof(SteerRequest))]
[JsonSerializable(typeof(SteerQueued))]
[JsonSerializable(typeof(SteerStart))]
[JsonSerializable(typeof(SteerToken))]
[JsonSerializable(typeof(SteerEnd))]
[JsonSerializable(typeof(SteerFailure))]
[JsonSerializable(typeof(SteerDone))]
[JsonSerializable(typeof(PresetRequest))]
[JsonSerializable(typeof(PresetRecord))]
[JsonSerializable(typeof(PresetList))]
[JsonSerializable(typeof(VectorRecord))]
[JsonSerializable(typeof(VectorList))]
[JsonSerializable(typeof(IReadOnlyList<SteerItem>))]
[JsonSerializable(typeof(IReadOnlyList<int>))]
[JsonSerializable(typeof(IReadOnlyList<double>))]
[JsonSerializable(typeof(JsonObject))]
[JsonSerializable(typeof(IReadOnlyList<string>))]
[JsonSerializable(typeof(IReadOnlyList<TraceTarget>))]
[JsonSerializable(typeof(IReadOnlyDictionary<string, string>))]
internal sealed partial class StudioJson : JsonSerializerContext;
