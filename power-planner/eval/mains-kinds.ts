import { converterPoints } from '../model/catalogue.ts';
import { chargerHeadroom, circuitBudget } from '../model/circuit.ts';
import { fitLosses, inputPowerW } from '../model/converter.ts';
import { poeRackPower } from '../model/load.ts';
import { poeLink } from '../model/poe.ts';
import { conductorOhmPerM, wireDrop } from '../model/wire.ts';
import type { Answer } from './answer.ts';
import { loadOf } from './facts.ts';
import { CaseError, type Fields, RANGE } from './fields.ts';

/** Kinds about mains, supplies and PoE: each reads its fields and answers in the names of the case format. */

export function circuit(fields: Fields): Answer {
  const loads = fields.list('loads', loadOf);
  const budget = circuitBudget(circuitOf(fields), loads);
  return {
    result: {
      limit_a: budget.limitA,
      limit_va: budget.limitVa,
      current_a: budget.currentA,
      vector_current_a: budget.vectorCurrentA,
      apparent_va: budget.apparentVa,
      headroom_a: budget.headroomA,
      ok: budget.fits,
    },
    facts: { currentA: budget.currentA },
  };
}

function circuitOf(fields: Fields): { volts: number; breakerA: number; continuousFactor: number | undefined } {
  return {
    volts: fields.number('v', RANGE.volts),
    breakerA: fields.number('breaker_a', RANGE.someAmperes),
    continuousFactor: fields.optional('continuous_factor', RANGE.someShare),
  };
}

export function link(fields: Fields): Answer {
  const sourceV = fields.number('v_pse', RANGE.volts);
  const loopOhm = fields.number('loop_ohm', RANGE.ohm);
  const answer = poeLink({ sourceV, loopOhm, deviceW: fields.number('p_pd_w', RANGE.watts) });
  return {
    result: {
      i_a: answer?.currentA ?? null,
      p_pse_w: answer?.sourceW ?? null,
      loss_w: answer?.lossW ?? null,
      v_pd: answer?.deviceV ?? null,
    },
    facts: { portW: answer?.sourceW },
  };
}

export function converter(fields: Fields): Answer {
  const ratedW = fields.number('rated_w', RANGE.someWatts);
  const outW = fields.number('out_w', RANGE.watts);
  const points = efficiencyPoints(fields);
  const inW = inputPowerW(fitLosses(ratedW, points), outW);
  const loads = points.map(([load]) => load);
  const share = outW / ratedW;
  return {
    result: { in_w: inW, efficiency: inW > 0 ? outW / inW : 0, loss_w: inW - outW },
    facts: {
      supplyW: outW,
      supplyRatedW: ratedW,
      extrapolated: share < Math.min(...loads) || share > Math.max(...loads),
    },
  };
}

function efficiencyPoints(fields: Fields): readonly (readonly [number, number])[] {
  const id = fields.text('converter');
  if (id === undefined || fields.has('points')) {
    const points = fields.pairs('points', { above: 0, max: 10 }, RANGE.someShare);
    if (points.length === 0) throw new CaseError('out-of-range', 'points is empty: expected at least one');
    return points;
  }
  const points = converterPoints(id);
  if (points === undefined) throw new CaseError('out-of-range', `converter ${id} is not in the catalogue`);
  return points;
}

export function wire(fields: Fields): Answer {
  const awg = fields.number('awg', { min: -3, max: 40, whole: true });
  const temperatureC = fields.optional('temp_c', RANGE.celsius) ?? 75;
  const drop = wireDrop({
    awg,
    lengthM: fields.number('length_m', { min: 0, max: 10_000 }),
    currentA: fields.number('current_a', RANGE.amperes),
    temperatureC,
    volts: fields.number('v', RANGE.volts),
  });
  return {
    result: {
      drop_v: drop.dropV,
      drop_fraction: drop.dropRatio,
      ohm_per_km: 1000 * conductorOhmPerM(awg, temperatureC),
    },
    // The temperature is the wire's, not that of a pack.
    facts: { dropRatio: drop.dropRatio, temperatureC: undefined },
  };
}

export function chargeHeadroom(fields: Fields): Answer {
  const loads = fields.has('loads')
    ? fields.list('loads', loadOf)
    : [
        {
          powerW: fields.number('load_w', RANGE.watts),
          powerFactor: fields.optional('load_pf', RANGE.someShare) ?? 0.95,
        },
      ];
  const own = circuitOf(fields);
  const headroom = chargerHeadroom(own, loads, {
    powerFactor: fields.optional('charger_pf', RANGE.someShare) ?? 0.95,
    efficiencyRatio: fields.optional('charger_efficiency', RANGE.someShare) ?? 0.92,
    packV: fields.number('pack_v', RANGE.volts),
  });
  return {
    result: { charger_ac_w: headroom.chargerAcW, charger_dc_a: headroom.chargerDcA },
    facts: { currentA: circuitBudget(own, loads).currentA },
  };
}

export function seed(fields: Fields): Answer {
  const switches = fields.optional('switches', RANGE.count) ?? (fields.has('nodes') ? 1 : 0);
  const nodes = fields.optional('nodes', RANGE.count) ?? 0;
  // A rack without PoE nodes is its mains devices.
  const portV = nodes > 0 ? fields.number('pse_v', RANGE.volts) : (fields.optional('pse_v', RANGE.volts) ?? 54);
  const power = poeRackPower({
    nodes,
    nodeW: nodes > 0 ? fields.number('node_dc_w', RANGE.watts) : 0,
    hat: fields.optional('pd_efficiency', RANGE.someShare) ?? 1,
    portV,
    loopOhm: fields.optional('loop_ohm', RANGE.ohm) ?? 0,
    switches,
    switchSelfW: fields.optional('switch_self_w', RANGE.watts) ?? 0,
    switchSupply: fields.optional('switch_psu_efficiency', RANGE.someShare) ?? 1,
    otherAcW: fields.optional('other_ac_w', RANGE.watts) ?? 0,
    inverter: fields.optional('inverter_efficiency', RANGE.someShare),
  });
  const volts = fields.optional('v', RANGE.volts);
  const powerFactor = fields.optional('pf', RANGE.someShare) ?? 0.95;
  const currentA = volts === undefined ? undefined : power.acW / powerFactor / volts;
  return {
    result: {
      port_w: power.port?.sourceW ?? null,
      pse_total_w: power.poeTotalW,
      switch_ac_w: power.switchAcW,
      ac_w: power.acW,
      pack_w: power.packW,
      current_a: currentA ?? null,
      parts: power.parts,
    },
    facts: {
      currentA,
      poeTotalW: switches > 0 ? power.poeTotalW / switches : power.poeTotalW,
      portW: power.port?.sourceW,
      portV,
      deviceW: power.port === undefined ? Number.POSITIVE_INFINITY : undefined,
    },
  };
}
