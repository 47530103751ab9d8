import { max } from "d3-array";
import { scaleLinear, scaleLog } from "d3-scale";

const width = 320;
const height = 84;
const bottom = 16;

/** How often the feature is active how strongly. Counts on a logarithmic axis: strong activations are rare. */
export function Histogram({ edges, counts, mark }: { edges: number[]; counts: number[]; mark: number | null }) {
  if (edges.length < 2 || counts.length === 0) return null;
  const x = scaleLinear([edges[0], edges[edges.length - 1]], [0, width]);
  const y = scaleLog([0.5, Math.max(1, max(counts) ?? 1)], [height - bottom, 4]).clamp(true);
  const ticks = x.ticks(5);
  return (
    <svg class="histogram" viewBox={`0 0 ${width} ${height}`} role="img" aria-label={`Histogram of activations from ${edges[0].toFixed(2)} to ${edges[edges.length - 1].toFixed(2)}, ${counts.reduce((a, b) => a + b, 0)} activations`}>
      {counts.map((count, i) => {
        const left = x(edges[i]);
        return (
          count > 0 && (
            <rect class="histogram-bar" x={left + 0.5} y={y(count)} width={Math.max(1, x(edges[i + 1]) - left - 1)} height={height - bottom - y(count)}>
              <title>{`${edges[i].toFixed(2)} to ${edges[i + 1].toFixed(2)}: ${count.toLocaleString("en")}`}</title>
            </rect>
          )
        );
      })}
      <path class="axis" d={`M0 ${height - bottom + 0.5}H${width}`} />
      {ticks.map((tick) => (
        <text class="tick" x={Math.min(width - 8, Math.max(6, x(tick)))} y={height - 3} text-anchor="middle">
          {tick}
        </text>
      ))}
      {mark !== null && (
        <g>
          <path class="mark" d={`M${Math.min(width, x(mark))} 2V${height - bottom}`} />
          <title>{`here ${mark.toFixed(2)}`}</title>
        </g>
      )}
    </svg>
  );
}
