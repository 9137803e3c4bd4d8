import { defineChemistry } from './chemistry.ts';
import type { Points } from './curve.ts';

// NMC against titanate: LibreSolar bms-firmware app/src/bms_common.c (commit 9ff895e1), after DOI 10.3390/batteries5010031.
// LMO against titanate: low-rate curve of a 2 Ah cell, NREL SAM BatteryStateful_LMOLTO.json, resampled. Both at 25 °C.

/** State of charge 0..1, V of one cell of the 2.3 V class (SCiB 20/23 Ah, Yinlong 66160). */
const LTO_NMC_OCV_V: Points = [
  [0, 2],
  [0.0093, 2.02],
  [0.0133, 2.028],
  [0.0141, 2.03],
  [0.026, 2.055],
  [0.05, 2.105],
  [0.1, 2.125],
  [0.15, 2.141],
  [0.2, 2.154],
  [0.25, 2.166],
  [0.3, 2.177],
  [0.35, 2.187],
  [0.4, 2.198],
  [0.45, 2.21],
  [0.5, 2.224],
  [0.55, 2.24],
  [0.6, 2.259],
  [0.65, 2.282],
  [0.7, 2.309],
  [0.75, 2.34],
  [0.8, 2.376],
  [0.85, 2.415],
  [0.9, 2.458],
  [0.95, 2.513],
  [1, 2.8],
];

/** State of charge 0..1, V of one cell of the 2.4 V class (SCiB 2.9 Ah). */
const LTO_LMO_OCV_V: Points = [
  [0, 1.1],
  [0.0093, 1.6169],
  [0.0133, 1.7917],
  [0.0141, 2.0384],
  [0.026, 2.245],
  [0.05, 2.2941],
  [0.1, 2.352],
  [0.15, 2.3787],
  [0.2, 2.399],
  [0.25, 2.4178],
  [0.3, 2.4362],
  [0.35, 2.4544],
  [0.4, 2.4714],
  [0.45, 2.4879],
  [0.5, 2.504],
  [0.55, 2.5198],
  [0.6, 2.5345],
  [0.65, 2.5483],
  [0.7, 2.5615],
  [0.75, 2.5741],
  [0.8, 2.5867],
  [0.85, 2.6],
  [0.9, 2.6146],
  [0.95, 2.6335],
  [1, 2.6644],
];

/**
 * Assumption, not a measured curve: 10 s figures of four data sheets give 0.022..0.030 ohm·Ah (SCiB 20 and 23 Ah,
 * Yinlong 30 and 40 Ah); the highest is taken for all states of charge.
 */
const LTO_RESISTANCE_OHM_AH: Points = [[0, 0.03]];

const ltoFacts = {
  id: 'lto',
  title: 'LTO (NMC)',
  nominalCellV: 2.3,
  ocvV: LTO_NMC_OCV_V,
  resistanceOhmAh: LTO_RESISTANCE_OHM_AH,
  limits: {
    // 2.7, 2.0 and 1.8 V: limits used on a real Yinlong pack; 2.8 and 2.85 V: LibreSolar bms-firmware.
    chargeV: 2.7,
    cutoffV: 2,
    bmsCutoffV: 1.8,
    overWarningV: 2.8,
    overProtectionV: 2.85,
    kneeV: 2.1,
    physicalMinV: 1,
    physicalMaxV: 3.2,
  },
  charge: { minC: -30, maxC: 55 },
  discharge: { minC: -30, maxC: 55 },
  capacityByC: [
    [-30, 0.7],
    [-20, 0.8],
    [0, 0.93],
    [25, 1],
  ],
  // May be charged cold, slower: the steps are an assumption.
  chargeCurrentByC: [
    [-30, 0],
    [-20, 0.25],
    [0, 0.5],
    [10, 1],
    [45, 1],
    [55, 0],
  ],
  trust: { curveSigmaV: 0.015, relaxationV: 0.02, relaxationS: 300, restS: 300 },
  unverified: [
    'resistance',
    'capacity by temperature',
    'charge current by temperature',
    'relaxation',
    'physical range',
  ],
} as const;

/** Lithium titanate against NMC, 2.3 V class: the usual large cells. */
export const lto = defineChemistry(ltoFacts);

/** Lithium titanate against LMO, 2.4 V class; the limits are those of the 2.3 V class. */
export const ltoLmo = defineChemistry({ ...ltoFacts, title: 'LTO (LMO)', nominalCellV: 2.4, ocvV: LTO_LMO_OCV_V });
