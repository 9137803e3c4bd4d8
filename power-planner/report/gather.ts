import type { Answer, Assumption, Finding } from '../answers/answer.ts';
import { type BudgetAnswer, budgetOf } from '../answers/budget.ts';
import { sortedFindings } from '../answers/findings.ts';
import { type LifeAnswer, lifeOf } from '../answers/life.ts';
import { type RunAnswer, runtimeOf } from '../answers/runtime.ts';
import { type SizeAnswer, sizeOf } from '../answers/size.ts';
import type { Scenario } from '../scenario/schema.ts';
import { type Part, partsOf } from './parts.ts';

/** Everything the planner says of a scenario, in plain figures. */
export interface Report {
  readonly name: string;
  readonly budget: BudgetAnswer;
  /** Absent when the scenario has no pack. */
  readonly runtime?: RunAnswer;
  readonly life?: LifeAnswer;
  readonly size: SizeAnswer;
  /** The wish that had to be dropped for `size` to have any pack; absent when none had to. */
  readonly droppedWish?: string;
  readonly parts: readonly Part[];
  /** Of all answers, the worst first. */
  readonly findings: readonly Finding[];
  readonly assumptions: readonly Assumption[];
  readonly checklist: readonly string[];
}

/** Asks every question of the planner. Pure: the same scenario gives the same report. */
export function reportOf(scenario: Scenario): Report {
  const budget = budgetOf(scenario);
  const runtime = runtimeOf(scenario);
  const life = lifeOf(scenario);
  const { size, droppedWish } = sized(scenario);
  const answers: readonly Answer[] = [budget, runtime, life, size].filter((one) => one !== undefined);
  return {
    name: scenario.name,
    budget,
    ...(runtime !== undefined && { runtime }),
    ...(life !== undefined && { life }),
    size,
    ...(droppedWish !== undefined && { droppedWish }),
    parts: partsOf(scenario, runtime?.pack, size.winner),
    findings: sortedFindings(answers.map(({ findings }) => findings)),
    assumptions: distinct(answers.flatMap(({ assumptions }) => assumptions)),
    checklist: [...new Set(answers.flatMap(({ checklist }) => checklist))],
  };
}

/** Wishes in the order in which a builder gives them up. */
const WISHES = [
  ['years', 'the years it should last'],
  ['chargeHours', 'the time it should be full again in'],
  ['maxMassKg', 'its weight'],
  ['maxCostUsd', 'its cost'],
] as const;

/** With all wishes, or without the first one that is in the way of every pack. */
function sized(scenario: Scenario): { readonly size: SizeAnswer; readonly droppedWish?: string } {
  const size = sizeOf(scenario);
  if (size.winner !== undefined) return { size };
  for (const [wish, words] of WISHES) {
    const { [wish]: wanted, ...wishes } = scenario.wishes;
    if (wanted === undefined) continue;
    const without = sizeOf({ ...scenario, wishes });
    if (without.winner !== undefined) return { size: { ...without, findings: size.findings }, droppedWish: words };
  }
  return { size };
}

function distinct(assumptions: readonly Assumption[]): readonly Assumption[] {
  return [...new Map(assumptions.map((one) => [`${one.what}\n${one.value}`, one])).values()];
}
