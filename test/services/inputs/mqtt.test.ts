import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { z } from 'zod';
import type { Sample } from '../../../bms/index.ts';
import { viaMqtt } from '../../../services/config/inputs.ts';
import { Inputs } from '../../../services/inputs/index.ts';
import { systemClock } from '../../../services/runtime/clock.ts';
import type { Source } from '../../../services/runtime/poller.ts';
import { peer } from '../../peers.ts';
import { asHoldover, mosquitto, mosquittoSub, passwordBroker, subscribe } from '../telemetry/mosquitto.ts';
import { until, Workshop } from '../telemetry/peers.ts';
import { openssl, tlsMaterial } from '../telemetry/tls-material.ts';

const mosquittoPub = peer('mosquitto_pub');
const absent = [mosquitto, mosquittoSub, mosquittoPub, openssl].some(({ skip }) => skip);

const workshop = new Workshop();
const open: Inputs[] = [];
const never = new AbortController().signal;

afterEach(async () => {
  for (const inputs of open.splice(0)) await inputs.close();
  await workshop.clean();
});

function inputsOf(): Inputs {
  const inputs = new Inputs();
  open.push(inputs);
  return inputs;
}

type Device = Parameters<Inputs['source']>[1];

/** A pack with four cells behind a broker, as the configuration would give it. */
function device(port: number, driver: string, mqtt: object, more: object = {}): Device {
  const folder = workshop.folder();
  writeFileSync(join(folder, 'password'), 'right\n');
  const account = { user: 'holdover', password: { file: join(folder, 'password') } };
  const via = viaMqtt.parse({ mqtt: { url: `mqtt://127.0.0.1:${port}`, ...account, ...mqtt } });
  return { id: 'p1', driver, via, every: 0.1, cells: 4, ...more };
}

const source = (inputs: Inputs, of: Device): Source<Sample> => inputs.source('pack', of, systemClock, systemClock);

function publish(port: number, topic: string, text: string, ...more: readonly string[]): void {
  execFileSync(mosquittoPub.path, ['-p', String(port), ...asHoldover, '-t', topic, '-m', text, '-q', '1', ...more]);
}

/** What polling comes to: a sample, or why there is none. */
const polled = (of: Source<Sample>): Promise<Sample | { code: string; message: string; endsFreshness: boolean }> =>
  of.poll(never).catch((error) => error);

const all = ['topic readwrite #'];

