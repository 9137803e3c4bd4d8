import { CORDONED, DRAINED } from './because.ts';
import { takeCharger } from './charger-guard.ts';
import { type HostWatch, nothingSeen } from './evidence.ts';
import { goalOf } from './goal.ts';
import { takeOutput } from './last-act.ts';
import type { HostPolicy } from './policy.ts';
import { succeeded } from './promises.ts';
import type { EffectResult, HostState, Input } from './state.ts';
import type { Turn } from './turn.ts';

type Result = Extract<Input, { kind: 'result' }>;

const UNCORDONABLE: ReadonlySet<HostState['phase']> = new Set(['up', 'cordoned', 'drained', 'powering']);

/** Takes in what became of an effect: the journal gets it, the host moves on or the effect is tried again later. */
export function takeResult(turn: Turn, input: Result): void {
  const known = turn.flying(input.key);
  if (input.final) turn.landed(input.key);
  turn.write({ kind: 'outcome', key: input.key, effectKind: input.effectKind, results: input.results });
  for (const text of input.notes ?? []) turn.write({ kind: 'note', text });
  // A result nobody waits for belongs to an earlier life; what it changed in the world is seen there.
  if (!known) return;
  for (const result of input.results) {
    if (input.effectKind === 'output') takeOutput(turn, input.key, result);
    else if (input.effectKind === 'charger') takeCharger(turn, input.key, result);
    else apply(turn, input, result);
  }
}

function apply(turn: Turn, input: Result, result: EffectResult): void {
  const host = turn.policy.hosts[result.host];
  const state = turn.state.hosts[result.host];
  if (host === undefined || state === undefined) return;
  const because = result.detail ?? result.code;
  switch (input.effectKind) {
    case 'cordon':
      if (state.phase === 'up') takeCordon(turn, result, because);
      return;
    case 'drain':
      if (state.phase === 'cordoned') takeDrain(turn, host, result, because);
      return;
    case 'uncordon':
      // An answer that comes when the host is on its way down again is too late to mean anything.
      if (UNCORDONABLE.has(state.phase)) takeUncordon(turn, result, because);
      return;
    case 'halt':
      if (succeeded(result))
        turn.see(host.id, { ...seenOf(turn, host.id), haltAccepted: true, haltAcceptedMs: turn.nowMs });
      else turn.retryLater('halt', host.id);
      return;
    case 'cut':
      if (state.phase === 'halted') takeCut(turn, state, result, because);
      return;
    case 'power':
      if (succeeded(result)) turn.see(host.id, { ...seenOf(turn, host.id), poweredMs: turn.nowMs });
      else turn.retryLater('power', host.id);
      return;
    case 'wake':
      turn.retryLater('wake', host.id);
      return;
    default:
      return;
  }
}

const seenOf = (turn: Turn, host: string): HostWatch => turn.watch.hosts[host] ?? nothingSeen;

function takeCordon(turn: Turn, result: EffectResult, because: string): void {
  if (succeeded(result)) turn.host(result.host, { phase: 'cordoned' }, CORDONED);
  else if (result.code === 'left-alone') turn.host(result.host, { phase: 'cordoned', cordonedByUs: false }, because);
  else turn.retryLater('cordon', result.host);
}

function takeDrain(turn: Turn, host: HostPolicy, result: EffectResult, because: string): void {
  if (succeeded(result)) turn.host(host.id, { phase: 'drained' }, DRAINED);
  else if (goalOf(turn.state, host) === 'off') turn.host(host.id, { phase: 'drained' }, because);
}

function takeUncordon(turn: Turn, result: EffectResult, because: string): void {
  const ours = succeeded(result);
  if (!ours && result.code !== 'left-alone') {
    turn.retryLater('uncordon', result.host);
    return;
  }
  turn.host(result.host, { phase: 'up', trouble: null }, ours ? 'schedulable again' : because);
}

function takeCut(turn: Turn, state: HostState, result: EffectResult, because: string): void {
  if (succeeded(result)) {
    turn.host(result.host, { phase: 'cut', trouble: null }, 'port is off');
    return;
  }
  turn.retryLater('cut', result.host);
  // What was read of the port before says nothing of what the switch does now.
  turn.see(result.host, { ...seenOf(turn, result.host), lowDraw: 0 });
  const trouble = `port could not be cut: ${because}`;
  if (state.trouble !== trouble) turn.host(result.host, { trouble }, trouble);
}
