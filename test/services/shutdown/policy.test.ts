import { describe, expect, it } from 'vitest';
import { checkConfig } from '../../../services/config/load.ts';
import { type Policy, policyOf } from '../../../services/shutdown/policy.ts';

const SSH = '{ ssh: { user: u, key: { env: K }, hostKey: "SHA256:0000000000000000000000000000000000000000000" } }';

function policyFrom(more: string, cluster = 'cluster: { kubeconfig: /k }'): Policy {
  const text = `
packs: [ { id: p, driver: jbd, via: { serial: /x }, chemistry: lifepo4, cells: 16, capacityAh: 100 } ]
switches: [ { id: sw1, driver: snmp, host: h, community: { env: C }, protect: [9, "2.7"] } ]
${cluster}
${more}`;
  const checked = checkConfig(text);
  if (!checked.ok) throw new Error(JSON.stringify(checked.problems));
  return policyOf(checked.config);
}

describe('the policy of hosts', () => {
  const hosts = (...lines: string[]): Policy['hosts'] =>
    policyFrom(`hosts:\n${lines.map((line) => `  - ${line}`).join('\n')}`).hosts;

  it('may cut a port that nothing protects', () => {
    expect(hosts('{ id: a, poe: sw1/3 }').a).toMatchObject({ switchId: 'sw1', port: '3', cuttable: true });
  });

  it('never cuts: no port, a protected port, a protected host', () => {
    const all = hosts(
      '{ id: a }',
      '{ id: b, poe: sw1/9 }',
      '{ id: c, poe: sw1/2.7 }',
      '{ id: d, poe: sw1/4, protected: true }',
    );
    expect(Object.values(all).map(({ cuttable }) => cuttable)).toEqual([false, false, false, false]);
    expect(all.d?.protected).toBe(true);
  });

  it('does not wait for a host that nothing can halt', () => {
    const all = hosts(
      '{ id: a, poe: sw1/3, haltTimeout: 70s }',
      `{ id: b, address: h, halt: ${SSH}, haltTimeout: 70s }`,
    );
    expect(all.a).toMatchObject({ canHalt: false, haltTimeoutS: 0 });
    expect(all.b).toMatchObject({ canHalt: true, haltTimeoutS: 70 });
  });

  it('knows no node where there is no cluster', () => {
    expect(hosts('{ id: a, node: n }').a?.node).toBe('n');
    const bare = policyFrom('hosts: [ { id: a, node: n } ]', '');
    expect(bare.hosts.a?.node).toBeUndefined();
    expect(bare.hasCluster).toBe(false);
  });

  it('reads every figure', () => {
    const wake = '{ wol: { mac: "02:00:00:00:00:01" } }';
    const line = `{ id: a, powerW: 12, haltedBelowW: 3, bootTimeout: 4m, offAfterSilence: 7s, wake: ${wake} }`;
    expect(hosts(line).a).toEqual({
      id: 'a',
      cuttable: false,
      canHalt: false,
      canWake: true,
      protected: false,
      powerW: 12,
      haltedBelowW: 3,
      haltTimeoutS: 0,
      bootTimeoutS: 240,
      offAfterSilenceS: 7,
    });
  });
});

describe('the policy of stages', () => {
  const stages = (text: string): Policy['stages'] =>
    policyFrom(`hosts: [ { id: a, poe: sw1/1 }, { id: b, poe: sw1/2 }, { id: c, poe: sw1/3 } ]
shutdown:
  stages:
${text}`).stages;

  it('keeps their order and their members', () => {
    const policy = policyFrom(`hosts: [ { id: a, poe: sw1/1 }, { id: b, poe: sw1/2 } ]
shutdown: { stages: [ { name: one, hosts: [b] }, { name: two, hosts: [a] } ] }`);
    expect(policy.stages.map(({ name, hosts }) => [name, hosts])).toEqual([
      ['one', ['b']],
      ['two', ['a']],
    ]);
    expect(policy.hosts.a?.stage).toBe('two');
  });

  it('makes a trigger of a later stage one of all before it, the earliest of all', () => {
    const [one, two, three] = stages(`    - { name: one, hosts: [a], after: 20m, belowSoc: 0.3 }
    - { name: two, hosts: [b], after: 10m, belowRuntime: 30m, belowSoc: 0.5 }
    - { name: three, hosts: [c], belowRuntime: 40m }`);
    expect(one).toMatchObject({ afterS: 600, belowSoc: 0.5, belowRuntimeS: 2400 });
    expect(two).toMatchObject({ afterS: 600, belowSoc: 0.5, belowRuntimeS: 2400 });
    expect(three).toMatchObject({ belowRuntimeS: 2400 });
    expect(three).not.toHaveProperty('afterS');
    expect(three).not.toHaveProperty('belowSoc');
  });

  it('does not make a trigger of an earlier stage one of a later', () => {
    const [, two] = stages('    - { name: one, hosts: [a], after: 5m }\n    - { name: two, hosts: [b, c] }');
    expect(two).not.toHaveProperty('afterS');
  });
});

describe('the policy of the whole', () => {
  it('has the figures of the configuration in its units', () => {
    const policy = policyFrom(`site: { circuit: { volts: 230, breakerAmps: 10, continuousRatio: 0.5 } }
shutdown:
  reserveRatio: 0.2
  margin: 2
  expect: { cordon: 1s, drain: 2m, halt: 3s, cut: 4s }
  restore: { stableFor: 5m, minSoc: 0.4, groupSize: 3, groupEvery: 6s, offTime: 7s }`);
    expect(policy).toMatchObject({
      reserveRatio: 0.2,
      margin: 2,
      expectS: { cordon: 1, drain: 120, halt: 3, cut: 4 },
      restore: {
        stableForS: 300,
        minSoc: 0.4,
        groupSize: 3,
        groupEveryS: 6,
        offTimeS: 7,
        uncordonShare: 0.6,
        uncordonPatienceS: 300,
      },
      circuitLimitA: 5,
      circuitVolts: 230,
      hasCluster: true,
    });
  });
});
