import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../runtime/clock.ts';
import { UserError } from '../runtime/errors.ts';
import { demoRack } from '../twin/demo-rack.ts';
import type { BoardFace } from '../twin/devices/boards/face.ts';
import { BOARDS, type BoardKind, serveBoardOnPath, serveBoardOnTcp } from '../twin/devices/boards/index.ts';
import { replayed } from '../twin/devices/boards/replay.ts';
import { openPtyPair } from '../twin/pty-pair.ts';
import { WorldRunner } from '../twin/runner.ts';
import { createWorld, type SimWorld } from '../twin/world.ts';
import { readCaptures } from './captures-file.ts';
import { ready, signalled } from './emulate.ts';

/** Where a board is to be reached: a port, a pair of ptys of our own, or TCP. */
export interface BoardPlace {
  /** Serial port or pty to answer on. */
  readonly path?: string;
  /** Make a pair of ptys with socat, and tell the other end. */
  readonly pty?: boolean;
  readonly host?: string;
  readonly port?: number;
}

export interface EmulateBoardOptions extends BoardPlace {
  readonly fast?: number;
  /** World time until mains fails, s; never when absent. */
  readonly outageAfter?: number;
  /** 0..1 at the beginning. */
  readonly soc?: number;
}

/** `holdover emulate daly|jk|…`: a board with the demonstration's pack behind it. One JSON line, then until SIGINT. */
export function emulateBoard(kind: BoardKind, options: EmulateBoardOptions = {}): Promise<number> {
  const { soc } = options;
  const plan = demoRack({ startWallMs: systemClock.wallMs(), ...(soc === undefined ? {} : { socRatio: soc }) });
  const world = createWorld(plan.world);
  return played(kind, world, BOARDS[kind].make(world), options);
}

/** `holdover emulate replay`: a device that answers as it was captured. */
export function emulateReplay(
  options: BoardPlace & { readonly fixture: string; readonly protocol?: string; readonly baud?: number },
): Promise<number> {
  const { exchanges } = readCaptures(options.fixture, options.protocol);
  const world = createWorld(demoRack({ startWallMs: systemClock.wallMs() }).world);
  return played('replay', world, replayed(exchanges, options.baud ?? 9600), options);
}

async function played(
  name: string,
  world: SimWorld,
  face: BoardFace,
  options: BoardPlace & Pick<EmulateBoardOptions, 'fast' | 'outageAfter'>,
): Promise<number> {
  const { fast = 1, outageAfter } = options;
  const stopped = signalled();
  const { facts, close } = await served(name, world, face, options);
  const runner = new WorldRunner({
    world,
    speed: fast,
    cluster: { step: () => outageAfter !== undefined && world.timeS >= outageAfter && world.setMains(false) },
  });
  try {
    runner.start();
    ready({ device: name, ...facts, baud: face.baud, pid: process.pid });
    await stopped;
  } finally {
    await runner.stop();
    await close();
  }
  return 0;
}

async function served(
  name: string,
  world: SimWorld,
  face: BoardFace,
  { path, pty = false, host, port }: BoardPlace,
): Promise<{ facts: { address: string }; close: () => Promise<void> }> {
  const options = { name, throttle: true };
  if (path !== undefined) {
    const board = await serveBoardOnPath(world, face, path, options);
    return { facts: { address: path }, close: () => board.close() };
  }
  if (!pty) {
    const place = { ...(host === undefined ? {} : { host }), ...(port === undefined ? {} : { port }) };
    const board = await serveBoardOnTcp(world, face, { ...options, ...place });
    return { facts: { address: board.address }, close: () => board.close() };
  }
  const folder = mkdtempSync(join(tmpdir(), `holdover-${name}-`));
  const pair = await openPtyPair(folder);
  if (pair === undefined) {
    rmSync(folder, { recursive: true, force: true });
    throw new UserError('no pty pair: socat did not start', 'apt-get install socat');
  }
  const board = await serveBoardOnPath(world, face, pair.device, options);
  const close = async () => {
    await board.close();
    await pair.close();
    rmSync(folder, { recursive: true, force: true });
  };
  return { facts: { address: pair.host }, close };
}
