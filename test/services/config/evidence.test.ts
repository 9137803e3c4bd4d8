import { describe, expect, it } from 'vitest';
import { checkConfig } from '../../../services/config/load.ts';

const pack = {
  id: 'p1',
  driver: 'jbd',
  via: { serial: '/dev/ttyUSB0' },
  chemistry: 'lifepo4',
  cells: 16,
  capacityAh: 100,
};
const sdm = { id: 'm1', driver: 'sdm230', via: { modbusTcp: '10.0.0.9:502' } };

/** What is said of evidence for a rack whose one host draws so much. */
function said(powerW: number, more: object = {}): string[] {
  const checked = checkConfig(
    JSON.stringify({
      packs: [pack],
      meters: [sdm],
      switches: [{ id: 'sw1', driver: 'snmp', host: '10.0.0.2', community: { env: 'C' } }],
      hosts: [{ id: 'h1', poe: 'sw1/1', powerW }],
      shutdown: { stages: [{ name: 'all', hosts: ['h1'] }] },
      ...more,
    }),
  );
  const found = checked.ok ? checked.warnings : checked.problems;
  return found.filter(({ path }) => path === 'mains.evidence').map(({ message, tryThis }) => `${message} | ${tryThis}`);
}

describe('an outage that nobody would notice', () => {
  it('is warned of where the meter falls silent and the rack draws little', () => {
    expect(said(10)).toEqual([
      expect.stringMatching(/falls silent with it.*only 0\.2 A .*\| \{ pack: p1, dischargeAboveA: 0\.1 \}/),
    ]);
    expect(said(10, { meters: [] })).toEqual([expect.stringMatching(/^nothing but the packs/)]);
  });

  it('is none where the packs would say it, or somebody else', () => {
    expect(said(60)).toEqual([]);
    // Together they carry what each alone does not.
    const three = ['p1', 'p2', 'p3'].map((id) => ({ ...pack, id, via: { serial: `/dev/tty${id}` } }));
    expect(said(60, { packs: three })).toEqual([]);
    expect(said(60, { packs: three, mains: { evidence: [{ pack: 'p2', dischargeAboveA: 2 }] } })).toEqual([
      expect.stringMatching(/only 1\.4 A from them.*\{ pack: p2, dischargeAboveA: 0\.6 \}/),
    ]);
    expect(
      said(10, { meters: [{ ...sdm, driver: 'tasmota-http', via: { http: { url: 'http://10.0.0.9' } } }] }),
    ).toEqual([]);
    const evidence = [{ pack: 'p1', dischargeAboveA: 0.1 }, { meter: 'm1' }];
    expect(said(10, { mains: { evidence } })).toEqual([]);
    const nut = { nut: { host: '10.0.0.5', ups: 'apc' } };
    expect(said(10, { mains: { evidence: [{ pack: 'p1' }, nut] } })).toEqual([]);
  });
});
