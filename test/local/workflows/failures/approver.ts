import { APPROVER } from './failing-apps';
import { FailingWorld } from './failing-world';
import { Lambda } from '../../../../examples/local/cloud/lambda';
import { JsonObject } from '../../../../examples/local/cloud/types';
import { authorization } from '../../../../examples/local/cloud/wire';

/** Approves each version whose release waits for it. */
export async function approve(world: FailingWorld): Promise<void> {
  const { cloud } = world.line;
  const url = cloud.outputs.get('Test')!.ApprovalUrl;
  if (url === undefined) return;
  for (const { history } of world.running('Releases')) {
    const entered = history.map((event) => event.stateEnteredEventDetails as { name: string; input: string } | undefined)
      .filter((each) => each !== undefined).at(-1);
    if (entered?.name.startsWith('WaitForBeforePromotion') !== true) continue;
    const { version } = ((JSON.parse(entered.input) as JsonObject).acquired as JsonObject).slot as JsonObject;
    const key = cloud.environment(`arn:aws:iam::${cloud.account}:role/${APPROVER}`).AWS_ACCESS_KEY_ID;
    const { status } = await cloud.clock.busy(fetch(cloud.find(Lambda).urls.localUrl(url), {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'authorization': authorization(key, cloud.region, 'lambda') },
      body: JSON.stringify({ version, decision: 'approve' }),
    }), 'approval');
    if (status !== 200) throw new Error(`the approval of ${String(version)} was answered by ${status}`);
  }
}
