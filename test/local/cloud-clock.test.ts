import { LocalClock } from '../../examples/local/cloud/clock';

const START = new Date('2013-01-01T00:00:00Z');
const seconds = (clock: LocalClock) => (clock.now().getTime() - START.getTime()) / 1000;
const real = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

test('tasks fire at their time, in order, each after the work of the one before', async () => {
  const clock = new LocalClock({ start: START });
  const seen: string[] = [];
  const note = (name: string) => () => { seen.push(`${name}@${seconds(clock)}`); };
  clock.after(20_000, note('late'), 'late');
  clock.after(10_000, async () => {
    note('slow began')();
    await real(30);
    note('slow ended')();
    clock.after(5_000, note('from slow'), 'from slow');
    clock.after(0, note('at once'), 'at once');
  }, 'slow');
  clock.after(10_000, note('same time'), 'same time');
  const cancel = clock.after(12_000, note('cancelled'), 'cancelled');
  cancel();
  await clock.advanceTo(new Date(START.getTime() + 60_000));
  expect(seen).toEqual(['slow began@10', 'slow ended@10', 'at once@10', 'same time@10', 'from slow@15', 'late@20']);
  expect(seconds(clock)).toBe(60);
});

test('the clock waits for work in flight and for outside queues, and what is past fires without it being moved', async () => {
  const clock = new LocalClock({ start: START });
  const queue = ['a', 'b'];
  const taken: string[] = [];
  clock.drain(async () => {
    const item = queue.shift();
    if (item) taken.push(item);
    return item !== undefined;
  });
  let done = false;
  void clock.busy(real(30).then(() => { done = true; }), 'work');
  clock.after(1000, () => { expect(done).toBe(true); }, 'after work');
  await new Promise<void>((fired) => clock.at(START, fired, 'past'));
  await clock.advanceTo(new Date(START.getTime() + 2000));
  expect(taken).toEqual(['a', 'b']);
});

test('what hangs is named, and so is a task that fails', async () => {
  const clock = new LocalClock({ start: START, patienceSeconds: 0.05 });
  void clock.busy(real(200), 'a training that hangs');
  await expect(clock.settle()).rejects.toThrow(/nothing was finished for 0.05 s of real time; in flight: a training that hangs/);
  await real(200);
  clock.after(1000, () => { throw new Error('broken'); }, 'the nightly task');
  await expect(clock.advanceTo(new Date(START.getTime() + 5000))).rejects.toThrow('the nightly task: broken');
});

test('a task cannot move the clock', async () => {
  const clock = new LocalClock({ start: START });
  clock.after(1000, () => clock.advanceTo(new Date(START.getTime() + 9000)), 'mover');
  await expect(clock.advanceTo(new Date(START.getTime() + 5000))).rejects.toThrow('a task of the clock must not move it');
});

test('a hundred thousand tasks fire in the order of their times', async () => {
  const clock = new LocalClock({ start: START });
  let last = 0;
  let wrong = 0;
  for (let index = 0; index < 20_000; index++) {
    clock.after(((index * 7919) % 20_011) * 1000, () => {
      if (seconds(clock) < last) wrong++;
      last = seconds(clock);
    }, 'tick');
  }
  await clock.advanceTo(new Date(START.getTime() + 30_000_000));
  expect([wrong, last]).toEqual([0, 20_010]);
});
