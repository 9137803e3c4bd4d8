import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, systemClock } from '../runtime/clock.ts';

/** Two ends of a serial line that needs no hardware. */
export interface PtyPair {
  /** For the emulated device. */
  readonly device: string;
  /** For whoever asks it. */
  readonly host: string;
  close(): Promise<void>;
}

const READY_MS = 5000;
const LOOK_EVERY_MS = 20;
/** An orphan, left by a parent that was killed, ends itself after this much silence on the line, s. */
const ORPHAN_S = 3600;

/** Lets `socat` make a pair of ptys in `folder`. Undefined when socat is not installed or does not get ready. */
export async function openPtyPair(folder: string, clock: Clock = systemClock): Promise<PtyPair | undefined> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const [device, host] = [join(folder, 'bms-device'), join(folder, 'bms')];
  for (const link of [device, host]) await rm(link, { force: true });
  const end = (link: string) => `pty,raw,echo=0,mode=600,link=${link}`;
  const child = spawn('socat', ['-T', String(ORPHAN_S), end(device), end(host)], { stdio: 'ignore' });
  let gone = false;
  const exit = Promise.race([once(child, 'exit'), once(child, 'error')])
    .catch(() => undefined)
    .then(() => {
      gone = true;
    });
  const close = async () => {
    if (!gone) child.kill();
    await exit;
  };
  const deadlineMs = clock.monoMs() + READY_MS;
  // a link without its pty, left by an earlier run, does not count: existsSync follows it
  while (!(existsSync(device) && existsSync(host))) {
    if (gone || clock.monoMs() > deadlineMs) {
      await close();
      return undefined;
    }
    await clock.sleep(LOOK_EVERY_MS);
  }
  return { device, host, close };
}
