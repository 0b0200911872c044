import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** Below the ports that a system gives out by itself (from 32768 on Linux, from 49152 on macOS): nobody gets one of these by chance. */
const FIRST = 10_000;
const PORTS = 22_000;

let offset = randomInt(PORTS);

/**
 * A port of 127.0.0.1 for a server that has to be told one before it starts. Each call goes one on, so that servers which start
 * at the same time do not get the same.
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < PORTS; tries++) {
    offset = (offset + 1) % PORTS;
    if (await isFree(FIRST + offset)) return FIRST + offset;
  }
  throw new Error(`no port of 127.0.0.1 from ${FIRST} to ${FIRST + PORTS - 1} is free`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}
