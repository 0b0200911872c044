import { badBatchAct } from './act-bad-batch';
import { crowdAct, misleadingAct } from './act-crowd';
import { dataAct, firstReleaseAct } from './act-first-release';
import { accuracyAct, driftAct, lateAct, watchedAct } from './act-quality';
import { crashAct, stoppedAct } from './act-rejections';
import { betterAct, faultAct, revisionAct } from './act-revisions';
import { World, hours } from './world';

/** The story, in the order of the data's own time. Every act ends with what had to come out of it. */
export async function play(world: World): Promise<void> {
  const { scenario, progress, replay } = world;
  const acts: [string, Date, (world: World) => Promise<void>][] = [
    ['the first data set', scenario.at.start, dataAct],
    ['a merge, and the first release', scenario.at.start, firstReleaseAct],
    ['a merge that the gate stops, and somebody who tries to stop the pipeline', scenario.at.stopped, stoppedAct],
    ['a merge whose training crashes', scenario.at.crashed, crashAct],
    ['a bad batch of data, stopped at the gate', scenario.at.bad, badBatchAct],
    ['new data: an automatic revision', scenario.at.second, revisionAct],
    ['new data, and a new fleet that fails under load (injected)', scenario.at.third, faultAct],
    ['a merge with more features', scenario.at.better, betterAct],
    ['three merges in a row, and somebody who aborts a release', scenario.at.crowd, crowdAct],
    ['the merge that looks better and is worse', scenario.at.misleading, misleadingAct],
    ['the accuracy that was published', scenario.at.misleading, accuracyAct],
    ['a last merge', scenario.at.late, lateAct],
    ['time goes on: does the model still hold?', scenario.at.drift, driftAct],
    ['a version that is watched', scenario.at.drift, watchedAct],
  ];
  for (const [title, at, act] of acts) {
    progress.begin(title);
    // an act that took longer than planned moves the next one: a day later at the earliest
    if (world.now < at) await replay.to(at);
    await act(world);
  }
  await replay.to(hours(1, world.now));
  progress.end();
}
