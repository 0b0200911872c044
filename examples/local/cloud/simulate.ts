import { createRequire } from 'module';
import { runUnsafeSimulation, Simulation } from '@cloud-copilot/iam-simulate';

interface LoadedPolicy {
  metadata(): { name: string } | undefined;
}

const own = createRequire(__filename);
const inside = createRequire(own.resolve('@cloud-copilot/iam-simulate'));
const { loadPolicy } = inside('@cloud-copilot/iam-policy') as { loadPolicy(policy: object): LoadedPolicy };

// The synchronous evaluation loads a resource policy without a name and later asks for it; here it gets one.
const loaded = Object.getPrototypeOf(loadPolicy({ Version: '2012-10-17', Statement: [] })) as LoadedPolicy;
const { metadata } = loaded;
loaded.metadata = function withName(this: LoadedPolicy) {
  return metadata.call(this) ?? { name: 'resource policy' };
};

export type Evaluation = 'Allowed' | 'ExplicitlyDenied' | 'ImplicitlyDenied';

/** Evaluates policies, without a check of the request against the list of all actions and their condition keys. */
export function evaluate(simulation: Simulation): Evaluation {
  return runUnsafeSimulation(simulation, {});
}
