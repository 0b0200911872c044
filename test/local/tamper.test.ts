import { Stack } from 'aws-cdk-lib';

import { Clouds } from './cloud-support';
import { LocalCloud } from '../../examples/local/cloud/local-cloud';
import { Mail, Notifications } from '../../examples/local/cloud/notifications';
import { JsonObject } from '../../examples/local/cloud/types';
import { Alerts } from '../../src/access/alerts';
import { BreakGlass } from '../../src/access/break-glass';
import { PipelineProtection } from '../../src/access/pipeline-protection';

const clouds = new Clouds();
afterAll(async () => clouds.stop());

const TIME = '2013-03-01T00:00:00Z';
const account = '111122223333';
const person = { type: 'IAMUser', arn: `arn:aws:iam::${account}:user/ada`, userName: 'ada' };

/** What CloudTrail tells of a call; members that are given replace the usual ones. */
const recorded = (service: string, eventName: string, more: JsonObject = {}): JsonObject => ({
  eventTime: TIME, eventSource: `${service}.amazonaws.com`, eventName, userIdentity: person, sourceIPAddress: '192.0.2.1', requestParameters: null, managementEvent: true, ...more,
});

async function told(cloud: LocalCloud, detail: JsonObject): Promise<Mail[]> {
  const { mails } = cloud.find(Notifications);
  const before = mails.length;
  await cloud.emit(`aws.${String(detail.eventSource).split('.')[0]}`, 'AWS API Call via CloudTrail', detail);
  await cloud.clock.settle();
  return mails.slice(before);
}

describe('what CloudTrail records, on real rules', () => {
  let cloud: LocalCloud;
  let breakGlass = '';

  beforeAll(async () => {
    cloud = await clouds.deploy((stack: Stack) => {
      const alerts = new Alerts(stack, 'Alerts');
      const protection = new PipelineProtection(stack, 'Protection', { alerts: alerts.topic, createTrail: false });
      new BreakGlass(stack, 'BreakGlass', { protection, alerts: alerts.topic, path: '/mlops/' });
    });
    breakGlass = [...cloud.resources.values()].find(({ resource }) => resource.logicalId.startsWith('BreakGlassRole'))!.deployed.attributes.Arn;
  });

  test('who takes the role for emergencies is told, with where from and when', async () => {
    const mails = await told(cloud, recorded('sts', 'AssumeRole', { requestParameters: { roleArn: breakGlass, roleSessionName: 'fixing' } }));
    expect(mails.map(({ message }) => message)).toEqual([expect.stringMatching(
      new RegExp(`${TIME} BREAK GLASS: ${person.arn} ada asked for the role ${breakGlass} as fixing from 192\\.0\\.2\\.1`))]);
  });

  test('so is who is refused, though what they asked for is not recorded', async () => {
    const mails = await told(cloud, recorded('sts', 'AssumeRole', {
      errorCode: 'AccessDenied', errorMessage: `User: ${person.arn} is not authorized to perform: sts:AssumeRole on resource: ${breakGlass}`,
    }));
    expect(mails.map(({ message }) => message)).toEqual([expect.stringMatching(/BREAK GLASS[^]*AccessDenied/)]);
  });

  test('another role is nobody\'s business', async () => {
    expect(await told(cloud, recorded('sts', 'AssumeRole', { requestParameters: { roleArn: `arn:aws:iam::${account}:role/other`, roleSessionName: 's' } }))).toEqual([]);
  });

  test.each([
    ['a stopped execution', recorded('states', 'StopExecution', { requestParameters: { executionArn: 'arn:aws:states:eu-central-1:1:execution:a:b' } }), 'states:StopExecution'],
    ['an edited function', recorded('lambda', 'UpdateFunctionCode20150331v2', { requestParameters: { functionName: 'f' } }), 'lambda:UpdateFunctionCode'],
    ['a deleted table', recorded('dynamodb', 'DeleteTable', { requestParameters: { tableName: 't' } }), 'dynamodb:DeleteTable'],
    ['a scaling target', recorded('autoscaling', 'DeregisterScalableTarget', { requestParameters: { resourceId: 'endpoint/e' } }), 'application-autoscaling:DeregisterScalableTarget'],
    ['a role that is passed', recorded('lambda', 'CreateFunction20150331', {
      errorCode: 'AccessDenied', errorMessage: `User: x is not authorized to perform: iam:PassRole on resource: arn:aws:iam::${account}:role/Pipeline because …`,
    }), 'iam:PassRole'],
    ['a denied pipeline that would have been passed a role', recorded('codepipeline', 'CreatePipeline', {
      errorCode: 'AccessDenied', errorMessage: `User: x is not authorized to perform: iam:PassRole on resource: arn:aws:iam::${account}:role/Pipeline`,
    }), 'codepipeline:CreatePipeline'],
    ['a role that deploys', recorded('sts', 'AssumeRole', {
      errorCode: 'AccessDenied', errorMessage: `User: x is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::${account}:role/cdk-hnb659fds-deploy-role-${account}-eu-central-1`,
    }), 'sts:AssumeRole'],
  ])('%s is told once', async (_, detail, action) => {
    const mails = await told(cloud, detail);
    expect(mails.map(({ message }) => message)).toEqual([expect.stringContaining(` tried ${action} on `)]);
    expect(mails[0].message).toContain(TIME);
  });

  test('nothing broke', () => {
    expect(cloud.faults).toEqual([]);
  });
});
