using Microtome.Circuits;

namespace Microtome.Studio.Traces;

/// <summary>Keeps the graphs that were looked at last in memory, so that a slider's move need not read a file.</summary>
internal sealed class GraphCache(TraceStore store)
{
    private const long MostBytes = 1L << 30;
    private readonly Lock _lock = new();
    private readonly LinkedList<(string Trace, Lazy<LoadedGraph> Graph)> _recent = [];

    /// <exception cref="Api.RequestException">The trace has no graph, or none yet.</exception>
    public LoadedGraph Get(string trace)
    {
        Lazy<LoadedGraph> graph;
        lock (_lock)
        {
            LinkedListNode<(string Trace, Lazy<LoadedGraph> Graph)>? node = _recent.First;
            while (node is not null && node.Value.Trace != trace) node = node.Next;
            if (node is null) node = new((trace, new Lazy<LoadedGraph>(() => Load(trace))));
            else _recent.Remove(node);
            _recent.AddFirst(node);
            graph = node.Value.Graph;
        }
        try
        {
            LoadedGraph loaded = graph.Value;
            Shrink();
            return loaded;
        }
        catch
        {
            Forget(trace);
            throw;
        }
    }

    public void Forget(string trace)
    {
        lock (_lock)
            for (LinkedListNode<(string Trace, Lazy<LoadedGraph> Graph)>? node = _recent.First, next; node is not null; node = next)
            {
                next = node.Next;
                if (node.Value.Trace == trace) _recent.Remove(node);
            }
    }

    private LoadedGraph Load(string trace)
    {
        string state = store.Get(trace).State;
        if (state != "done") throw Api.RequestException.Conflict($"The trace '{trace}' is {state}; it has no graph.");
        return new LoadedGraph(GraphFile.Load(store.GraphPath(trace)));
    }

    private void Shrink()
    {
        lock (_lock)
        {
            long bytes = 0;
            for (LinkedListNode<(string Trace, Lazy<LoadedGraph> Graph)>? node = _recent.First, next; node is not null; node = next)
            {
                next = node.Next;
                if (node.Value.Graph.IsValueCreated) bytes += node.Value.Graph.Value.Bytes;
                if (bytes > MostBytes && node != _recent.First) _recent.Remove(node);
            }
        }
    }
}
