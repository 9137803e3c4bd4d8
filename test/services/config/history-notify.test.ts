import { describe, expect, it } from 'vitest';
import { checkConfig } from '../../../services/config/load.ts';

const check = (config: object) => checkConfig(JSON.stringify(config));

const problemsOf = (config: object): string[] => {
  const checked = check(config);
  const all = checked.ok ? checked.warnings : checked.problems;
  return all.map(({ severity, path, message }) => `${severity} ${path}: ${message}`);
};

describe('history and price of energy', () => {
  it('are there by default, small, and can be switched off', () => {
    const checked = check({});
    if (!checked.ok) throw new Error('not sound');
    expect(checked.config.history).toEqual({
      enabled: true,
      every: 10,
      keepDays: { samples: 2, minutes: 14, quarters: 366 },
      maxMb: 128,
    });
    expect(checked.config.site).not.toHaveProperty('energyPrice');
    expect(problemsOf({ history: { enabled: false } })).toEqual([]);
  });

  it('take a tariff by hours', () => {
    const checked = check({
      site: { energyPrice: { perKwh: 0.31, hours: [{ from: '22:00', to: '06:00', perKwh: 0.2 }] } },
    });
    if (!checked.ok) throw new Error('not sound');
    expect(checked.config.site.energyPrice).toEqual({
      perKwh: 0.31,
      currency: 'EUR',
      hours: [{ from: '22:00', to: '06:00', days: 'every-day', perKwh: 0.2 }],
    });
  });

  it.each([
    { history: { maxMb: 0 } },
    { history: { keepDays: { samples: -1 } } },
    { history: { every: '1ms' } },
    { site: { energyPrice: { perKwh: -1 } } },
    { site: { energyPrice: { perKwh: 1, currency: 'euro' } } },
    { site: { energyPrice: { perKwh: 1, hours: [{ from: '25:00', to: '06:00', perKwh: 1 }] } } },
  ])('refuse %j', (config) => expect(check(config).ok).toBe(false));
});

describe('notify', () => {
  const mail = (more: object = {}) => ({
    id: 'mail',
    email: { server: 'mx.example.org:587', from: 'a@example.org', to: ['b@example.org'], ...more },
  });

  it('says what only the whole can tell', () => {
    expect(problemsOf({ notify: { channels: [mail(), mail()] } })).toEqual([
      'error notify.channels[1].id: mail is used twice',
    ]);
    expect(problemsOf({ notify: { channels: [mail({ user: 'u' })] } })[0]).toContain(
      'needs user: and password:, or neither',
    );
    expect(
      problemsOf({ notify: { channels: [mail({ tls: 'none', user: 'u', password: { env: 'P' } })] } })[0],
    ).toContain('in the clear, its password too');
    expect(problemsOf({ notify: { channels: [mail({ tls: 'none', server: '127.0.0.1:25' })] } })).toEqual([]);
    expect(
      problemsOf({ history: { enabled: false }, notify: { channels: [mail()], reports: { every: ['day'] } } })[0],
    ).toContain('history, which is off');
    expect(problemsOf({ notify: { reports: { every: ['week'] } } })[0]).toContain('nobody gets the reports');
  });

  it('wants secrets from elsewhere', () => {
    expect(check({ notify: { channels: [mail({ user: 'u', password: 'geheim' })] } }).ok).toBe(false);
    expect(
      check({ notify: { channels: [{ id: 's', slack: { webhook: 'https://hooks.slack.com/services/x' } }] } }).ok,
    ).toBe(false);
  });
});
