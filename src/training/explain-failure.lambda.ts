import { DEFAULT_TAG, isTag } from '../domain/model-version';
import { RegistrationRequest, RejectionStage, RunPlan } from '../domain/training-run';
import { perModel } from '../private/model-io';

export interface ExplainFailureEvent {
  /** The state's data when the run was stopped: its input, or what Prepare made of it. */
  readonly state: Partial<Pick<RunPlan, 'commit' | 'dataset' | 'imageUri' | 'spec'>> & { readonly reason?: string };
  readonly stage: RejectionStage;
  readonly run: string;
  readonly time: string;
  /** What the failed state was left with. */
  readonly error?: { readonly Error: string; readonly Cause?: string };
}

const MAX_REASON = 1000;
const UNKNOWN = 'unknown';

/** Makes the request to record that the run was stopped, with the reason in words instead of a job's description. */
async function handle({ state, stage, run, time, error }: ExplainFailureEvent): Promise<RegistrationRequest> {
  const tag = state.spec?.tag;
  return {
    decision: 'reject',
    run,
    tag: typeof tag === 'string' && isTag(tag) ? tag : DEFAULT_TAG,
    commit: textOf(state.commit) ?? UNKNOWN,
    dataset: textOf(state.dataset) ?? UNKNOWN,
    ...(textOf(state.imageUri) === undefined ? {} : { imageUri: state.imageUri }),
    stage,
    reason: (error === undefined ? state.reason ?? UNKNOWN : reasonOf(error)).slice(0, MAX_REASON),
    time,
  };
}

/** A job that failed describes itself as JSON in the cause. */
function reasonOf({ Error: name, Cause: cause }: { readonly Error: string; readonly Cause?: string }): string {
  if (cause === undefined || cause === '') return name;
  const described = parsed(cause);
  const reason = described.ExitMessage ?? described.FailureReason ?? described.errorMessage ?? stopped(described);
  const job = described.TrainingJobName ?? described.ProcessingJobName;
  if (typeof reason === 'string') return typeof job === 'string' ? `${job}: ${reason}` : reason;
  return `${name}: ${cause}`;
}

/** A job that was stopped, by somebody or because its time was over, gives no reason. */
function stopped(described: Record<string, unknown>): string | undefined {
  if ((described.TrainingJobStatus ?? described.ProcessingJobStatus) !== 'Stopped') return undefined;
  return described.SecondaryStatus === 'MaxRuntimeExceeded' ? 'the job was stopped because its time was over' : 'the job was stopped';
}

function parsed(cause: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(cause);
    return typeof value === 'object' && value !== null ? value as Record<string, unknown> : {};
  } catch {
    return {};
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

export const handler = perModel(handle);
