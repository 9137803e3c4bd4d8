import type { Points } from '#bms/model';

// Tables that only the planner compares with; the default curves live in bms/model/chemistry.

/** State of charge 0..1, V of one cell: PyBaMM 23.2, Prada2013 values of v24.1, C/200. */
export const PRADA2013_OCV_V: Points = [
  [0, 2.0017],
  [0.05, 2.7852],
  [0.1, 2.978],
  [0.15, 3.1078],
  [0.2, 3.1684],
  [0.25, 3.1857],
  [0.3, 3.2057],
  [0.35, 3.2322],
  [0.4, 3.2524],
  [0.45, 3.2621],
  [0.5, 3.266],
  [0.55, 3.2678],
  [0.6, 3.2688],
  [0.65, 3.27],
  [0.7, 3.2739],
  [0.75, 3.2923],
  [0.8, 3.3096],
  [0.85, 3.3132],
  [0.9, 3.3142],
  [0.95, 3.3164],
  [1, 3.5986],
];

/** State of charge 0..1, ohm·Ah while discharging at 10 °C: Sony/Murata US26650FTC1, tum-ees/simses CLFP_Sony_US26650_Rint.csv (commit 2769f809) times 3 Ah. */
export const LFP_10C_OHM_AH: Points = [
  [0, 0.5849],
  [0.1, 0.5849],
  [0.2, 0.2423],
  [0.3, 0.2252],
  [0.4, 0.2244],
  [0.5, 0.2082],
  [0.6, 0.1954],
  [0.7, 0.1845],
  [0.8, 0.1945],
  [0.9, 0.1843],
  [1, 0.1843],
];

/** The same at 40 °C. */
export const LFP_40C_OHM_AH: Points = [
  [0, 0.1323],
  [0.1, 0.1323],
  [0.2, 0.1153],
  [0.3, 0.1126],
  [0.4, 0.1201],
  [0.5, 0.1151],
  [0.6, 0.1054],
  [0.7, 0.0987],
  [0.8, 0.1132],
  [0.9, 0.1019],
  [1, 0.1019],
];

/** State of charge 0..1, ohm·Ah while charging at 10 °C; the charge columns of the same table. */
export const LFP_CHARGE_10C_OHM_AH: Points = [
  [0, 0.1607],
  [0.1, 0.1607],
  [0.2, 0.1777],
  [0.3, 0.1754],
  [0.4, 0.1778],
  [0.5, 0.1879],
  [0.6, 0.2026],
  [0.7, 0.2124],
  [0.8, 0.2076],
  [0.9, 0.242],
  [1, 0.242],
];

/** The same at 25 °C. */
export const LFP_CHARGE_25C_OHM_AH: Points = [
  [0, 0.1128],
  [0.1, 0.1128],
  [0.2, 0.1242],
  [0.3, 0.1242],
  [0.4, 0.1253],
  [0.5, 0.1343],
  [0.6, 0.1431],
  [0.7, 0.1494],
  [0.8, 0.1404],
  [0.9, 0.1603],
  [1, 0.1603],
];

/** The same at 40 °C. */
export const LFP_CHARGE_40C_OHM_AH: Points = [
  [0, 0.0914],
  [0.1, 0.0914],
  [0.2, 0.0993],
  [0.3, 0.0994],
  [0.4, 0.0979],
  [0.5, 0.1057],
  [0.6, 0.113],
  [0.7, 0.1168],
  [0.8, 0.1067],
  [0.9, 0.1199],
  [1, 0.1199],
];
