import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  derate,
  type EfficiencyPoint,
  fitLosses,
  inputPowerW,
  type OcvName,
  type PlannedPack,
  type ResistanceTable,
  reserve,
  runtimeHours,
  shed,
} from '../../../power-planner/index.ts';

interface Expectation {
  readonly value: number;
  readonly tol_rel?: number;
  readonly tol_abs?: number;
}
interface PlannerCase {
  readonly id: string;
  readonly kind: string;
  readonly inputs: Record<string, unknown>;
  readonly expected: Record<string, Expectation | readonly Expectation[]>;
  readonly source: string;
}
interface CellInputs {
  readonly ocv: OcvName;
  readonly capacity_ah: number;
  readonly r_dc_mohm?: number;
  readonly r_table?: ResistanceTable;
}

const file = new URL('../../fixtures/planner/planner-cases.json', import.meta.url);
const { cases } = JSON.parse(readFileSync(file, 'utf8')) as { cases: PlannerCase[] };

const CHEMISTRY = { LFP: 'lifepo4', LTO: 'lto' } as const;

function packOf(inputs: Record<string, unknown>): PlannedPack {
  const cell = inputs.cell as CellInputs;
  return {
    cell: {
      ocv: cell.ocv,
      capacityAh: cell.capacity_ah,
      resistanceMohm: cell.r_dc_mohm,
      resistanceTable: cell.r_table,
    },
    series: inputs.series as number,
    parallel: inputs.parallel as number,
    cutoffV: inputs.lvc_v as number,
    capacityFactor: inputs.capacity_factor as number | undefined,
    resistanceFactor: inputs.r_factor as number | undefined,
    extraResistanceOhm: inputs.extra_r_ohm as number | undefined,
  };
}

const answers: Record<string, (inputs: Record<string, unknown>) => Record<string, number | readonly number[]>> = {
  runtime: (inputs) => {
    const { hours } = runtimeHours({
      pack: packOf(inputs),
      powerW: inputs.power_w as number,
      socStart: inputs.soc_start as number,
      socStop: inputs.soc_stop as number,
    });
    return { hours };
  },
  derate: (inputs) => {
    const chemistry = CHEMISTRY[inputs.chemistry as keyof typeof CHEMISTRY];
    const factors = derate(chemistry, inputs.temp_c as number, inputs.table as 'conservative');
    return { capacity_factor: factors.capacityFactor, charge_current_factor: factors.chargeCurrentFactor };
  },
  shed: (inputs) => {
    const stages = inputs.stages as { power_w: number; until_soc: number }[];
    const answer = shed(
      packOf(inputs),
      stages.map(({ power_w, until_soc }) => ({ powerW: power_w, untilSoc: until_soc })),
      inputs.soc_start as number,
    );
    return { hours_total: answer.hoursTotal, hours_stage: answer.stages.map(({ hours }) => hours) };
  },
  reserve: (inputs) => {
    const { reserveWh, reserveRatio } = reserve(inputs.energy_total_wh as number, {
      powerW: inputs.shutdown_power_w as number,
      durationS: (inputs.shutdown_min as number) * 60,
      margin: inputs.margin as number,
    });
    return { reserve_wh: reserveWh, reserve_soc: reserveRatio };
  },
  converter: (inputs) => {
    const fit = fitLosses(inputs.rated_w as number, inputs.points as EfficiencyPoint[]);
    const outW = inputs.out_w as number;
    const inW = inputPowerW(fit, outW);
    return { in_w: inW, efficiency: outW / inW };
  },
};

describe('reference cases', () => {
  const ours = cases.filter(({ kind }) => kind in answers);

  it('are all there', () => {
    expect(ours).toHaveLength(10);
    expect(new Set(ours.map(({ kind }) => kind))).toEqual(new Set(Object.keys(answers)));
  });

  it.each(ours.map((one) => [one.id, one.source, one] as const))(
    '%s (%s)',
    (_id, _source, { kind, inputs, expected }) => {
      const got = answers[kind]?.(inputs) ?? {};
      for (const [name, wanted] of Object.entries(expected)) {
        const values = [got[name]].flat();
        const targets = [wanted].flat();
        expect(values).toHaveLength(targets.length);
        for (const [i, { value, tol_rel, tol_abs }] of targets.entries()) {
          const tolerance = tol_abs ?? Math.abs(value) * (tol_rel ?? 0);
          expect(Math.abs((values[i] ?? Number.NaN) - value), name).toBeLessThanOrEqual(tolerance);
        }
      }
    },
  );
});