describe.skipIf(absent)(`devices behind ${mosquitto.title}`, () => {
  it('takes what comes live, and not what the broker had kept', async () => {
    const broker = await passwordBroker(workshop, all);
    await broker.start();
    publish(broker.port, 'shed', '{"voltage":13.9,"soc":99}', '-r');
    const pack = source(inputsOf(), device(broker.port, 'serialbattery-json', { topic: 'shed' }));
    const first = polled(pack);
    await until('a live message is taken', async () => {
      publish(broker.port, 'shed', '{"voltage":13.2,"current":-2,"soc":80}');
      return Promise.race([first.then(() => true), new Promise((resolve) => setTimeout(resolve, 100, false))]);
    });
    expect(await first).toMatchObject({ kind: 'pack', voltageV: 13.2, currentA: -2, socRatio: 0.8 });
  });

  it('is stale at once when the last will comes', async () => {
    const broker = await passwordBroker(workshop, all);
    await broker.start();
    const port = broker.port;
    const will = ['--will-topic', 'n/status', '--will-payload', 'offline', '--will-qos', '1'];
    const publisher = subscribe(workshop, port, 'n/nothing', ...asHoldover, ...will);
    const pack = source(inputsOf(), device(port, 'esphome', { topic: 'n' }));
    const heard = polled(pack);
    await until('a reading is taken', async () => {
      publish(port, 'n/sensor/jbd_bms_total_voltage/state', '13.2');
      publish(port, 'n/sensor/jbd_bms_current/state', '1');
      return Promise.race([heard.then(() => true), new Promise((resolve) => setTimeout(resolve, 100, false))]);
    });
    const asked = until('it is away', async () => {
      const said = await polled(pack);
      return 'code' in said && said.code === 'offline' ? said : undefined;
    });
    await publisher.stop('SIGKILL');
    expect(await asked).toMatchObject({ code: 'offline', endsFreshness: true });
  });

  it('shares one connection between devices, asks the publisher to go on, and comes back after the broker', async () => {
    const broker = await passwordBroker(workshop, all);
    const running = await broker.start();
    const { port } = broker;
    const keepAlives = subscribe(workshop, port, 'R/#', ...asHoldover);
    await until('somebody listens for requests', () => {
      publish(port, 'R/test', 'hello');
      return keepAlives.output().includes('hello');
    });
    const inputs = inputsOf();
    const mqtt = device(port, 'venus-battery', { parameters: { portal: 'c0', instance: 5 } }).via;
    const of = (instance: number): Source<Sample> => {
      const parameters = { portal: 'c0', instance };
      const via = { mqtt: { ...(mqtt as { mqtt: object }).mqtt, parameters } } as unknown as z.infer<typeof viaMqtt>;
      return source(inputs, { id: `p${instance}`, driver: 'venus-battery', via, every: 0.1, cells: 4 });
    };
    const packs = [of(5), of(6)];
    const samples = Promise.all(packs.map(polled));
    const tell = () => {
      for (const instance of [5, 6]) {
        publish(port, `N/c0/battery/${instance}/Dc/0/Voltage`, `{"value":5${instance}.5}`);
        publish(port, `N/c0/battery/${instance}/Dc/0/Current`, '{"value":-1}');
      }
    };
    await until('the publisher is asked', () => keepAlives.output().includes('R/c0/keepalive'));
    tell();
    expect(await samples).toMatchObject([{ voltageV: 55.5 }, { voltageV: 56.5 }]);
    expect(running.output().match(/New client connected[^\n]*holdover-in-/g)).toHaveLength(1);

    await running.stop();
    const lost = await until('it is noticed', async () => {
      const said = await polled(packs[0] as Source<Sample>);
      return 'code' in said ? said : undefined;
    });
    expect(lost).toMatchObject({ code: 'disconnected', endsFreshness: false });
    expect(lost.message).not.toContain('right');
    await broker.start();
    await until('it is heard again', async () => {
      tell();
      const said = await polled(packs[0] as Source<Sample>);
      return !('code' in said);
    });
  });

  it('says why a broker turns it down, without the password', async () => {
    const broker = await passwordBroker(workshop, all);
    await broker.start();
    const folder = workshop.folder();
    writeFileSync(join(folder, 'wrong'), 'sesame-open\n');
    const pack = source(
      inputsOf(),
      device(broker.port, 'batmon-ha', { topic: 'b', password: { file: join(folder, 'wrong') } }, { staleAfter: 60 }),
    );
    const said = await polled(pack);
    expect(said).toMatchObject({ code: 'disconnected', message: expect.stringMatching(/not authorized|Bad User/i) });
    expect(JSON.stringify(said) + String(said)).not.toContain('sesame');
  });

  it('trusts a broker by its authority only', async () => {
    const { ca, server } = tlsMaterial(workshop);
    const broker = await passwordBroker(workshop, all, [
      `cafile ${ca}`,
      `certfile ${server.cert}`,
      `keyfile ${server.key}`,
    ]);
    await broker.start();
    const url = `mqtts://localhost:${broker.port}`;
    const stranger = source(inputsOf(), device(0, 'serialbattery-json', { url, topic: 'shed' }));
    expect(await polled(stranger)).toMatchObject({
      code: 'disconnected',
      message: expect.stringMatching(/certificate/),
    });
    const known = polled(source(inputsOf(), device(0, 'serialbattery-json', { url, topic: 'shed', tls: { ca } })));
    const tls = ['-h', 'localhost', '--cafile', ca];
    await until('a message is taken', async () => {
      publish(broker.port, 'shed', '{"voltage":13.2}', ...tls);
      return Promise.race([known.then(() => true), new Promise((resolve) => setTimeout(resolve, 100, false))]);
    });
    expect(await known).toMatchObject({ voltageV: 13.2 });
  });

  it('falls silent when nothing comes any more', async () => {
    const broker = await passwordBroker(workshop, all);
    await broker.start();
    const of = device(broker.port, 'serialbattery-json', { topic: 'shed' }, { staleAfter: 0.6 });
    const pack = source(inputsOf(), of);
    await until('a message is taken', async () => {
      publish(broker.port, 'shed', '{"voltage":13.2}');
      return !('code' in (await polled(pack)));
    });
    const said = await until('it is silent', async () => {
      const each = await polled(pack);
      return 'code' in each ? each : undefined;
    });
    expect(said).toMatchObject({ code: 'silent', endsFreshness: true });
  });
});
