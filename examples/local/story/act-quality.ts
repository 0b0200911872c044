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
