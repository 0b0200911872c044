import { fingerprint } from './fingerprint';
import { LifecycleStage, VersionRecord } from './ledger';

/** A status that SageMaker knows, and the stage that the library gives its meaning. */
export interface PackageStage {
  readonly approval: 'Approved' | 'Rejected' | 'PendingManualApproval';
  readonly stageStatus: 'InProgress' | 'Complete' | 'Failed';
}

/**
 * What a stage means for the model package. A registered version has passed its gate, hence is approved for
 * deployment; one that failed afterwards, or was never tried, is not.
 */
export const PACKAGE_STAGES: Readonly<Record<LifecycleStage, PackageStage>> = {
  Registered: { approval: 'Approved', stageStatus: 'Complete' },
  Staging: { approval: 'Approved', stageStatus: 'InProgress' },
  Canary: { approval: 'Approved', stageStatus: 'InProgress' },
  Production: { approval: 'Approved', stageStatus: 'Complete' },
  Archived: { approval: 'Approved', stageStatus: 'Complete' },
  Rejected: { approval: 'Rejected', stageStatus: 'Failed' },
  Superseded: { approval: 'PendingManualApproval', stageStatus: 'Complete' },
  RolledBack: { approval: 'Rejected', stageStatus: 'Failed' },
};

/** Names the one attempt to make a version's model package: the request of the same attempt is the same request. */
export function registrationToken(group: string, record: Pick<VersionRecord, 'version' | 'attempt' | 'createdAt'>): string {
  return fingerprint(`${group}/${record.version}/${record.attempt}/${record.createdAt}`, 4);
}

/**
 * What a version's package says about it, as SageMaker's customer metadata: text of at most 256 characters. Whoever
 * releases or watches the version reads these, and needs no ledger.
 */
export function packageMetadata(record: VersionRecord, token: string): Record<string, string> {
  const { evaluation } = record;
  const facts: Record<string, string | number | null | undefined> = {
    version: record.version,
    tag: record.tag,
    commit: record.commit,
    dataset: record.dataset,
    cause: record.cause,
    run: record.run,
    image: record.imageUri,
    mse: evaluation.mse,
    rmse: evaluation.rmse,
    mae: evaluation.mae,
    r2: evaluation.r2,
    itemCount: evaluation.itemCount,
    sample: record.sampleUri,
    evaluation: record.evaluationUri,
    trainingJob: record.trainingJobName,
    championMse: record.championEvaluation?.mse,
    target: textMember(record, 'target'),
    registration: token,
  };
  const metadata: Record<string, string> = {};
  for (const [name, fact] of Object.entries(facts)) {
    if (fact === undefined || fact === null) continue;
    const text = metadataText(String(fact));
    // half an address leads nowhere: what does not fit is left to the ledger
    if (text !== '' && text.length <= MOST_METADATA) metadata[name] = text;
  }
  return metadata;
}

const MOST_METADATA = 256;

/** Text with the characters that SageMaker's metadata takes: letters, numbers, spaces and `_.:/=+-@`. */
export function metadataText(text: string): string {
  return text
    .replace(/\s*%/g, ' percent')
    .replace(/[,;()[\]{}"'<>|]+/g, ' ')
    .replace(/[^\p{L}\p{Z}\p{N}_.:/=+\-@]/gu, '-')
    .replace(/\p{Z}+/gu, ' ')
    .trim();
}

/** The same, cut to what fits, for text that is read and not followed. */
export function metadataSummary(text: string): string {
  const clean = metadataText(text);
  return clean.length <= MOST_METADATA ? clean : `${clean.slice(0, MOST_METADATA - 3)}...`;
}

/** One line of at most 1,024 characters, as SageMaker's descriptions take it. */
export function descriptionText(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length <= 1024 ? line : `${line.slice(0, 1023)}…`;
}

function textMember(record: VersionRecord, name: string): string | undefined {
  const value = record.spec?.[name];
  return typeof value === 'string' ? value : undefined;
}
