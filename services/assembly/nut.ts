import type { NutConfig } from '../config/nut.ts';
import type { Config } from '../config/schema.ts';
import { readSecret } from '../config/secrets.ts';
import { type NutSecrets, type NutServer, nutServer } from '../nut/index.ts';
import type { Log } from '../runtime/log.ts';
import type { Desk, Snapshot } from '../shutdown/view.ts';
import { catalogue } from '../telemetry/catalogue.ts';
import { VERSION } from '../version.ts';

const rows = catalogue.filter(({ nut }) => nut !== undefined);

/** The catalogue's current values by NUT variable, in NUT's units. Where several devices have one, the first is taken. */
export function nutMeasurements(snapshot: Snapshot): Record<string, string> {
  const values: Record<string, string> = {};
  for (const { nut, read } of rows) {
    const [point] = read(snapshot);
    if (nut !== undefined && point !== undefined)
      values[nut.variable] ??= (point.value * nut.scale).toFixed(nut.digits);
  }
  return values;
}

const NAMES = { lifepo4: 'LiFePO4', lto: 'LTO' } as const;

/** The NUT server of a configuration, with its secrets read. */
export function openNutServer(config: Config, nut: NutConfig, desk: Pick<Desk, 'command'>, log: Log): NutServer {
  const { packs, ups, site, shutdown } = config;
  const chemistries = new Set(packs.map(({ chemistry }) => chemistry));
  const [chemistry] = chemistries;
  const sameVoltage = new Set(packs.map(({ cells }) => cells)).size === 1;
  return nutServer(nut, secretsOf(nut), {
    desk,
    facts: {
      batteryType: chemistries.size === 1 && chemistry !== undefined ? NAMES[chemistry] : undefined,
      capacityAh: sameVoltage ? packs.reduce((sum, { capacityAh }) => sum + capacityAh, 0) : undefined,
      nominalPowerW: nut.nominalPowerW ?? site.circuit.volts * site.circuit.breakerAmps * site.circuit.continuousRatio,
      packs: packs.length > 0 ? packs.length : ups.length,
    },
    site: site.name,
    version: VERSION,
    chargeLow: Math.round(shutdown.reserveRatio * 100),
    measured: nutMeasurements,
    log,
  });
}

function secretsOf({ users, tls }: NutConfig): NutSecrets {
  return {
    passwords: Object.fromEntries(users.map(({ user, password }) => [user, readSecret(password, `nut user ${user}`)])),
    ...(tls === undefined
      ? {}
      : { cert: readSecret({ file: tls.cert }, 'nut.tls.cert'), key: readSecret(tls.key, 'nut.tls.key') }),
  };
}
