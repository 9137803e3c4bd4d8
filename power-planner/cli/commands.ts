import { type Console, print, UsageError } from './console.ts';

/** The planner's command line: also `holdover plan`. Each command loads what it needs when it is called. */

interface PlannerCommand {
  readonly takes: string;
  readonly does: string;
  readonly example: string;
  /** Takes a scenario and what may be changed in it. */
  readonly scenario?: boolean;
  run(args: readonly string[], io: Console): Promise<number>;
}

const COMMANDS: Readonly<Record<string, PlannerCommand>> = {
  budget: {
    takes: '<scenario.yaml | holdover.yaml>',
    does: 'does it fit the circuit, the switches and the supplies, and which charger still fits beside it',
    example: 'budget examples/scenarios/b-twenty-cm4.yaml --volts 108',
    scenario: true,
    run: async (args, io) => (await import('./answer-commands.ts')).answerCommand('budget', args, io),
  },
  runtime: {
    takes: '<scenario.yaml | holdover.yaml>',
    does: 'how long does it run: new, at the end of its life, in the cold, with shedding',
    example: 'runtime examples/scenarios/b-twenty-cm4.yaml --load 400 --years 5',
    scenario: true,
    run: async (args, io) => (await import('./answer-commands.ts')).answerCommand('runtime', args, io),
  },
  size: {
    takes: '<scenario.yaml | holdover.yaml>',
    does: 'which pack: the best of the catalogue for the wishes of the scenario',
    example: 'size examples/scenarios/b-twenty-cm4.yaml --hours 8 --objective mass',
    scenario: true,
    run: async (args, io) => (await import('./answer-commands.ts')).answerCommand('size', args, io),
  },
  life: {
    takes: '<scenario.yaml | holdover.yaml>',
    does: 'how long does the pack live, and what would standing at another charge do',
    example: 'life examples/scenarios/b-twenty-cm4.yaml --standby 0.8 --temperature 30',
    scenario: true,
    run: async (args, io) => (await import('./answer-commands.ts')).answerCommand('life', args, io),
  },
  report: {
    takes: '<scenario.yaml | holdover.yaml> [--out report.html | report.md]',
    does: 'everything at once, with pictures: one HTML file that needs nothing else, or Markdown',
    example: 'report examples/scenarios/b-twenty-cm4.yaml --out report.html',
    scenario: true,
    run: async (args, io) => (await import('./report-command.ts')).reportCommand(args, io),
  },
  compare: {
    takes: '<outage.csv | outage.jsonl> --scenario <file> [--journal journal.jsonl [--outage n]] [--soc 0..1] [--json]',
    does: 'a recorded outage against the plan: the charge and resistance the pack really has, and what to change',
    example: 'compare outage.csv --scenario examples/scenarios/b-twenty-cm4.yaml --soc 1',
    run: async (args, io) => (await import('./compare-command.ts')).compareCommand(args, io),
  },
  eval: {
    takes: '[cases.json]',
    does: 'for programs: one case {"id","kind","inputs"} per line in, one answer {"id","result","warnings"} per line out',
    example: `eval < cases.jsonl`,
    run: async (args, io) => (await import('./eval-command.ts')).evalCommand(args, io),
  },
};

/**
 * Runs one command; resolves with the exit status: 0 done, 1 failed, 2 the input was wrong.
 * @param program how it was called, for the help: `power-planner` or `holdover plan`
 */
export async function runPlanner(args: readonly string[], io: Console, program = 'power-planner'): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === 'help' || isHelp(name)) {
    await print(name === undefined ? io.stderr : io.stdout, overview(program));
    return name === undefined ? 2 : 0;
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) {
    await print(io.stderr, [`${program}: ${name} is no command`, `  try: one of ${Object.keys(COMMANDS).join(', ')}`]);
    return 2;
  }
  if (rest.some(isHelp)) {
    await print(io.stdout, await helpOf(name, command, program));
    return 0;
  }
  try {
    return await command.run(rest, io);
  } catch (error) {
    if (!(error instanceof UsageError)) {
      const message = error instanceof Error ? error.message : String(error);
      await print(io.stderr, [`${program} ${name}: ${message}`]);
      return 1;
    }
    const hint = error.hint === undefined ? [] : [`  try: ${error.hint}`];
    await print(io.stderr, [`${program} ${name}: ${error.message}`, ...hint]);
    return 2;
  }
}

const isHelp = (arg: string): boolean => arg === '--help' || arg === '-h';

function overview(program: string): string[] {
  const width = Math.max(...Object.keys(COMMANDS).map((name) => name.length));
  return [
    'The circuit and the battery on paper.',
    '',
    `Usage: ${program} <command> …`,
    '',
    ...Object.entries(COMMANDS).map(([name, { does }]) => `  ${name.padEnd(width)}  ${does}`),
    '',
    `Example: ${program} budget examples/scenarios/b-twenty-cm4.yaml`,
    `         ${program} runtime --help`,
  ];
}

async function helpOf(name: string, command: PlannerCommand, program: string): Promise<string[]> {
  const options = command.scenario === true ? ['', 'Options:', ...(await import('./options.ts')).optionHelp()] : [];
  const usage = `Usage: ${program} ${name} ${command.takes}${command.scenario === true ? ' [options]' : ''}`;
  return [usage, '', command.does, ...options, '', `Example: ${program} ${command.example}`];
}
