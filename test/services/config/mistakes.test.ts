import { describe, expect, it } from 'vitest';
import { checkConfig } from '../../../services/config/load.ts';
import { check, sound, spoil } from './sound-config.ts';

/** Every kind of mistake: where it is, what is wrong, and what to try. */

const problemsOf = (config: unknown) => {
  const checked = check(config);
  return checked.ok ? checked.warnings : checked.problems;
};

it('has a sound configuration to spoil', () => {
  expect(check(sound())).toMatchObject({ ok: true, warnings: [] });
});

describe('an unknown key', () => {
  it.each([
    ['pakcs', 'packs'],
    ['site.nmae', 'name'],
    ['site.circuit.volt', 'volts'],
    ['packs[0].capactyAh', 'capacityAh'],
    ['meters[0].drver', 'driver'],
    ['switches[0].comunity', 'community'],
    ['switches[1].v3.autKey', 'authKey'],
    ['hosts[1].adress', 'address'],
    ['hosts[1].halt.ssh.hostkey', 'hostKey'],
    ['hosts[2].wake.wol.macs', 'mac'],
    ['shutdown.reserveRation', 'reserveRatio'],
    ['shutdown.stages[0].affter', 'after'],
    ['shutdown.restore.minSOC', 'minSoc'],
    ['shutdown.expect.drian', 'drain'],
    ['http.lissten', 'listen'],
    ['influx.buckett', 'bucket'],
    ['cluster.kubconfig', 'kubeconfig'],
    // Inside a choice of forms.
    ['packs[0].via.boud', 'baud'],
    ['mains.evidence[0].presentAbove', 'presentAboveV'],
    ['mqtt.embedded.prot', 'port'],
    ['mqtt.embedded.users[0].passwort', 'password'],
  ])('%s is named with the one that was meant', (path, meant) => {
    const problems = problemsOf(spoil(path, 1));
    expect(problems).toContainEqual({ severity: 'error', path, message: 'is not a known key', tryThis: meant });
  });

  it('far from everything known gets no suggestion', () => {
    const [problem] = problemsOf({ zzzzzzzzzzzzzzzz: 1 });
    expect(problem).toEqual({ severity: 'error', path: 'zzzzzzzzzzzzzzzz', message: 'is not a known key' });
  });
});

describe('a wrong value', () => {
  it.each([
    ['site.circuit.volts', 'many', /"many": expected number/],
    ['site.circuit.volts', 12, /12: .*>=80/],
    ['site.circuit.continuousRatio', 1.5, /1.5: .*<=1/],
    ['site.name', 'my rack', /"my rack": letters, digits and dashes/],
    ['packs[0].cells', 16.5, /16.5: expected int/],
    ['packs[0].cells', 0, /0: .*>=1/],
    ['packs[0].capacityAh', -1, /-1: .*>0/],
    ['packs[0].chemistry', 'lead', /"lead": .*lifepo4.*lto/],
    ['packs[0].capacityAh', undefined, /is missing/],
    ['packs[0].every', 'often', /"often": .*30s, 5m or 2h/],
    ['packs[0].every', '5 minutes', /30s, 5m or 2h/],
    ['packs[0].every', -1, /-1: .*>=0/],
    ['meters[0].via.unit', 300, /300: .*<=255/],
    ['switches[0].port', 70_000, /70000: .*<=65535/],
    ['switches[0].portWatts', 'lucent', /"lucent"/],
    ['hosts[1].poe', 'sw1-1', /"sw1-1": switch\/port, such as sw1\/7/],
    ['hosts[1].halt.ssh.hostKey', 'SHA256:short', /ssh-keygen/],
    ['hosts[2].wake.wol.mac', '02-00', /"02-00": a MAC address/],
    ['shutdown.margin', 0.5, /0.5: .*>=1/],
    ['shutdown.reserveRatio', 10, /10: .*<=1/],
    ['shutdown.stages[0].hosts', [], /\[\]: .*>=1/],
    ['shutdown.stages[0].belowSoc', 30, /30: .*<=1/],
    ['shutdown.stages[0].fasterThan', -1, /-1: .*>0/],
    ['shutdown.stages[0].between', '25:00-06:00', /"25:00-06:00": times of day such as 22:00-06:30/],
    ['site.timeZone', 'Mars/Olympus', /"Mars\/Olympus": a time zone such as Europe\/Berlin/],
    ['shutdown.restore.groupSize', 0, /0: .*>=1/],
    ['http.listen', '8470', /"8470": host:port/],
    ['http.listen', 8470, /8470: expected string/],
    ['influx.url', 'nowhere', /"nowhere": Invalid URL/],
  ])('%s: %j', (path, value, message) => {
    expect(problemsOf(spoil(path, value))).toEqual([
      expect.objectContaining({ severity: 'error', path, message: expect.stringMatching(message) }),
    ]);
  });

  it('is shown short', () => {
    const [problem] = problemsOf(spoil('hosts[1].poe', 'x'.repeat(500)));
    expect(problem?.message.length).toBeLessThan(120);
  });

  it('does not hide another one: all are told at once', () => {
    const config = { ...sound(), site: { name: 'a b' }, http: { listen: 'x' } };
    expect(problemsOf(config).map(({ path }) => path)).toEqual(['site.name', 'http.listen']);
  });
});

