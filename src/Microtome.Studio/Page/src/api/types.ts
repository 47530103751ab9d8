/** The answers of the studio's API, as docs/studio-api.md has them. */

export interface Studio {
  version: string;
  defaultModel: string;
  dataFolder: string;
  limits: { promptCharacters: number; graphBytes: number; labelCharacters: number };
}

export interface Model {
  id: string;
  name: string;
  transcoders: string | null;
  source: "shipped" | "commandLine" | "added";
  state: "idle" | "loading" | "ready" | "failed";
  error: string | null;
  family: string | null;
  layers: number | null;
  width: number | null;
  vocabulary: number | null;
  contextLength: number | null;
  featuresPerLayer: number[] | null;
  crossLayer: boolean | null;
  hasTokenizer: boolean | null;
  hasChatTemplate: boolean | null;
  index: { state: "none" | "running" | "ready"; job: string | null; kind: "index" | "neuronpedia" | null; tokens: number | null };
}

export interface Folders {
  models: string[];
  transcoders: string[];
  indexes: string[];
}

export interface PromptToken {
  id: number;
  text: string;
  added: boolean;
}

export interface TokenChance {
  token: number;
  text: string;
  probability: number;
  logit?: number;
}

export type JobState = "queued" | "running" | "done" | "failed" | "cancelled";

export interface Job {
  id: string;
  kind: "trace" | "index" | "load";
  state: JobState;
  place: number | null;
  phase: string | null;
  fraction: number | null;
  detail: string | null;
  error?: string | null;
  trace?: Trace;
}

export interface Trace {
  id: string;
  title: string;
  source: "traced" | "uploaded";
  state: JobState;
  place: number | null;
  phase: string | null;
  fraction: number | null;
  error: string | null;
  model: string | null;
  modelName: string | null;
  dictionary: string | null;
  prompt: string;
  tokens: string[] | null;
  targets: TokenChance[] | null;
  created: string;
  seconds: number | null;
  features: number | null;
  activeFeatures: number | null;
  edges: number | null;
  replacement: number | null;
  completeness: number | null;
  parameters: Record<string, string> | null;
}

/** `steering` is what steering added to the stream, in the graph of a steered prompt. */
export type NodeKind = "feature" | "error" | "token" | "steering" | "target";

export interface ApiNode {
  id: string;
  kind: NodeKind;
  layer: number;
  position: number;
  feature: number | null;
  activation: number | null;
  influence: number | null;
  cumulative: number | null;
  inputSum: number | null;
  outputSum: number | null;
  token: number | null;
  text: string | null;
  probability: number | null;
  label: string | null;
}

export interface ApiGraph {
  trace: string;
  layers: number;
  nodeThreshold: number;
  edgeThreshold: number;
  tokens: { position: number; id: number; text: string }[];
  nodes: ApiNode[];
  edges: { source: number[]; target: number[]; weight: number[] };
  whole: { features: number; nodes: number; edges: number };
  replacement: number | null;
  completeness: number | null;
}

export interface Connection {
  node: ApiNode;
  weight: number;
  share: number | null;
}

export interface NodeDetail {
  node: ApiNode;
  inputs: Connection[];
  outputs: Connection[];
}

export interface Example {
  interval: number;
  from: number | null;
  to: number | null;
  tokens: string[];
  activations: number[];
  peak: number;
}

export interface FeatureDetail {
  dictionary: string;
  model: string | null;
  layer: number;
  feature: number;
  label: string | null;
  labelSource: "user" | "file" | null;
  indexed: boolean;
  density: number | null;
  maximum: number | null;
  tokensSeen: number | null;
  examples: Example[] | null;
  intervals: { interval: number; from: number | null; to: number | null; count: number; name: string }[] | null;
  histogram: { edges: number[]; counts: number[] } | null;
  promoted: TokenLogit[] | null;
  suppressed: TokenLogit[] | null;
  here: { position: number; text: string; activation: number }[] | null;
}

export interface TokenLogit {
  token: number;
  text: string;
  logit: number;
}

export interface Neighbour {
  layer: number;
  feature: number;
  cosine: number;
  label: string | null;
}

export interface Group {
  name: string;
  nodes: string[];
}

export interface Story {
  pinned: string[];
  groups: Group[];
  notes: string;
  view: Record<string, unknown>;
}

export interface Sums {
  groups: { name: string; activation: number | null; influence: number | null }[];
  edges: { source: number; target: number; weight: number; magnitude: number; share: number | null }[];
}

export type Action = "set" | "scale" | "remove";

export interface Change {
  nodes?: string[];
  group?: string;
  action: Action;
  value: number;
  everywhere: boolean;
}

export interface CheckResult {
  before: TokenChance[];
  frozenAttention: { after: TokenChance[]; continuation: string | null };
  unfrozen: { after: TokenChance[]; continuation: string | null };
  continuation: string | null;
  predicted: { token: number; text: string; predicted: number; frozenAttention: number; unfrozen: number }[] | null;
  agreement: { frozenAttention: number | null; unfrozen: number | null } | null;
  seconds: number;
}

export interface Comparison {
  a: Trace;
  b: Trace;
  layers: number;
  sameDictionary: boolean;
  tokens: { a: number | null; b: number | null; textA: string | null; textB: string | null }[];
  nodes: { kind: NodeKind; layer: number; feature: number | null; column: number; a: ApiNode | null; b: ApiNode | null; state: "both" | "a" | "b" }[];
  edges: { source: number[]; target: number[]; a: (number | null)[]; b: (number | null)[] };
  summary: { both: number; onlyA: number; onlyB: number; correlation: number | null };
}

export type Steering =
  | { kind: "feature"; layer: number; feature: number; strength: number }
  | { kind: "group"; trace: string; group: string; strength: number }
  | { kind: "vector"; name: string; layer: number | null; strength: number };

export interface Vector {
  name: string;
  model: string;
  layers: number[];
  norms: number[] | null;
  source: string | null;
}

export interface Preset {
  id: string;
  name: string;
  model: string;
  steering: Steering[];
  settings: Record<string, unknown>;
  changed: string;
}

export interface Label {
  dictionary: string;
  layer: number;
  feature: number;
  text: string;
  source: string;
  changed: string;
}
