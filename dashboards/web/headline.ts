import { count, duration, wattHours } from './format.ts';
import type { Host, Picture, Stage } from './wire.ts';

/** The state of the rack in words: what is, and what comes next. */
export interface Headline {
  readonly title: string;
  /** Short sentences, most urgent first. */
  readonly next: readonly string[];
  readonly tone: 'calm' | 'watch' | 'alarm' | 'off' | 'back';
}

const goes = (stage: Stage): string => `${stage.name} ${stage.name.endsWith('s') ? 'go' : 'goes'} down`;

/** The stage that will begin next, with its time. */
function nextStage(picture: Picture): (Stage & { readonly beginsInS: number }) | undefined {
  return picture.coordinator.schedule.stages
    .filter(
      (stage): stage is Stage & { readonly beginsInS: number } =>
        stage.state === 'waiting' && stage.beginsInS !== undefined,
    )
    .sort((a, b) => a.beginsInS - b.beginsInS)[0];
}

function comingDown(picture: Picture): string[] {
  const { stages, allOffInS } = picture.coordinator.schedule;
  const next = nextStage(picture);
  const words: string[] = [];
  if (next) words.push(next.beginsInS <= 0 ? `${goes(next)} now` : `${goes(next)} in ${duration(next.beginsInS)}`);
  if (allOffInS !== undefined && stages.length > 0) words.push(`everything off in ${duration(allOffInS)}`);
  if (words.length === 0 && stages.some((stage) => stage.state === 'waiting')) {
    words.push('no battery figure: no prediction');
  }
  return words;
}

const share = (hosts: readonly Host[], stage: Stage, phases: readonly Host['phase'][]): string => {
  const members = hosts.filter((host) => stage.hosts.includes(host.id));
  return `${members.filter((host) => phases.includes(host.phase)).length} of ${members.length}`;
};

function going(picture: Picture): string[] {
  const { schedule, hosts } = picture.coordinator;
  return schedule.stages
    .filter((stage) => stage.state === 'going-down')
    .map((stage) => `${stage.name} going down, ${share(hosts, stage, ['halted', 'cut'])} off`);
}

function returning(picture: Picture): string[] {
  const { schedule, hosts } = picture.coordinator;
  return schedule.stages
    .filter((stage) => stage.state === 'coming-back')
    .map((stage) => `${stage.name} coming back, ${share(hosts, stage, ['up'])} up`);
}

/** Seconds the verdict on mains holds. */
export const mainsForS = (picture: Picture): number => (picture.rack.monoMs - picture.rack.mains.sinceMs) / 1000;

function mainsBack(picture: Picture): string[] {
  if (picture.rack.mains.verdict !== 'present') return [];
  return [`mains back ${duration(mainsForS(picture))} ago`];
}

const waiting = ({ coordinator: { waitingFor } }: Picture): string[] =>
  waitingFor === undefined ? [] : [`nothing is started yet: ${waitingFor}`];

const held = ({ coordinator: { heldForS } }: Picture): string[] =>
  heldForS === undefined ? [] : [`held by order for ${duration(heldForS)} more`];

const ordered = ({ rack: { forcedShutdown } }: Picture): string[] =>
  forcedShutdown === undefined ? [] : [`${forcedShutdown.ups} orders everything down`];

const rehearsalWords = ({ stage, depth }: { stage: string; depth: 'drain' | 'whole' }): string =>
  depth === 'drain' ? `${stage} is drained and comes back` : `${stage} goes down and comes back`;

function onMains(picture: Picture): string[] {
  const { mains, bank } = picture.rack;
  const { stages, allOffInS, usableWh, feasible } = picture.coordinator.schedule;
  if (mains.disputed) return ['witnesses disagree about mains; see the evidence'];
  if (mains.verdict === 'unknown') return ['nobody can tell whether mains is there'];
  if (stages.length === 0) return ['no shutdown stages are configured'];
  if (bank.freshness === 'stale') return ['battery figures are stale: no prediction for an outage'];
  if (!feasible) return ['a failure of mains now would touch the reserve'];
  if (allOffInS === undefined) return ['no battery figure: no prediction for an outage'];
  const reach = `an outage beginning now could last ${duration(allOffInS)} before everything is off`;
  return usableWh === undefined ? [reach] : [reach, `${wattHours(usableWh)} usable`];
}

/** What a person must know of the role before believing that anything will be done from here. */
function role({ coordinator: { lease } }: Picture): string[] {
  if (lease === undefined) return [];
  const { self, holder, medium, namesake } = lease;
  const other = holder === undefined || holder === self ? 'nobody is known to act' : `${holder} acts`;
  const said =
    lease.role === 'acting' ? [] : lease.role === 'watching' ? [`watching: ${other}`] : [`not acting yet: ${other}`];
  const broken = medium === 'alive' ? [] : ['the broker that says which node acts does not answer'];
  return [...said, ...broken, ...(namesake ? [`another node is called ${self} too`] : [])];
}

/** Pure: the same picture gives the same words. */
export function headline(picture: Picture): Headline {
  const { next, ...words } = wordsOf(picture);
  return { ...words, next: [...role(picture), ...next] };
}

function wordsOf(picture: Picture): Headline {
  const { coordinator, rack } = picture;
  const away = coordinator.onBatteryS === undefined ? [] : [`mains away for ${duration(coordinator.onBatteryS)}`];
  switch (coordinator.phase) {
    case 'mains': {
      const { rehearsal } = coordinator;
      if (rehearsal !== undefined)
        return { title: 'Rehearsing', next: [rehearsalWords(rehearsal), ...going(picture)], tone: 'watch' };
      const doubt = rack.mains.verdict !== 'present' || rack.mains.disputed;
      if (coordinator.orderedDown !== undefined)
        return { title: 'Ordered down', next: [...waiting(picture), ...going(picture)], tone: 'watch' };
      return {
        title: doubt ? 'Mains in doubt' : 'On mains',
        next: [...waiting(picture), ...returning(picture), ...onMains(picture)],
        tone: doubt ? 'watch' : 'calm',
      };
    }
    case 'on-battery': {
      const back = mainsBack(picture);
      if (back.length > 0) return { title: 'On battery', next: [...back, 'waiting for it to hold'], tone: 'back' };
      return {
        title: 'On battery',
        next: [...ordered(picture), ...comingDown(picture), ...held(picture), ...away],
        tone: 'watch',
      };
    }
    case 'shutting-down':
      return {
        title: 'Shutting down',
        next: [...ordered(picture), ...mainsBack(picture), ...going(picture), ...comingDown(picture)],
        tone: 'alarm',
      };
    case 'dark': {
      const off = coordinator.hosts.filter((host) => host.phase === 'cut' || host.phase === 'halted').length;
      return { title: 'Dark', next: [`${count(off, 'host')} off`, ...mainsBack(picture), ...away], tone: 'off' };
    }
    case 'restoring':
      return {
        title: 'Restoring',
        next: [...waiting(picture), ...mainsBack(picture), ...returning(picture)],
        tone: 'back',
      };
  }
}
