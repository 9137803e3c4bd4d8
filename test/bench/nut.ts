import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { peer } from '../peers.ts';
import { Upsd } from '../services/nut/nut-peers.ts';
import { Talk } from '../services/nut/talk.ts';
import { until, Workshop } from '../services/telemetry/peers.ts';
import { type Bench, figure, type Outcome, spreadOf } from './bench.ts';
import { inTurns, repeatAsync, wallTime } from './in-turns.ts';
import { costOf } from './process-cost.ts';

const SERVER = fileURLToPath(new URL('./nut-process.ts', import.meta.url));
const CLIENTS = 54;

/** One server under the bench: where it is and what it is called. */
interface Server {
  readonly port: number;
  readonly pid: number;
  readonly ups: string;
  readonly login: readonly string[];
}

/** Our NUT server and NUT's own upsd with as many variables, each in a process of its own, asked in turns. */
export const nutBench: Bench = {
  name: 'nut',
  about: 'LIST VAR and GET VAR over a used connection, and what 54 logged-in clients cost, against upsd',
  async run({ runs }) {
    const missing = (['upsd', 'dummy-ups', 'upsc'] as const).map(peer).find(({ skip }) => skip);
    if (missing) return { skipped: `needs ${missing.title}` };
    const workshop = new Workshop();
    const child = spawn(process.execPath, [SERVER], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
      const { port } = JSON.parse(line) as { port: number };
      const ours: Server = { port, pid: child.pid ?? 0, ups: 'ups', login: ['USERNAME mon', 'PASSWORD pw'] };
      return await compared(ours, await upsdLike(ours, workshop), runs);
    } finally {
      await workshop.clean();
      const gone = once(child, 'exit');
      child.kill('SIGTERM');
      await gone;
    }
  },
};

/** upsd with our own variables and values. */
async function upsdLike(ours: Server, workshop: Workshop): Promise<Server> {
  const reader = await Talk.to(ours.port);
  const block = await reader.ask('LIST VAR ups');
  reader.close();
  const variables = Object.fromEntries(
    [...block.matchAll(/^VAR ups (\S+) "(.*)"$/gm)].map(([, name, value]) => [name ?? '', value ?? '']),
  );
  const upsd = await Upsd.start(workshop, variables);
  return { port: upsd.port, pid: upsd.pid, ups: 'apc', login: ['USERNAME holdover', 'PASSWORD "a b\\#c"'] };
}

async function compared(ours: Server, theirs: Server, runs: number): Promise<Outcome> {
  const [our, their] = [await Talk.to(ours.port), await Talk.to(theirs.port)];
  const timed = async (what: string, request: (ups: string) => string) => {
    const times = await inTurns(
      repeatAsync(() => our.ask(request(ours.ups))),
      repeatAsync(() => their.ask(request(theirs.ups))),
      runs,
      wallTime,
    );
    return figure(what, 'µs', times.ours, { what: 'upsd', values: times.peer });
  };
  const list = await timed('LIST VAR, each after another request', (ups) => `LIST VAR ${ups}`);
  const get = await timed('GET VAR ups.status', (ups) => `GET VAR ${ups} ups.status`);
  const variables = (await our.ask('LIST VAR ups')).split('\n').length - 2;
  const theirVariables = (await their.ask('LIST VAR apc')).split('\n').length - 2;
  our.close();
  their.close();
  const [growth, theirGrowth] = [await grown(ours), await grown(theirs)];
  return {
    figures: [
      list,
      get,
      figure(`resident memory with ${CLIENTS} clients logged in`, 'MiB', [growth.withMiB], {
        what: 'upsd',
        values: [theirGrowth.withMiB],
      }),
      {
        what: `of that for the ${CLIENTS} clients`,
        unit: 'MiB',
        value: spreadOf([growth.withMiB - growth.withoutMiB]),
      },
    ],
    remarks: [`${variables} variables, upsd ${theirVariables}; ours is a Node process with a rack of 54 nodes in it`],
  };
}

/** Resident memory before and after the clients have logged in and asked a few hundred times each. */
async function grown(server: Server): Promise<{ withoutMiB: number; withMiB: number }> {
  const withoutMiB = costOf(server.pid).residentMiB;
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => Talk.to(server.port)));
  for (const client of clients) await client.asks(...server.login, `LOGIN ${server.ups}`);
  for (let round = 0; round < 100; round += 1)
    await Promise.all(clients.map((each) => each.ask(`GET VAR ${server.ups} ups.status`)));
  await until('all are counted', async () =>
    (await clients[0]?.ask(`GET NUMLOGINS ${server.ups}`))?.endsWith(` ${CLIENTS}`),
  );
  const withMiB = costOf(server.pid).residentMiB;
  for (const client of clients) client.close();
  return { withoutMiB, withMiB };
}
