import { max } from "d3-array";
import { scaleLinear } from "d3-scale";
import type { CheckResult } from "../api/types";
import { percent, signed } from "../graph/graph";
import { Bar } from "../ui/Bar";
import { TokenText } from "../ui/controls";

/** Before, and after with attention frozen and not frozen, side by side; and the graph's prediction against both. */
export function CheckResults({ result }: { result: CheckResult }) {
  const chance = (list: CheckResult["before"], token: number) => list.find((one) => one.token === token)?.probability ?? 0;
  const rows = result.before
    .map((before) => ({ ...before, frozen: chance(result.frozenAttention.after, before.token), unfrozen: chance(result.unfrozen.after, before.token) }))
    .sort((a, b) => Math.max(b.probability, b.frozen, b.unfrozen) - Math.max(a.probability, a.frozen, a.unfrozen));
  return (
    <>
      <section class="part">
        <h3>What comes next</h3>
        <table class="chances">
          <thead>
            <tr>
              <th scope="col">Token</th>
              <th scope="col">Before</th>
              <th scope="col">Attention frozen</th>
              <th scope="col">Not frozen</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr>
                <th scope="row">
                  <TokenText text={row.text} />
                </th>
                <Chance value={row.probability} />
                <Chance value={row.frozen} before={row.probability} />
                <Chance value={row.unfrozen} before={row.probability} />
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      {result.continuation !== null && (
        <section class="part">
          <h3>How it goes on</h3>
          <dl class="continuations">
            <dt>Before</dt>
            <dd>{result.continuation}</dd>
            <dt>Attention frozen</dt>
            <dd>{result.frozenAttention.continuation}</dd>
            <dt>Not frozen</dt>
            <dd>{result.unfrozen.continuation}</dd>
          </dl>
        </section>
      )}
      {result.predicted && result.predicted.length > 0 && <Predictions result={result} />}
    </>
  );
}

function Chance({ value, before }: { value: number; before?: number }) {
  const rises = before !== undefined && value - before > 0.0005;
  const falls = before !== undefined && before - value > 0.0005;
  return (
    <td>
      <Bar share={value} tone={rises ? "positive" : falls ? "negative" : "plain"} />
      <span class="weight">
        {percent(value)}
        {rises && <span class="trend" title="more than before"> ▲</span>}
        {falls && <span class="trend" title="less than before"> ▼</span>}
      </span>
    </td>
  );
}

const width = 200;
const rowHeight = 26;

/** The change of each target's logit over the mean logit: what the graph predicts as a line, what was measured as marks. */
function Predictions({ result }: { result: CheckResult }) {
  const list = result.predicted!;
  const reach = max(list, (one) => Math.max(Math.abs(one.predicted), Math.abs(one.frozenAttention), Math.abs(one.unfrozen))) || 1;
  const x = scaleLinear([-reach, reach], [8, width - 8]);
  return (
    <section class="part">
      <h3>
        Predicted and measured <span class="h3-note">change of the logit over the mean</span>
      </h3>
      <table class="predictions">
        <thead>
          <tr>
            <th scope="col">Target</th>
            <th scope="col">
              <span class="visually-hidden">Chart</span>
            </th>
            <th scope="col">Graph</th>
            <th scope="col">Frozen</th>
            <th scope="col">Not frozen</th>
          </tr>
        </thead>
        <tbody>
          {list.map((one) => (
            <tr>
              <th scope="row">
                <TokenText text={one.text} />
              </th>
              <td>
                <svg class="prediction" viewBox={`0 0 ${width} ${rowHeight}`} aria-hidden="true">
                  <path class="axis" d={`M0 ${rowHeight / 2}H${width}M${x(0)} 4V${rowHeight - 4}`} />
                  <path class="predicted" d={`M${x(one.predicted)} 4V${rowHeight - 4}`} />
                  <circle class="measured" cx={x(one.frozenAttention)} cy={rowHeight / 2} r="4" />
                  <path class="measured is-open" d={`M${x(one.unfrozen)} ${rowHeight / 2 - 5}l5 5-5 5-5-5z`} />
                </svg>
              </td>
              <td class="weight">{signed(one.predicted)}</td>
              <td class="weight">{signed(one.frozenAttention)}</td>
              <td class="weight">{signed(one.unfrozen)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <ul class="legend">
        <li>
          <svg viewBox="0 0 12 12" aria-hidden="true"><path class="predicted" d="M6 1v10" /></svg>graph
        </li>
        <li>
          <svg viewBox="0 0 12 12" aria-hidden="true"><circle class="measured" cx="6" cy="6" r="4" /></svg>attention frozen
        </li>
        <li>
          <svg viewBox="0 0 12 12" aria-hidden="true"><path class="measured is-open" d="m6 1 5 5-5 5-5-5z" /></svg>not frozen
        </li>
      </ul>
      {result.agreement && (result.predicted ?? []).filter((one) => one.frozenAttention !== null).length > 1 && (
        <p class="hint" title="The cosine of what was predicted and what was measured, over the outputs">
          Agreement with the graph: {number(result.agreement.frozenAttention)} with attention frozen, {number(result.agreement.unfrozen)} not frozen.
        </p>
      )}
    </section>
  );
}

const number = (value: number | null) => (value === null ? "–" : value.toFixed(2));
