import { dirname } from 'node:path';
import { checkConfig, readConfigFile, showProblem } from '../config/load.ts';

/** The command `check`: every problem at once; 2 when the configuration is not valid. */
export function check(file: string, options: { json?: boolean }): number {
  const checked = checkConfig(readConfigFile(file), dirname(file));
  const problems = checked.ok ? checked.warnings : checked.problems;
  if (options.json) {
    console.log(JSON.stringify({ valid: checked.ok, problems }));
    return checked.ok ? 0 : 2;
  }
  for (const problem of problems) console.error(showProblem(problem));
  if (!checked.ok) {
    console.error(`${file}: ${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}`);
    return 2;
  }
  const { packs, switches, hosts, shutdown } = checked.config;
  const parts = [
    `${packs.length} ${packs.length === 1 ? 'pack' : 'packs'}`,
    `${switches.length} ${switches.length === 1 ? 'switch' : 'switches'}`,
    `${hosts.length} ${hosts.length === 1 ? 'host' : 'hosts'}`,
    `${shutdown.stages.length} ${shutdown.stages.length === 1 ? 'stage' : 'stages'}`,
  ];
  console.log(`${file} is valid: ${parts.join(', ')}`);
  if (shutdown.stages.length === 0)
    console.log('without shutdown.stages it only watches: nothing is halted when mains is away');
  return 0;
}