describe('a way to a device that is none', () => {
  it.each([
    [{}, 'packs[0].via'],
    [{ usb: '/dev/x' }, 'packs[0].via'],
    ['/dev/x', 'packs[0].via'],
    [{ modbusTcp: '10.0.0.9' }, 'packs[0].via.modbusTcp'],
    [{ serial: '/dev/x', baud: 1 }, 'packs[0].via.baud'],
  ])('%j is refused at its place', (via, path) => {
    const problems = problemsOf(spoil('packs[0].via', via));
    expect(problems).toHaveLength(1);
    expect(problems[0]?.path.startsWith(path)).toBe(true);
  });
});

describe('what only the whole can tell', () => {
  const withHost = (host: object) => ({ ...sound(), hosts: [...sound().hosts, host] });

  it.each([
    ['packs[1].id', spoil('packs[1].id', 'lfp1'), /lfp1 is used twice/],
    ['meters[1].id', { ...sound(), meters: [...sound().meters, ...sound().meters] }, /sdm1 is used twice/],
    ['switches[1].id', spoil('switches[1].id', 'sw1'), /sw1 is used twice/],
    ['hosts[2].id', { ...(spoil('hosts[2].id', 'pi1') as object), shutdown: {} }, /pi1 is used twice/],
    ['hosts[2].poe', spoil('hosts[2].poe', 'sw1/01'), /port sw1\/1 already feeds pi1/],
    [
      'shutdown.lastAct.packs[0]',
      spoil('shutdown.lastAct', { packs: ['lfp1'], thisMachineHasOtherPower: true }),
      /nothing may switch lfp1/,
    ],
    ['shutdown.lastAct.thisMachineHasOtherPower', spoil('shutdown.lastAct', { packs: ['lfp1'] }), /missing/],
    ['packs[1].cells', spoil('packs[1].cells', 15), /lfp2 is full at .* cannot share a bus/],
    ['mains.evidence[0]', spoil('mains.evidence[0]', { canary: 'nobody' }), /no host is called nobody/],
    ['mains.evidence[0]', spoil('mains.evidence[0]', { canary: 'router' }), /router has no address to ask/],
    ['shutdown.stages[1].name', spoil('shutdown.stages[1].name', 'workers'), /workers is used twice/],
    ['hosts[1].poe', spoil('hosts[1].poe', 'sw9/1'), /no switch is called sw9/],
    ['hosts[2].poe', spoil('hosts[2].poe', 'sw1/1'), /port sw1\/1 already feeds pi1/],
    ['mains.evidence[0]', spoil('mains.evidence[0]', { meter: 'x' }), /no meter is called x/],
    ['mains.evidence[1]', spoil('mains.evidence[1]', { pack: 'x' }), /no pack is called x/],
    ['shutdown.stages[0].hosts[0]', spoil('shutdown.stages[0].hosts[0]', 'pi7'), /no host is called pi7/],
    ['shutdown.stages[0].hosts[0]', spoil('hosts[2].protected', true), /pi2 is protected and can be in no stage/],
    [
      'shutdown.stages[1].hosts[0]',
      spoil('shutdown.stages[1].hosts', ['pi2', 'pi1']),
      /pi2 is in stage workers already/,
    ],
    ['hosts[1]', spoil('hosts[1]', { id: 'pi1' }), /pi1 can neither be halted nor cut/],
    ['hosts[1].halt.ssh', spoil('hosts[1].address', undefined), /pi1 has no address/],
    ['mqtt.embedded.listen', spoil('mqtt.embedded', { listen: '0.0.0.0' }), /a broker without users/],
    ['switches[0]', spoil('switches[0].community', undefined), /sw1 needs community: or v3:/],
  ])('%s: an error', (path, config, message) => {
    const checked = check(config);
    expect(checked.ok).toBe(false);
    expect(problemsOf(config)).toContainEqual(
      expect.objectContaining({ severity: 'error', path, message: expect.stringMatching(message) }),
    );
  });

  it('nothing that could ever tell that mains is away', () => {
    const config = { ...sound(), packs: [], meters: [], mains: {} };
    expect(problemsOf(config)).toContainEqual(expect.objectContaining({ severity: 'error', path: 'mains.evidence' }));
  });

  it('names what there is where a name leads nowhere', () => {
    const [problem] = problemsOf(spoil('hosts[1].poe', 'sw9/1'));
    expect(problem?.tryThis).toBe('sw1, sw2');
  });

  it.each([
    ['packs', { ...sound(), packs: [], mains: { evidence: [{ meter: 'sdm1' }] } }, /without a pack/],
    ['hosts[3]', withHost({ id: 'nas' }), /nas is in no stage/],
    ['hosts[1]', spoil('hosts[1].halt', undefined), /its port is cut while it runs/],
    ['hosts[1].poe', spoil('switches[0].protect', [1]), /sw1\/1 is protected/],
    ['hosts[1].node', spoil('cluster', undefined), /nothing is drained/],
    ['http.listen', spoil('http.listen', '0.0.0.0:8470'), /can be read by everybody/],
  ])('%s: a warning that lets it start', (path, config, message) => {
    const checked = check(config);
    expect(checked.ok).toBe(true);
    expect(problemsOf(config)).toContainEqual(
      expect.objectContaining({ severity: 'warning', path, message: expect.stringMatching(message) }),
    );
  });

  it.each(['127.0.0.1:1', 'localhost:1', '[::1]:1'])('%s is not open to others', (listen) => {
    expect(check(spoil('http.listen', listen))).toMatchObject({ ok: true, warnings: [] });
  });

  it('a page for others is fine when reading needs a token', () => {
    const http = { ...sound().http, listen: '0.0.0.0:8470', readToken: true };
    expect(check({ ...sound(), http })).toMatchObject({ ok: true, warnings: [] });
  });
});

