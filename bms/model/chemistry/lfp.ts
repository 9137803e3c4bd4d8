import { defineChemistry } from './chemistry.ts';
import type { Points } from './curve.ts';

// Open-circuit voltage and hysteresis: measured on a Sony/Murata US26650FTC1 3 Ah cell at 25 °C, tum-ees/simses
// CLFP_Sony_US26650_OCV.csv and _HystV.csv (commit 2769f809), thinned. Resistance: CLFP_Sony_US26650_Rint.csv of the same
// commit, 25 °C discharge column, multiplied by 3 Ah; divide by the cell's Ah.

/** State of charge 0..1, V of one cell: mean of charge and discharge. */
const LFP_OCV_V: Points = [
  [0, 2.2862],
  [0.005, 2.6835],
  [0.01, 2.7833],
  [0.015, 2.847],
  [0.02, 2.8952],
  [0.025, 2.9344],
  [0.03, 2.9673],
  [0.035, 2.9961],
  [0.04, 3.0213],
  [0.05, 3.0647],
  [0.06, 3.1008],
  [0.07, 3.1317],
  [0.08, 3.1583],
  [0.09, 3.181],
  [0.1, 3.1967],
  [0.125, 3.2068],
  [0.15, 3.212],
  [0.2, 3.2343],
  [0.25, 3.2547],
  [0.3, 3.2703],
  [0.35, 3.2826],
  [0.4, 3.2921],
  [0.45, 3.2973],
  [0.5, 3.2995],
  [0.55, 3.3014],
  [0.6, 3.3035],
  [0.65, 3.3063],
  [0.7, 3.3108],
  [0.75, 3.3185],
  [0.8, 3.3345],
  [0.85, 3.3403],
  [0.9, 3.3425],
  [0.95, 3.3447],
  [0.96, 3.3453],
  [0.97, 3.3463],
  [0.98, 3.3487],
  [0.985, 3.3522],
  [0.99, 3.3618],
  [0.995, 3.3963],
  [1, 3.5305],
];

/** State of charge 0..1, V to add after a charge and to take off after a discharge. */
const LFP_HYSTERESIS_V: Points = [
  [0, 0.03],
  [0.005, 0.03],
  [0.01, 0.03],
  [0.015, 0.03],
  [0.02, 0.03],
  [0.025, 0.03],
  [0.03, 0.03],
  [0.035, 0.03],
  [0.04, 0.03],
  [0.05, 0.0287],
  [0.06, 0.0274],
  [0.07, 0.0263],
  [0.08, 0.0253],
  [0.09, 0.0246],
  [0.1, 0.0251],
  [0.125, 0.0235],
  [0.15, 0.0242],
  [0.2, 0.0249],
  [0.25, 0.0277],
  [0.3, 0.0288],
  [0.35, 0.0284],
  [0.4, 0.0226],
  [0.45, 0.0194],
  [0.5, 0.0187],
  [0.55, 0.0187],
  [0.6, 0.0191],
  [0.65, 0.0197],
  [0.7, 0.0209],
  [0.75, 0.0225],
  [0.8, 0.0194],
  [0.85, 0.0172],
  [0.9, 0.0171],
  [0.95, 0.0185],
  [0.96, 0.0192],
  [0.97, 0.0203],
  [0.98, 0.0219],
  [0.985, 0.0222],
  [0.99, 0.0225],
  [0.995, 0.0263],
  [1, 0.03],
];

/** State of charge 0..1, ohm·Ah while discharging at 25 °C. */
const LFP_RESISTANCE_OHM_AH: Points = [
  [0, 0.1851],
  [0.1, 0.1851],
  [0.2, 0.1511],
  [0.3, 0.1465],
  [0.4, 0.1553],
  [0.5, 0.1435],
  [0.6, 0.1328],
  [0.7, 0.1254],
  [0.8, 0.1397],
  [0.9, 0.1276],
  [1, 0.1276],
];

/** Lithium iron phosphate against graphite, 3.2 V class. */
export const lfp = defineChemistry({
  id: 'lifepo4',
  title: 'LiFePO4',
  nominalCellV: 3.2,
  ocvV: LFP_OCV_V,
  hysteresisV: LFP_HYSTERESIS_V,
  resistanceOhmAh: LFP_RESISTANCE_OHM_AH,
  limits: {
    // 3.45 and 2.9 V: defaults of dbus-serialbattery; 2.5 and 3.80 V: LibreSolar bms-firmware; 3.65 V: cell data sheets.
    chargeV: 3.45,
    cutoffV: 2.9,
    bmsCutoffV: 2.5,
    overWarningV: 3.65,
    overProtectionV: 3.8,
    kneeV: 3.12,
    physicalMinV: 1.5,
    physicalMaxV: 4.2,
  },
  // Plating: never charged at or below 0 °C.
  charge: { minC: 0, maxC: 55 },
  discharge: { minC: -20, maxC: 60 },
  // Victron LFP-Smart, the cautious one of the published tables.
  capacityByC: [
    [-20, 0.5],
    [0, 0.8],
    [25, 1],
  ],
  // dbus-serialbattery defaults.
  chargeCurrentByC: [
    [0, 0],
    [2, 0.25],
    [5, 0.5],
    [10, 1],
    [40, 1],
    [45, 0.5],
    [50, 0.25],
    [55, 0],
  ],
  // Two published curves differ by 5..35 mV on the plateau, which is why 15 mV and not the meter's 3 mV.
  trust: { curveSigmaV: 0.015, relaxationV: 0.03, relaxationS: 900, restS: 900 },
  unverified: ['relaxation', 'physical range'],
});
