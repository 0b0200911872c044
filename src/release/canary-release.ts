import { Duration, Token } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { CanarySettings } from './canary-plan';
import { canarySteps } from './canary-steps';
import { GuardReleaseFunction } from './guard-release-function';
import { PlanReleaseFunction } from './plan-release-function';
import { checkRelease } from './release-checks';
import { TrafficShift } from './traffic-shift';
import { allow } from '../private/allow';
import { newHandler } from '../private/handler';
import { HandlerClass } from '../private/handler-pool';
import { HandlerArea } from '../private/model-resources';
import { Problems } from '../private/problems';
import { IModelRegistry } from '../registry/model-registry';
import { grantFence } from '../registry/slot-access';
import { releaseAlarmArn, CHANGE_TIMEOUT } from '../serving/hosting-names';
import { IModelEndpoint } from '../serving/model-endpoint';
import { stopOnRemoval } from '../serving/removal';
import { DeployFunction } from '../staging/deploy-function';
import { grantReadScaling, grantScaling } from '../staging/scaling-access';
import { grantCreating, grantDeploying, grantPlanning, hostingSettings, settling, workflowMachine } from '../staging/workflow';

/** How a version is watched once it serves all traffic. */
export interface ReleaseWatch {
  /** For how long, 1 minute to 30 days. Accuracy shows only when labels arrive, which a canary of at most an hour cannot wait for. */
  readonly window: Duration;
  /**
   * 1 to 100 alarms, usually on quality. One that starts to fire within the window takes the release back; one that fires
   * already, because of the version before, does so only once it has been quiet and fires anew.
   *
   * @default - the alarm of a `RegressionModel`'s own monitor; a `CanaryRelease` of its own needs at least one
   */
  readonly alarms?: cloudwatch.IAlarm[];
  /**
   * How often the alarms are looked at, 1 minute to the length of the window. An alarm that fires and clears between two looks counts as well.
   *
   * @default - every 5 minutes, or once in a shorter window
   */
  readonly every?: Duration;
}

/** Options of a `CanaryRelease`, whatever endpoint it releases to. */
export interface CanaryReleaseOptions {
  /**
   * How traffic moves to the new version.
   *
   * @default - one instance for 15 minutes, then the rest; all at once where the endpoint has, or may shrink to, a single instance
   */
  readonly shift?: TrafficShift;
  /**
   * Alarms of your own that take the release back while traffic moves, at most 7. One that fires before the release keeps
   * it from starting.
   *
   * @default - only the alarms that each release brings itself: errors and latency of the new fleet
   */
  readonly alarms?: cloudwatch.IAlarm[];
  /**
   * How a version is watched once it serves all traffic.
   *
   * @default - the release ends when all traffic has moved
   */
  readonly watch?: ReleaseWatch;
  /**
   * Share of the requests that the new fleet may fail in a minute before the release is taken back.
   *
   * @default 0.01
   */
  readonly maxErrorRate?: number;
  /**
   * The 95th percentile of the new model's latency above which the release is taken back, 1 ms to 60 seconds.
   *
   * @default Duration.seconds(1)
   */
  readonly maxLatencyP95?: Duration;
  /**
   * Encrypts logs. Its key policy must let CloudWatch Logs use it.
   *
   * @default - logs are encrypted by CloudWatch Logs
   */
  readonly encryptionKey?: kms.IKey;
}

/** Properties of a `CanaryRelease`. */
export interface CanaryReleaseProps extends CanaryReleaseOptions {
  /** The endpoint that versions are released to. The first release creates it. */
  readonly endpoint: IModelEndpoint;
  /**
   * The registry that versions come from.
   *
   * @default - model packages of any group of the account and region may be released
   */
  readonly registry?: IModelRegistry;
}

/**
 * Releases a model version to an endpoint step by step, and takes it back by itself.
 *
 * A new fleet is started beside the old one, traffic moves to it as `shift` says, and alarms on the new fleet alone
 * (server errors, model errors, p95 latency) as well as your own take everything back when they fire. The release counts
 * as done only when the endpoint serves on the new config: SageMaker rolls back silently, and this construct reports that
 * as what it is, with its cause. The capacity that the endpoint had is kept, and so is its autoscaling, also where the instance
 * type changes.
 *
 * Start `stateMachine` with `{"version", "modelPackageArn"}` (`version` defaults to what the package says). Its output:
 * `{"outcome": "production" | "rolled-back", "reason", "version", "endpointConfigName", "previousConfigName",
 * "previousVersion", "shift"}`, where `endpointConfigName` is the config that serves and `shift` says in words how traffic
 * moved (null where there was none to move). An execution fails only when the endpoint is
 * not as it should be; it still tries to restore the config it found.
 *
 * @example
 * declare const endpoint: IModelEndpoint;
 * new CanaryRelease(this, 'Release', { endpoint, shift: TrafficShift.canary(10, Duration.minutes(30)) });
 */
