import { judge, Job } from './judge';

/** A process that judges the jobs it is sent, one after the other. */
process.on('message', (job: Job) => process.send?.(judge(job)));
process.on('disconnect', () => process.exit());
