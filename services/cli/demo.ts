import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../runtime/clock.ts';
import { messageOf, UserError } from '../runtime/errors.ts';
import { type Child, spawnHoldover } from './child.ts';
import { DemoDisplay } from './demo-display.ts';
import { DemoStory, type StoryStep } from './demo-story.ts';
import { type Summary, summarize, summarySentence } from './demo-summary.ts';
import { DemoWitness } from './demo-witness.ts';

export interface DemoOptions {
  /** 8470, or a free one when that is taken, when absent. */
  readonly port?: number;
  readonly fast: number;
  readonly outageAfter: number;
  readonly outage?: number;
  readonly headless?: boolean;
  readonly json?: boolean;
  readonly keep?: boolean;
}

const LOOK_EVERY_MS = 200;
/** World time after which a story that does not end is given up, s. */
const STORY_DEADLINE_S = 1800;

/**
 * The command `demo`: the world in one process, the real service in another, and this one watching both from outside.
 * It pulls the plug, waits, puts it back, and ends when everything is as it was.
 */
export async function demo(options: DemoOptions): Promise<number> {
  const dir = mkdtempSync(join(tmpdir(), 'holdover-demo-'));
  const children: Child[] = [];
  const interrupted = new AbortController();
  const onSignal = (): void => interrupted.abort();
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  try {
    const story = await play(options, dir, children, interrupted.signal);
    console.log(options.json ? JSON.stringify(story) : summarySentence(story));
    return story.good ? 0 : 1;
  } catch (error) {
    if (interrupted.signal.aborted) return 130;
    throw error;
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
    await Promise.all(children.toReversed().map((child) => child.stop()));
    if (options.keep) console.error(`kept: ${dir}`);
    else rmSync(dir, { recursive: true, force: true });
  }
}

async function play(options: DemoOptions, dir: string, children: Child[], signal: AbortSignal): Promise<Summary> {
  const speed = String(options.fast);
  const rackArgs = [
    'emulate',
    'rack',
    '--dir',
    dir,
    '--fast',
    speed,
    '--http-port',
    String(options.port ?? (await freePagePort())),
  ];
  const display = new DemoDisplay({ live: !options.headless && process.stderr.isTTY === true });
  display.say('building the simulated rack: 20 nodes, one PoE switch, a router, three NUCs, a 16s LiFePO4 pack');
  const world = await spawnHoldover(rackArgs, join(dir, 'world.log'));
  children.push(world);
  const config = join(dir, 'holdover.yaml');
  const runArgs = ['run', '--config', config, '--clock-speed', speed];
  const service = await spawnHoldover(runArgs, join(dir, 'service.log'));
  children.push(service);
  const control = String(world.ready.control);
  const address = String(service.ready.address);
  display.say(`the service runs on real wires; its page: ${address}`);

  const witness = new DemoWitness(control, address);
  const story = new DemoStory(options.outageAfter, options.outage);
  while (!signal.aborted) {
    for (const child of [world, service]) {
      if (child.exited !== undefined)
        throw new Error(`${child.name} ended early (${child.exited}); its log: ${child.log()}`);
    }
    const seen = await witness.look();
    const steps = story.follow(seen);
    for (const step of steps) await act(step, witness, display);
    display.show(seen);
    if (story.ended) break;
    if (seen.timeS > STORY_DEADLINE_S)
      throw new Error(`the story did not end within ${STORY_DEADLINE_S} s of its own time`);
    await systemClock.sleep(LOOK_EVERY_MS, signal).catch(() => {});
  }
  if (signal.aborted) throw new UserError('interrupted');
  display.end();
  return summarize(story.record(), await witness.journal());
}

const PAGE_PORT = 8470;

/** The usual port, unless somebody is there already; then the system chooses one. */
async function freePagePort(): Promise<number> {
  const server = createServer();
  const free = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(PAGE_PORT, '127.0.0.1', () => resolve(true));
  });
  if (!free) return 0;
  await new Promise((resolve) => server.close(resolve));
  return PAGE_PORT;
}

async function act(step: StoryStep, witness: DemoWitness, display: DemoDisplay): Promise<void> {
  if (step.kind === 'mains') {
    await witness.setMains(step.present).catch((error: unknown) => {
      throw new Error(`the simulated world does not answer: ${messageOf(error)}`);
    });
  }
  display.say(step.text, step.timeS);
}
