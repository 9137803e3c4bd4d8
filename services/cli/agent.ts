import { runAgent } from '../agent/agent.ts';
import { AgentMemory } from '../agent/memory.ts';
import { OrderLink } from '../agent/order-link.ts';
import { readAgentSettings } from '../agent/settings.ts';
import { systemClock } from '../runtime/clock.ts';
import { runCommand } from '../runtime/run-command.ts';

/** The command `agent`: halts this machine when its service says so, until it is told to stop. */
export async function agent(options: { readonly config: string; readonly dryRun?: boolean }): Promise<number> {
  const settings = readAgentSettings(options.config);
  const stopped = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stopped.abort());
  console.log(JSON.stringify({ ready: true, host: settings.host, service: settings.service.origin, pid: process.pid }));
  const command = options.dryRun === true ? ['/bin/true'] : settings.command;
  await runAgent(
    {
      link: new OrderLink(settings),
      memory: new AgentMemory(settings.stateDir),
      halt: () => runCommand(command, { timeoutMs: settings.timeoutMs }),
      clock: systemClock,
      say: (line) => console.error(`holdover agent: ${options.dryRun === true ? '(dry run) ' : ''}${line}`),
    },
    stopped.signal,
  );
  return 0;
}
