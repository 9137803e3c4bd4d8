import { type MappingDriver, mappingDriver, mappingFor, type Sample } from '#bms';
import { type HttpInput, type InputDevice, type MqttInput, parametersOf, staleAfterOf } from '../config/inputs.ts';
import { readSecret } from '../config/secrets.ts';
import type { Clock } from '../runtime/clock.ts';
import { messageOf, UserError } from '../runtime/errors.ts';
import { targetOf } from '../runtime/mqtt-connection.ts';
import type { Source } from '../runtime/poller.ts';
import { WebLink } from '../runtime/web-link.ts';
import { Broker } from './broker.ts';
import { httpSource } from './http-source.ts';
import { mqttSource } from './mqtt-source.ts';

/** Everything that is read out of what others publish: one connection to each broker, and one to each web device. */
export class Inputs {
  readonly #own: readonly MappingDriver[];
  readonly #brokers = new Map<string, Broker>();
  readonly #links = new Set<WebLink>();

  /** @param own mappings of the user */
  constructor(own: readonly MappingDriver[] = []) {
    this.#own = own;
  }

  /** @throws UserError when there is no such mapping, it measures something else, or a secret is missing */
  source(kind: Sample['kind'], device: InputDevice, clock: Clock, wire: Clock): Source<Sample> {
    const where = `${kind} ${device.id}`;
    const known = mappingFor(device.driver, this.#own);
    const driver = known === undefined ? undefined : withAvailability(known, device.via);
    if (driver === undefined) throw new UserError(`${where}: no mapping is called ${device.driver}`, 'docs/inputs.md');
    if (driver.measures !== kind) throw new UserError(`${where}: ${device.driver} tells of a ${driver.measures}`);
    const { id, invertCurrent, via } = device;
    const common = {
      id,
      driver,
      bound: bound(driver, device, where),
      everyMs: device.every * 1000,
      staleAfterMs: staleAfterOf(device, driver) * 1000,
      invertCurrent,
      clock,
      wire,
    };
    if ('mqtt' in via)
      return mqttSource(this.#broker(via.mqtt, where, wire), { ...common, heartbeat: via.mqtt.heartbeat });
    const { headers, password } = httpSecrets(via.http, where);
    const { ca } = via.http.tls;
    const link = new WebLink(
      driver.id,
      via.http,
      ca === undefined ? undefined : readSecret({ file: ca }, `${where}: tls.ca`),
    );
    this.#links.add(link);
    const account =
      via.http.user === undefined
        ? {}
        : { authorization: `Basic ${Buffer.from(`${via.http.user}:${password ?? ''}`).toString('base64')}` };
    const secrets = [...Object.values(headers), ...(password === undefined ? [] : [password])];
    return httpSource(link, { ...common, headers: { ...headers, ...account }, secrets });
  }

  async close(): Promise<void> {
    await Promise.all([...this.#brokers.values(), ...this.#links].map((each) => each.close()));
    this.#brokers.clear();
    this.#links.clear();
  }

  /** One connection for all that name the same broker in the same way. */
  #broker(config: MqttInput, where: string, wire: Clock): Broker {
    const { url, user, password, tls } = config;
    const key = JSON.stringify([url, user, password, tls]);
    const known = this.#brokers.get(key);
    if (known !== undefined) return known;
    const secrets = {
      ...(password === undefined ? {} : { password: readSecret(password, `${where}: via.mqtt.password`) }),
      ...(tls?.key === undefined ? {} : { tlsKey: readSecret(tls.key, `${where}: via.mqtt.tls.key`) }),
    };
    const broker = new Broker(() => targetOf({ url, user, tls }, secrets), wire);
    this.#brokers.set(key, broker);
    return broker;
  }
}

/** The mapping with the topic of availability that the configuration names. */
function withAvailability(driver: MappingDriver, via: InputDevice['via']): MappingDriver {
  const named = 'mqtt' in via ? via.mqtt.availability : undefined;
  if (named === undefined) return driver;
  const { mapping } = driver;
  return mappingDriver({ ...mapping, availability: [...mapping.availability, named] });
}

function bound(driver: MappingDriver, device: InputDevice, where: string): ReturnType<MappingDriver['bind']> {
  try {
    return driver.bind(parametersOf(device), device.cells);
  } catch (error) {
    throw new UserError(`${where}: ${messageOf(error)}`, 'docs/inputs.md tells what each mapping needs');
  }
}

function httpSecrets(
  { headers, password }: HttpInput,
  where: string,
): { headers: Record<string, string>; password?: string } {
  return {
    headers: Object.fromEntries(
      Object.entries(headers).map(([name, each]) => [name, readSecret(each, `${where}: via.http.headers.${name}`)]),
    ),
    ...(password === undefined ? {} : { password: readSecret(password, `${where}: via.http.password`) }),
  };
}
