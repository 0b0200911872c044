import { loadPolicy } from '@cloud-copilot/iam-policy';
import { runUnsafeSimulation, Simulation } from '@cloud-copilot/iam-simulate';

interface LoadedPolicy {
  metadata(): { name: string } | undefined;
}

// The synchronous evaluation loads a resource policy without a name and later asks for it; here it gets one.
const loaded = Object.getPrototypeOf(loadPolicy({ Version: '2012-10-17', Statement: [] })) as LoadedPolicy;
const { metadata } = loaded;
loaded.metadata = function withName(this: LoadedPolicy) {
  return metadata.call(this) ?? { name: 'resource policy' };
};

export type Evaluation = 'Allowed' | 'ExplicitlyDenied' | 'ImplicitlyDenied';

/** Evaluates policies, without a check of the request against the list of all actions and their condition keys. */
export function evaluate(simulation: Simulation): Evaluation {
  return runUnsafeSimulation(aboutApi(simulation), {});
}

/**
 * The evaluator takes what stands before the first slash of a resource for its kind, and compares it as it is written. Of
 * an API it is an id, where IAM takes patterns: `*` is made the id that is asked about.
 */
function aboutApi(simulation: Simulation): Simulation {
  const { action, resource } = simulation.request;
  if (!action.startsWith('execute-api:')) return simulation;
  const [api] = resource.resource.split(':')[5].split('/');
  return JSON.parse(JSON.stringify(simulation).replace(/"(arn:[^":]*:execute-api:[^":]*:[^":]*:)\*\//g, `"$1${api}/`)) as Simulation;
}
