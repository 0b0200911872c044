import { DeploymentPlan } from './deployment-config';
import { Endpoint, Phase } from './endpoint';
import { Generation } from './fleet';
import { Cloud } from '../cloud/types';
import { CloudWatch } from '../cloudwatch/cloudwatch';

/** How long instances take to come up, on the local clock. A nominal figure: the machine's own time does not count. */
export const PROVISIONING_SECONDS = 240;

/** What a deployment tells while it goes on. */
export interface DeploymentHooks {
  /** Requests are spread anew, or a phase begins. */
  readonly moved: (endpoint: Endpoint, note: string) => Promise<void>;
  /** Whether the deployment of a config fails, and the way back from it. */
  readonly breaks: (configName: string) => boolean;
}

/**
 * A blue/green deployment on the local clock: the new fleet is provisioned, takes over step by step, each step is baked
 * while the alarms are watched, and the old fleet ends. An alarm turns every request back to the old fleet; the endpoint
 * is then in service on the old config, as if nothing had happened, which is what SageMaker does too.
 */
export class Deployment {
  private readonly cancel: { step?: () => void; limit?: () => void } = {};
  private ended = false;
  private baking = false;
  private startFailure?: Error;

  constructor(
    private readonly cloud: Cloud,
    private readonly cloudWatch: CloudWatch,
    private readonly endpoint: Endpoint,
    private readonly green: Generation,
    private readonly plan: DeploymentPlan,
    private readonly hooks: DeploymentHooks,
  ) {}

  async begin(): Promise<void> {
    const { endpoint, green, cloud, plan } = this;
    const now = cloud.clock.now().getTime();
    endpoint.pending = { generation: green, startTime: now, phase: phase('Creating', 'The new fleet is being provisioned', now) };
    endpoint.route(0);
    await this.hooks.moved(endpoint, 'provisioning');
    // The processes start at once; nothing on the local clock happens before they are up.
    const starting = green.start().catch((error: Error) => {
      this.startFailure = error;
    });
    void cloud.clock.busy(starting, `start of ${green.config.name}`);
    if (plan.given !== undefined) {
      const overdue = (): Promise<void> => this.rollBack('The deployment exceeded MaximumExecutionTimeoutInSeconds');
      this.cancel.limit = cloud.clock.after(plan.limitSeconds * 1000, overdue, this.label);
      this.cloudWatch.alarms.listeners.add(this.watch);
    }
    this.later(PROVISIONING_SECONDS, () => this.step(0));
  }

  /** Ends it where it is, without another word, e.g. because the endpoint is deleted. */
  abandon(): void {
    this.ended = true;
    this.cancel.step?.();
    this.cancel.limit?.();
    this.cloudWatch.alarms.listeners.delete(this.watch);
  }

  private get label(): string {
    return `deployment of ${this.green.config.name}`;
  }

  private readonly watch = (): void => {
    const alarm = this.tripped();
    if (this.baking && alarm !== undefined) void this.cloud.clock.busy(this.rollBack(undefined, alarm), this.label);
  };

  private tripped(): string | undefined {
    return this.plan.alarms.find((name) => this.cloudWatch.alarms.find(name)?.state === 'ALARM');
  }

  private later(seconds: number, next: () => Promise<void>): void {
    if (!this.ended) this.cancel.step = this.cloud.clock.after(seconds * 1000, next, this.label);
  }

  private phase(status: Phase['status'], message: string): void {
    if (this.endpoint.pending) this.endpoint.pending.phase = phase(status, message, this.cloud.clock.now().getTime());
  }

  private async step(index: number): Promise<void> {
    if (this.ended) return;
    if (this.startFailure !== undefined) return this.rollBack(failureText(this.green, this.startFailure));
    if (this.hooks.breaks(this.green.config.name)) return this.fail();
    const { endpoint, plan } = this;
    if (index === plan.steps.length) return this.terminate();
    const share = plan.steps[index];
    // Where nothing is served yet there is nothing to shift from.
    endpoint.route(endpoint.current === undefined ? 1 : share);
    this.phase(plan.waitSeconds > 0 ? 'Baking' : 'ActivatingTraffic', `${Math.round(share * 100)} % of the new fleet takes traffic`);
    this.baking = true;
    await this.hooks.moved(endpoint, `${Math.round(share * 100)} %`);
    // An alarm that is up already stops the deployment too.
    const alarm = this.tripped();
    if (alarm !== undefined && endpoint.current !== undefined) return this.rollBack(undefined, alarm);
    this.later(plan.waitSeconds, () => this.step(index + 1));
  }

  private async terminate(): Promise<void> {
    this.baking = false;
    if (this.plan.terminationSeconds > 0) this.phase('Deleting', 'The old fleet waits for its termination');
    if (this.plan.terminationSeconds > 0) this.later(this.plan.terminationSeconds, () => this.finish());
    else await this.finish();
  }

  private async finish(): Promise<void> {
    if (this.ended) return;
    this.abandon();
    const { endpoint, green, plan } = this;
    const blue = endpoint.current;
    endpoint.current = green;
    endpoint.pending = undefined;
    endpoint.route(0);
    endpoint.status = 'InService';
    endpoint.failureReason = undefined;
    endpoint.lastDeploymentConfig = plan.given;
    // The old fleet answers what it has taken before it ends.
    await blue?.retire();
    await this.hooks.moved(endpoint, 'in service');
  }

  /** Neither fleet serves any more. Only deleting the endpoint helps now. */
  private async fail(): Promise<void> {
    this.abandon();
    const { endpoint, green } = this;
    endpoint.pending = undefined;
    endpoint.status = 'Failed';
    endpoint.failureReason = 'Request to service failed, and the rollback failed too (injected)';
    await Promise.all([green.retire(), endpoint.current?.retire()]);
    await this.hooks.moved(endpoint, 'failed');
  }

  private async rollBack(reason: string | undefined, alarm?: string): Promise<void> {
    if (this.ended) return;
    this.abandon();
    const { endpoint, green } = this;
    endpoint.pending = undefined;
    endpoint.route(0);
    endpoint.status = endpoint.current === undefined ? 'Failed' : 'InService';
    // After a rollback by alarm SageMaker may give no reason at all; whoever relies on one is found out here.
    endpoint.failureReason = reason;
    this.cloud.log(`${this.label}: rolled back, ${alarm === undefined ? reason : `alarm ${alarm}`}`);
    await green.retire();
    await this.hooks.moved(endpoint, alarm === undefined ? 'rolled back' : `rolled back by ${alarm}`);
  }
}

const phase = (status: Phase['status'], message: string, since: number): Phase => ({ status, message, since });

function failureText(green: Generation, error: Error): string {
  return `The primary container for production variant ${green.config.production[0].name} ${error.message}`;
}