describe('a text that is not a configuration', () => {
  const only = (text: string) => {
    const checked = checkConfig(text);
    if (checked.ok) throw new Error('it is taken');
    expect(checked.problems).toHaveLength(1);
    return checked.problems[0];
  };

  it.each([
    ['tabs', 'http:\n\tlisten: x', 'line 2, column 1'],
    ['the same key twice', 'http: {}\nhttp: {}', 'line 2, column 1'],
    ['two documents', 'site: {}\n---\nsite: {}', 'line 2, column 1'],
    ['an open quote', 'site: { name: "x }', 'line 1, column 19'],
  ])('is told with its place: %s', (_, text, path) => {
    expect(only(text)).toMatchObject({ severity: 'error', path, tryThis: 'valid YAML' });
  });

  it.each([
    ['a number', '5'],
    ['a list', '[1]'],
    ['a word', 'hello'],
  ])('is told as a whole: %s', (_, text) => {
    expect(only(text)).toMatchObject({ path: '', message: expect.stringMatching(/expected object/) });
  });

  it.each(['', '\n', '# nothing\n', 'null'])('that is empty (%j) is a rack with nothing in it', (text) => {
    expect(checkConfig(text)).toMatchObject({ ok: true, config: { packs: [], hosts: [] } });
  });

  it.each(['__proto__: { a: 1 }', 'constructor: 1', '{ toString: { a: 1 } }'])('is not fooled by %s', (text) => {
    expect(only(text)).toMatchObject({ message: 'is not a known key' });
  });

  // Found a fault: the yaml library throws from toJS(), and what it throws is shown as it is.
  it('is told, not thrown: an alias of nothing, a circle, a bomb of aliases', () => {
    const lines = ['a: &a [x, x, x, x, x, x, x, x, x]'];
    for (let depth = 1; depth < 9; depth += 1) {
      const [name, before] = [String.fromCharCode(97 + depth), String.fromCharCode(96 + depth)];
      lines.push(`${name}: &${name} [${Array(9).fill(`*${before}`).join(', ')}]`);
    }
    for (const text of ['site: *nowhere', lines.join('\n')]) expect(() => checkConfig(text)).not.toThrow();
  });
});

describe('what is found too late today', () => {
  it('a port beyond 65535', () => {
    expect(check(spoil('http.listen', '127.0.0.1:99999')).ok).toBe(false);
  });

  it('an interval of nothing, which would poll without a pause', () => {
    expect(check(spoil('packs[0].every', 0)).ok).toBe(false);
  });

  it('a driver nobody has', () => {
    expect(check(spoil('packs[0].driver', 'jdb')).ok).toBe(false);
  });

  it('a protected port that names its switch, and so protects nothing', () => {
    expect(check(spoil('switches[0].protect', ['sw1/23'])).ok).toBe(false);
  });

  it('a mistake in one form of mqtt is not taken for the other form', () => {
    const problems = problemsOf(spoil('mqtt.embedded.port', 'x'));
    expect(problems.map(({ path }) => path)).toEqual(['mqtt.embedded.port']);
  });
});