export class CanaryRelease extends Construct {
  /** Runs one release for each execution. */
  public readonly stateMachine: sfn.IStateMachine;
  /** The endpoint that versions are released to. */
  public readonly endpoint: IModelEndpoint;
  /**
   * No execution lasts longer.
   *
   * @internal
   */
  public readonly _longest: Duration;
  private readonly changers: lambda.IFunction[];

  constructor(scope: Construct, id: string, props: CanaryReleaseProps) {
    super(scope, id);
    this.endpoint = props.endpoint;
    const settings = this.settings(props);
    const watchEvery = props.watch?.every ?? Duration.minutes(Math.min(5, Math.max(1, settings.watchMinutes)));
    const problems = new Problems(this);
    checkRelease(problems, {
      endpoint: props.endpoint,
      settings,
      alarms: props.alarms ?? [],
      ...(props.watch === undefined ? {} : { watch: { alarms: props.watch.alarms ?? [], everyMinutes: watchEvery.toMinutes({ integral: false }) } }),
    });
    problems.throwIfAny();

    const planner = this.handler('Planner', PlanReleaseFunction, 'Plans the release of a model version', props);
    const deployer = this.handler('Deployer', DeployFunction, 'Changes what the endpoint serves', props, CHANGE_TIMEOUT);
    const guard = this.handler('Guard', GuardReleaseFunction, 'Sets and reads the alarms of a release', props, CHANGE_TIMEOUT);
    this.grant(planner, deployer, guard, props);
    this.changers = [deployer, guard];

    // the watch, one more look, and all the waiting for the endpoint to be changed and changed back
    this._longest = Duration.minutes(Math.ceil(settings.watchMinutes + watchEvery.toMinutes({ integral: false })) + settling(8).toMinutes());
    this.stateMachine = workflowMachine(this, {
      timeout: this._longest,
      start: canarySteps(new Construct(this, 'Steps'), {
        endpoint: props.endpoint, settings, planner, deployer, guard, watchEvery,
      }),
      comment: `Releases model versions to the endpoint ${props.endpoint.endpointName}`,
      encryptionKey: props.encryptionKey,
      functions: [planner, deployer, guard],
    });
    stopOnRemoval(this.endpoint, [this.stateMachine]);
  }

  /**
   * Lets what changes the endpoint and its alarms look up whether its release still holds the registry's slot.
   *
   * @internal
   */
  public _fence(registry: IModelRegistry): void {
    for (const changer of this.changers) grantFence(changer, registry);
  }

  private settings(props: CanaryReleaseProps): CanarySettings {
    const { endpoint } = props;
    const least = endpoint.autoscaling?.minCapacity ?? endpoint.instanceCount;
    const single = !Token.isUnresolved(least) && least < 2;
    const shift = props.shift ?? (single ? TrafficShift.allAtOnce() : TrafficShift.canaryInstances(1, Duration.minutes(15)));
    return {
      ...hostingSettings(endpoint),
      shift: shift._plan,
      alarmNames: [...new Set((props.alarms ?? []).map((alarm) => alarm.alarmName))],
      watchAlarmNames: [...new Set((props.watch?.alarms ?? []).map((alarm) => alarm.alarmName))],
      watchMinutes: (props.watch?.window ?? Duration.minutes(0)).toMinutes({ integral: false }),
      maxErrorRate: props.maxErrorRate ?? 0.01,
      maxLatencyP95Milliseconds: (props.maxLatencyP95 ?? Duration.seconds(1)).toMilliseconds(),
    };
  }

  private grant(planner: lambda.IFunction, deployer: lambda.IFunction, guard: lambda.IFunction, props: CanaryReleaseProps): void {
    grantPlanning(planner, props.endpoint, props.registry?.modelPackageGroupName);
    grantDeploying(deployer, props.endpoint);
    grantCreating(deployer, props.endpoint);
    grantReadScaling(planner);
    grantScaling(deployer, props.endpoint);
    const because = 'Composite alarms are described only to those who may describe all alarms.';
    allow(planner, { actions: ['cloudwatch:DescribeAlarms'], resources: ['*'], because });
    allow(guard, { actions: ['cloudwatch:DescribeAlarmHistory', 'cloudwatch:DescribeAlarms'], resources: ['*'], because });
    // SageMaker asks, as the models' role, whether the alarms are quiet
    allow(props.endpoint.executionRole, {
      actions: ['cloudwatch:DescribeAlarms'],
      resources: [releaseAlarmArn(this.endpoint), ...(props.alarms ?? []).map((each) => each.alarmArn)],
      because: 'Each release has alarms of its own, named after the endpoint.',
    });
    allow(guard, {
      actions: ['cloudwatch:DeleteAlarms', 'cloudwatch:PutMetricAlarm'],
      resources: [releaseAlarmArn(this.endpoint)],
      because: 'Each release has alarms of its own, named after the endpoint.',
    });
  }

  private handler(id: string, type: HandlerClass, description: string, props: CanaryReleaseProps, timeout = Duration.minutes(2)): lambda.IFunction {
    return newHandler(new Construct(this, id), type, { area: HandlerArea.RELEASE, description, encryptionKey: props.encryptionKey, timeout });
  }
}
