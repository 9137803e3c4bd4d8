import type { ChemistryId } from '../../../bms/model/chemistry/chemistry.ts';
import { type PackSpec, packOf, packResistanceOhm } from '../../../bms/model/pack.ts';
import type { PackSample } from '../../../bms/model/sample.ts';
import { column, look, seeded } from './fixtures.ts';

type Phase = 'standby' | 'outage' | 'charge' | 'rest';

/**
 * A pack with a truth of its own, read by a bad meter. Drawn from the seed: capacity, current offset and gain, another
 * maker's curve, a resistance off the table (half of it slow), the BMS's own error. Standby, outages, charges and rests
 * follow each other at random.
 */
export class BadMeterWorld {
  readonly spec: PackSpec;
  /** True state of charge, 0..1. */
  soc: number;

  private readonly noise: ReturnType<typeof seeded>;
  private readonly ocv: [number, number][];
  private readonly hysteresis: [number, number][];
  private readonly capacityAh: number;
  private readonly offsetA: number;
  private readonly gain: number;
  private readonly curveV: number;
  private readonly halfOhm: number;
  private readonly bmsError: number;
  private branch = 0;
  private slowV = 0;
  private phase: Phase = 'standby';
  private leftS: number;
  private loadA = 0;

  constructor(chemistry: ChemistryId, seed: number) {
    const lfp = chemistry === 'lifepo4';
    this.noise = seeded(seed);
    const { normal, uniform } = this.noise;
    this.spec = packOf(lfp ? { chemistry, cells: 16, capacityAh: 100 } : { chemistry, cells: 20, capacityAh: 40 });
    this.ocv = lfp ? column('ocv-lfp.csv', 'ocv_v') : column('ocv-lto.csv', 'nmc_lto_v');
    this.hysteresis = lfp ? column('ocv-lfp.csv', 'hyst_v') : [[0, 0]];
    this.capacityAh = this.spec.capacityAh * (1 + 0.02 * normal());
    this.offsetA = 0.05 * normal();
    this.gain = 1 + 0.01 * normal();
    this.curveV = 0.01 * normal();
    this.halfOhm = ((packResistanceOhm(this.spec, 0.5) / this.spec.cells) * Math.exp(0.3 * normal())) / 2;
    this.soc = 0.3 + 0.6 * uniform();
    this.bmsError = 0.1 * normal();
    this.leftS = 3600 * 4 * uniform();
  }

  step(dtS: number): PackSample {
    this.advance(dtS);
    const openV = look(this.ocv, this.soc) + this.curveV + this.branch * look(this.hysteresis, this.soc);
    const amperes = this.current(openV);
    const moved = (amperes * dtS) / 3600 / this.capacityAh;
    this.soc = clamp(this.soc + moved, 0, 1);
    this.branch = clamp(this.branch + moved / 0.1, -1, 1);
    this.slowV += (amperes * this.halfOhm - this.slowV) * (dtS / 600);
    return this.read(openV + this.slowV + amperes * this.halfOhm, amperes);
  }

  private advance(dtS: number): void {
    this.leftS -= dtS;
    if (this.leftS > 0) return;
    const { uniform } = this.noise;
    const pick = uniform();
    if (pick < 0.35) this.phase = 'standby';
    else if (pick < 0.6) this.phase = 'outage';
    else this.phase = pick < 0.85 ? 'charge' : 'rest';
    const hours = { standby: 20, outage: 4, charge: 4, rest: 6 }[this.phase];
    this.leftS = 3600 * hours * uniform();
    this.loadA = (0.05 + 0.25 * uniform()) * this.spec.capacityAh;
  }

  private current(openV: number): number {
    if (this.phase === 'rest') return 0;
    if (this.phase === 'outage') return this.soc < 0.03 ? 0 : -this.loadA * (1 + 0.1 * this.noise.normal());
    // A charger holds its voltage.
    const toV = this.spec.chemistry.limits.chargeV - openV - this.slowV;
    return clamp(toV / this.halfOhm, 0, 0.2 * this.spec.capacityAh);
  }

  private read(cellV: number, amperes: number): PackSample {
    const { normal } = this.noise;
    const { cells } = this.spec;
    return {
      kind: 'pack',
      measuredAtMs: 0,
      voltageV: cellV * cells,
      currentA: Math.round((amperes * this.gain + this.offsetA) * 100) / 100,
      cellsV: Array.from({ length: cells }, () => Math.round((cellV + 0.002 * normal()) * 1000) / 1000),
      socRatio: clamp(this.soc + this.bmsError, 0, 1),
    };
  }
}

const clamp = (value: number, low: number, high: number): number => Math.min(Math.max(value, low), high);
