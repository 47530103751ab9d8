using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("Microtome.Studio.Tests")]
