import { merge } from './act-first-release';
import { outcome, runsThrough, seen } from './act-revisions';
import { compareWithScikitLearn, qualityRows } from './quality';
import { World } from './world';
import { Mail } from '../cloud/notifications';
import { alertInWords } from '../report/words';

const TOLERANCE = 1e-9;

/** MSE, RMSE, MAE and R² per version are in CloudWatch, and they are scikit-learn's. */
export async function accuracyAct(world: World): Promise<void> {
  const { figures, versions, worst, where } = await compareWithScikitLearn(world);
  world.checks.must('MSE, RMSE, MAE and R² of each version are in CloudWatch and equal scikit-learn\'s', figures > 0 && worst <= TOLERANCE,
    `${figures} figures of ${versions} versions, largest relative difference ${worst.toExponential(1)}${worst > TOLERANCE ? ` (${where})` : ''}`);
}

/** A last merge, as good as what serves; whether it stays is seen when the weather turns. */
export async function lateAct(world: World): Promise<void> {
  await merge(world, 'a-last-penalty', 'feat: a last penalty', { features: world.scenario.features.all, hyperparameters: { algorithm: 'ridge', alpha: '4' } });
  await runsThrough(world);
}

/** Within its watch window a version's accuracy turns bad: production goes back to the one before. */
export async function watchedAct(world: World): Promise<void> {
  const { checks, ledger } = world;
  const newest = (await ledger.versions()).at(-1);
  const record = await outcome(world, ({ version }) => version === newest?.version);
  const wasReleased = record?.history?.some(({ stage }) => stage === 'Canary') === true;
  checks.shows('a version whose accuracy turns bad while it is watched is taken back',
    wasReleased && record.stage === 'RolledBack' && await ledger.champion() !== record.version, seen(record));
}

/** What the model learned no longer holds: the alarm goes off, and somebody is told. */
export async function driftAct(world: World): Promise<void> {
  const { checks, outputs, scenario, replay } = world;
  const fired = await replay.until(async () => await world.alarmState(outputs.QualityAlarm) === 'ALARM', scenario.at.end);
  await world.cloud.clock.settle();
  const rows = (await qualityRows(world)).filter(({ variant }) => variant === 'AllTraffic');
  const total = (chosen: typeof rows, of: (row: typeof rows[number]) => number) => chosen.reduce((sum, row) => sum + of(row), 0);
  const mean = (chosen: typeof rows) => Math.sqrt(total(chosen, ({ mse, samples }) => mse * samples) / total(chosen, ({ samples }) => samples));
  const [earlier, lately] = [rows.filter(({ to }) => Date.parse(to) <= scenario.at.drift.getTime()), rows.slice(-7)];
  checks.shows('quality degrades, and the alarm goes off', fired, `live RMSE ${mean(earlier.slice(-30)).toFixed(2)} before, ${mean(lately).toFixed(2)} in the last 7 evaluations`);
  if (!fired) return;
  const alert = qualityAlerts(world).at(-1);
  checks.must('the alert arrives in the mailbox', alert !== undefined, alert === undefined ? 'no alert arrived' : alertInWords(alert.subject ?? '', alert.message).text);
}

function qualityAlerts(world: World): readonly Mail[] {
  return world.mailbox.filter(({ subject, message }) => message.includes(world.outputs.QualityAlarm) && (subject ?? '').startsWith('ALARM'));
}
