import { named } from './ledger-io';
import { RejectedCandidate } from './rejection';
import { JsonObject, JsonValue } from '../domain/attribute-values';
import { ModelEvaluation } from '../domain/events';
import { Candidate } from '../domain/ledger';
import { DEFAULT_TAG, isTag } from '../domain/model-version';

/** Reads the input of the registration state machine. All that is wrong with it is said in one error. */
export function candidateOf(input: JsonObject): Candidate {
  const problems: string[] = [];
  const tag = text(input.tag) ?? DEFAULT_TAG;
  if (!isTag(tag)) problems.push(`tag '${tag}' is not 1 to 16 letters, digits and hyphens`);
  const required = (name: string): string => {
    const value = text(input[name]);
    if (value === undefined) problems.push(`${name} is missing`);
    return value ?? '';
  };
  const candidate: Candidate = {
    run: required('run'),
    tag,
    commit: required('commit'),
    dataset: required('dataset'),
    imageUri: required('imageUri'),
    modelDataUrl: required('modelDataUrl'),
    evaluation: evaluation(input.evaluation, 'evaluation', problems) ?? { mse: 0, rmse: 0, mae: 0, itemCount: 0 },
    championEvaluation: input.championEvaluation === undefined || input.championEvaluation === null
      ? undefined
      : evaluation(input.championEvaluation, 'championEvaluation', problems),
    championVersion: text(input.championVersion),
    gate: text(input.reason),
    author: text(input.author),
    evaluationUri: text(input.evaluationUri),
    sampleUri: text(input.sampleUri),
    trainingJobName: text(input.trainingJobName),
    spec: isObject(input.spec) ? input.spec : undefined,
  };
  if (problems.length > 0) throw named('InvalidCandidate', `cannot register: ${problems.join('; ')}`);
  return candidate;
}

/** Reads a rejection. What is unknown of a candidate that failed early is said to be unknown. */
export function rejectedOf(input: JsonObject): RejectedCandidate {
  const run = text(input.run);
  if (run === undefined) throw named('InvalidCandidate', 'cannot record a rejection: run is missing');
  return {
    run,
    commit: text(input.commit) ?? 'unknown',
    dataset: text(input.dataset) ?? 'unknown',
    stage: text(input.stage) ?? 'training',
    reason: text(input.reason) ?? 'no reason given',
  };
}

function evaluation(value: JsonValue | undefined, name: string, problems: string[]): ModelEvaluation | undefined {
  if (!isObject(value)) {
    problems.push(`${name} is missing`);
    return undefined;
  }
  const finite = (member: string): number => {
    const figure = value[member];
    if (typeof figure === 'number' && Number.isFinite(figure)) return figure;
    problems.push(`${name}.${member} is not a number`);
    return 0;
  };
  const metrics = { mse: finite('mse'), rmse: finite('rmse'), mae: finite('mae'), itemCount: finite('itemCount') };
  // a constant target has no R²
  return value.r2 === undefined || value.r2 === null ? metrics : { ...metrics, r2: finite('r2') };
}

function text(value: JsonValue | undefined): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
