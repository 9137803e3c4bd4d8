import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { systemClock } from '../runtime/clock.ts';
import { UserError } from '../runtime/errors.ts';
import { demoRack } from '../twin/demo-rack.ts';
import { SWITCHES, type SwitchKind } from '../twin/devices/switches/index.ts';
import { openPtyPair } from '../twin/pty-pair.ts';
import { secretFiles } from '../twin/rack-config.ts';
import { WorldRunner } from '../twin/runner.ts';
import { createWorld } from '../twin/world.ts';
import { ready, signalled } from './emulate.ts';
import type { BoardPlace } from './emulate-board.ts';

export interface EmulateSwitchOptions extends BoardPlace {
  /** Where its secret goes; a new temporary folder when absent. */
  readonly dir?: string;
  readonly fast?: number;
  /** World time until mains fails, s; never when absent. */
  readonly outageAfter?: number;
}

/**
 * `holdover emulate poe-mikrotik|…`: the switch of the demonstration's rack, with its machines on it. One JSON line with an
 * entry for `switches:`, one more whenever a port was switched, until SIGINT or SIGTERM.
 */
export async function emulateSwitch(kind: SwitchKind, options: EmulateSwitchOptions = {}): Promise<number> {
  const { dir, fast = 1, outageAfter, pty = false, path, ...place } = options;
  const world = createWorld(demoRack({ startWallMs: systemClock.wallMs() }).world);
  const stopped = signalled();
  const folder = resolve(dir ?? mkdtempSync(join(tmpdir(), `holdover-${kind}-`)));
  const pair = pty ? await openPtyPair(folder) : undefined;
  if (pty && pair === undefined) {
    rmSync(folder, { recursive: true, force: true });
    throw new UserError('no pty pair: socat did not start', 'apt-get install socat');
  }
  const device = pair?.device ?? path;
  const open = { ...place, ...(device === undefined ? {} : { path: device }) };
  try {
    const served = await SWITCHES[kind].serve(world, crypto.randomUUID(), open);
    const config = {
      id: world.switch.id,
      ...served.config,
      ...(pair === undefined ? {} : { via: { serial: pair.host } }),
      ...(await secretFiles(folder, served.secrets)),
    };
    const runner = new WorldRunner({
      world,
      speed: fast,
      cluster: { step: () => outageAfter !== undefined && world.timeS >= outageAfter && world.setMains(false) },
    });
    const untold = tellSwitching(world, served.portName);
    try {
      runner.start();
      ready({ device: kind, address: pair?.host ?? served.handle.address, switch: config, pid: process.pid });
      await stopped;
    } finally {
      untold();
      await runner.stop();
      await served.handle.close();
    }
  } finally {
    await pair?.close();
  }
  return 0;
}

/** A line for every port that is switched on or off, so that somebody at the bench sees that it took the order. */
function tellSwitching(world: ReturnType<typeof createWorld>, portName: (port: string) => string): () => void {
  const known = new Map(world.switch.ports.map(({ port, enabled }) => [port, enabled]));
  return world.onChange(() => {
    for (const { port, enabled } of world.switch.ports) {
      if (known.get(port) === enabled) continue;
      known.set(port, enabled);
      console.log(JSON.stringify({ port: portName(port), enabled }));
    }
  });
}
