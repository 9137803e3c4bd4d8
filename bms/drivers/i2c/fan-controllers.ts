import type { Chip } from './chip.ts';

/** EMC2101 and EMC2301: fan controllers. They are decoded for the bench; no pack is made of them. */

export const emc2101: Chip = {
  id: 'emc2101',
  title: 'EMC2101 fan controller',
  note: 'protocols/i2c-sensors.md, section 9',
  addresses: [0x4c],
  lengths: { 0: 1, 1: 1, 16: 1, 70: 1, 71: 1 },
  polled: [0x00, 0x01, 0x10, 0x46, 0x47],
  onesAreTrue: true,
  values(registers) {
    const low = registers.u(0x46);
    const count = registers.u(0x47) * 256 + low;
    const stalled = count >= 0xfffc;
    return {
      ...(registers.has(0x00) ? { internalTempC: registers.s(0x00) } : {}),
      // The high byte has the sign; of the low one three bits count.
      ...(registers.has(0x01) && registers.has(0x10)
        ? { externalTempC: registers.s(0x01) + (registers.u(0x10) & 0xe0) / 256 }
        : {}),
      ...(registers.has(0x46) && registers.has(0x47) && count > 0
        ? { rpm: stalled ? 0 : 5_400_000 / count, stalled }
        : {}),
    };
  },
};

export const emc2301: Chip = {
  id: 'emc2301',
  title: 'EMC2301, 2302, 2303, 2305 fan controllers, their first fan',
  note: 'protocols/i2c-sensors.md, section 9',
  addresses: [0x2f, 0x2e, 0x2d, 0x2c, 0x27, 0x4c, 0x4d],
  lengths: { 62: 2 },
  polled: [0x3e],
  values(registers, { polesFactor = 2 }) {
    const count = registers.u(0x3e) >> 3;
    return count === 0 ? {} : { rpm: (3_932_160 / count) * polesFactor };
  },
};
