import { duration } from './format.ts';
import type { JournalLine } from './wire.ts';

/** A journal entry as a sentence. Entries are read defensively: a journal can be older or newer than this page. */

type Entry = JournalLine['entry'];

const text = (value: unknown, otherwise = '?'): string =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : otherwise;
const record = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

const PHASES: Readonly<Record<string, string>> = {
  mains: 'Back to normal on mains',
  'on-battery': 'Running on battery',
  'shutting-down': 'Shutting down',
  dark: 'The rack is dark',
  restoring: 'Restoring',
};

const TRIGGERS: Readonly<Record<string, string>> = {
  energy: 'the energy left allows no later start',
  after: 'its time on battery is over',
  soc: 'its state of charge is reached',
  runtime: 'its runtime limit is reached',
  rate: 'the battery empties too fast',
  window: 'its time of day has come',
  operator: 'an operator wants it',
  external: 'whoever commands the UPS wants it',
  rehearsal: 'it is rehearsed',
};

const HOST_PHASES: Readonly<Record<string, string>> = {
  up: 'is up',
  cordoned: 'is cordoned',
  drained: 'is drained',
  halting: 'is halting',
  halted: 'has halted',
  cut: 'has no power',
  powering: 'is being powered',
};

function host(entry: Entry): string {
  const change = record(entry.change);
  const name = text(entry.host);
  // "is cordoned (cordoned)" says it twice.
  const because = entry.because === undefined || entry.because === change.phase ? '' : ` (${text(entry.because)})`;
  if (change.forced === true) return `${name} was cut by force${because}`;
  if (typeof change.trouble === 'string') return `${name} is in trouble: ${change.trouble}`;
  if (change.trouble === null) return `${name} is out of trouble${because}`;
  if (change.skipped === true) return `${name} is skipped`;
  if (change.skipped === false && change.phase === undefined) return `${name} takes part again`;
  const phase = HOST_PHASES[text(change.phase, '')];
  return phase === undefined ? `${name}: noted${because}` : `${name} ${phase}${because}`;
}

const names = (values: readonly unknown[]): string => {
  const all = values.map((value) => text(value));
  return all.length > 4 ? `${all.slice(0, 3).join(', ')} and ${all.length - 3} more` : all.join(', ');
};

function intent(entry: Entry): string {
  const effect = record(entry.effect);
  const target = text(effect.host, '');
  const targets = list(effect.targets).map((each) => record(each).host);
  switch (effect.kind) {
    case 'cordon':
      return `Cordon ${target}`;
    case 'uncordon':
      return `Uncordon ${target}`;
    case 'drain':
      return `Drain ${names(targets)}, at most ${duration(Number(effect.deadlineMs) / 1000)}`;
    case 'stop-drain':
      return 'Stop draining';
    case 'halt':
      return `Tell ${target} to halt`;
    case 'cut':
      return `Cut power of ${names(targets)} on ${text(effect.switchId)}`;
    case 'power':
      return `Power ${names(targets)} on ${text(effect.switchId)}`;
    case 'wake':
      return `Wake ${target}`;
    case 'output':
      return `Switch ${text(effect.what, 'the output')} of ${text(effect.pack)} ${effect.on === true ? 'on' : 'off'}`;
    default:
      return `Intend ${text(effect.kind)}`;
  }
}

const CODES: Readonly<Record<string, string>> = {
  done: 'done',
  already: 'was so already',
  'left-alone': 'left alone',
  refused: 'refused',
  timeout: 'timed out',
  unreachable: 'unreachable',
  disobeyed: 'said yes and did not',
};

function outcome(entry: Entry): string {
  const results = list(entry.results).map(record);
  const failed = results.filter((result) => result.code !== 'done' && result.code !== 'already');
  const kind = text(entry.effectKind);
  if (results.length === 0) return `${kind} done`;
  if (failed.length === 0) return `${kind} done: ${names(results.map((result) => result.host))}`;
  const worst = failed
    .slice(0, 3)
    .map((result) => {
      const detail = result.detail === undefined ? '' : `, ${text(result.detail)}`;
      return `${text(result.host)} ${CODES[text(result.code, '')] ?? text(result.code)}${detail}`;
    })
    .join('; ');
  return `${kind} failed: ${worst}${failed.length > 3 ? ` and ${failed.length - 3} more` : ''}`;
}

/** What was asked for, after the name of who asked. */
const ASKED: Readonly<Record<string, (asked: Readonly<Record<string, unknown>>) => string>> = {
  begin: ({ onMains }) => `orders the shutdown to begin${onMains === true ? ', on mains' : ''}`,
  hold: ({ forS }) => `holds the schedule for ${duration(Number(forS))}`,
  abort: () => 'turns the shutdown round',
  lease: (asked) => `has this node ${asked.do === 'give' ? 'leave the role' : 'take over'}`,
  'switch-board': ({ what, pack, on, force }) =>
    `has ${text(what)} of ${text(pack)} switched ${on === true ? 'on' : 'off'}${force === true ? ', by force' : ''}`,
  skip: ({ host }) => `skips ${text(host)}`,
  unskip: ({ host }) => `lets ${text(host)} take part again`,
  'take-over': (asked) => `says ${text(asked.host)} is ${text(asked.as)}`,
  'power-cycle': ({ host, force }) =>
    `has ${text(host)} switched off and on${force === true ? ', though it answers' : ''}`,
  rehearse: ({ stage, depth }) => `has ${text(stage)} rehearsed${depth === 'whole' ? ', whole' : ''}`,
};

function command(entry: Entry): string {
  const asked = record(entry.command);
  const kind = text(asked.kind);
  const words = Object.hasOwn(ASKED, kind) ? ASKED[kind]?.(asked) : undefined;
  return `${text(entry.author, 'somebody')} ${words ?? `commands ${kind}`}`;
}

const orderWords = ({ began, overruled }: Entry): string =>
  began === false ? 'is over' : overruled === true ? 'is not followed' : 'is followed';

/** What a line of the journal says. */
export function sentence(entry: Entry): string {
  const because = entry.because === undefined ? '' : `: ${text(entry.because)}`;
  switch (entry.kind) {
    case 'phase':
      return `${PHASES[text(entry.phase, '')] ?? text(entry.phase)}${because}`;
    case 'stage': {
      const stage = text(entry.stage);
      if (entry.began === false) return `Stage ${stage} is called back`;
      const trigger = TRIGGERS[text(entry.trigger, '')];
      return trigger === undefined ? `Stage ${stage} begins` : `Stage ${stage} begins: ${trigger}`;
    }
    case 'host':
      return host(entry);
    case 'rehearsal':
      return `Rehearsal of ${text(entry.stage)} ${entry.began === false ? 'ends' : 'begins'}${because}`;
    case 'ordered-down':
      return `Order of ${entry.ups === undefined ? 'a person' : `ups ${text(entry.ups)}`} to go down ${orderWords(entry)}${because}`;
    case 'charger':
      return `The charger is ${entry.amps === undefined ? 'left to itself' : `set to ${text(entry.amps)} A`}${because}`;
    case 'output':
      return `Output of ${text(entry.pack)} ${entry.on === true ? 'on' : 'off'}${because}`;
    case 'hold':
      return `The schedule is held for ${duration(Number(entry.forS))}`;
    case 'intent':
      return intent(entry);
    case 'outcome':
      return outcome(entry);
    case 'command':
      return command(entry);
    case 'lease':
      return entry.acting === true ? 'This node acts' : `${text(entry.holder, 'Another node')} acts`;
    case 'adopted':
      return `Goes on where ${text(entry.from)} ended`;
    case 'note':
      return text(entry.text);
    default:
      return entry.kind;
  }
}

/** How much a line deserves to stand out. */
export function weight(entry: Entry): 'strong' | 'bad' | 'plain' {
  if (entry.kind === 'phase' || entry.kind === 'command' || entry.kind === 'stage' || entry.kind === 'rehearsal')
    return 'strong';
  const change = record(entry.change);
  if (change.forced === true || typeof change.trouble === 'string') return 'bad';
  if (entry.kind === 'outcome') {
    const fine = list(entry.results).every((result) =>
      ['done', 'already', 'left-alone'].includes(text(record(result).code)),
    );
    return fine ? 'plain' : 'bad';
  }
  return 'plain';
}
