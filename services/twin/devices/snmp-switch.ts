import { createSocket, type Socket } from 'node:dgram';
import type { World, WorldPort } from '../model.ts';
import type { PluggableHandle } from './plug.ts';
import { type AgentColumn, type AgentTable, agentTables } from './snmp-tables.ts';

export interface SnmpSwitchOptions {
  readonly host?: string;
  /** A free one when absent. */
  readonly port?: number;
  /** May read; `public` when absent. */
  readonly readCommunity?: string;
  /** May read and write; `private` when absent. */
  readonly writeCommunity?: string;
  /** Adds Netgear's private table with watts per port; `none` leaves RFC 3621 alone. `netgear` when absent. */
  readonly portWatts?: 'netgear' | 'none';
}

/** A managed PoE switch: RFC 3621 and, like a Netgear M4300, a private table with milliwatts, over SNMP v2c. */
export async function serveSnmpSwitch(
  world: World,
  options: SnmpSwitchOptions = {},
): Promise<PluggableHandle & { readonly port: number }> {
  const { host = '127.0.0.1', readCommunity = 'public', writeCommunity = 'private' } = options;
  const { default: snmp } = await import('net-snmp');
  let plugged = true;
  const hears = () => plugged && world.switch.powered && !world.faults.silent.has('switch');
  const socket = createSocket('udp4');
  const agent = snmp.createAgent(
    {
      address: host,
      // the library takes 0 for 161, so the socket below is bound by us
      port: options.port ?? 161,
      accessControlModelType: snmp.AccessControlModelType.Simple,
      dgramModule: { createSocket: () => agentSocket(socket, hears) },
    },
    () => undefined, // wrong communities and garbage are not answered
  );
  const authorizer = agent.getAuthorizer();
  for (const community of [readCommunity, writeCommunity]) authorizer.addCommunity(community);
  authorizer.getAccessControlModel().setCommunityAccess(writeCommunity, snmp.AccessLevel.ReadWrite);
  agentTables(agent, snmp, [...standardTables(world), ...(options.portWatts === 'none' ? [] : [netgearTable(world)])]);
  const port = await bound(socket, options.port ?? 0, host);
  return {
    name: 'switch',
    address: `${host}:${port}`,
    port,
    unplug: async () => {
      plugged = false;
    },
    replug: async () => {
      plugged = true;
    },
    close: () =>
      new Promise((resolve) => {
        socket.once('close', resolve);
        socket.close();
      }),
  };
}

const bound = (socket: Socket, port: number, host: string): Promise<number> =>
  new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(port, host, () => {
      socket.off('error', reject);
      socket.on('error', () => undefined);
      resolve(socket.address().port);
    });
  });

/** The socket as the agent gets it: deaf while the switch is, not bound by it, and no datagram can end the process. */
function agentSocket(socket: Socket, hears: () => boolean): Pick<Socket, 'bind' | 'on' | 'send' | 'close'> {
  return {
    bind: () => socket,
    send: socket.send.bind(socket),
    close: (done) => socket.close(done),
    on: (event: string, listener: (...args: never[]) => void) =>
      event === 'message'
        ? socket.on('message', (...args) => {
            if (!hears()) return;
            try {
              (listener as (...args: unknown[]) => void)(...args);
            } catch {
              // nonsense is not answered
            }
          })
        : socket,
  } as Pick<Socket, 'bind' | 'on' | 'send' | 'close'>;
}

const DETECTION = { disabled: 1, searching: 2, delivering: 3, fault: 4 } as const;
const TRUE = 1;
const FALSE = 2;

const enumeration = (number: number, name: string, get: (port: WorldPort) => number): AgentColumn<WorldPort> => ({
  number,
  name,
  type: 'Integer32',
  get,
});
const counter = (number: number, name: string, get: (port: WorldPort) => number = () => 0): AgentColumn<WorldPort> => ({
  number,
  name,
  type: 'Counter32',
  get,
});

/** POWER-ETHERNET-MIB, one group. The same objects as RFC 3621 lists, in its order. */
function standardTables(world: World): AgentTable[] {
  const { switch: poe } = world;
  const ports: AgentTable<WorldPort> = {
    name: 'pethPsePort',
    entry: '1.3.6.1.2.1.105.1.1.1',
    index: ['pethPsePortGroupIndex', 'pethPsePortIndex'],
    rows: () => poe.ports.map((port) => ({ index: [1, port.index], row: port })),
    columns: [
      {
        ...enumeration(3, 'pethPsePortAdminEnable', ({ enabled }) => (enabled ? TRUE : FALSE)),
        legal: [TRUE, FALSE],
        set: ({ port }, value) => {
          if (!world.faults.switchDisobeys) poe.setEnabled(port, value === TRUE);
        },
      },
      enumeration(4, 'pethPsePortPowerPairsControlAbility', () => FALSE),
      enumeration(5, 'pethPsePortPowerPairs', () => 1),
      enumeration(6, 'pethPsePortDetectionStatus', ({ state }) => DETECTION[state]),
      {
        ...enumeration(7, 'pethPsePortPowerPriority', ({ priority }) => priority),
        legal: [1, 2, 3],
        set: ({ port }, value) => {
          if (!world.faults.switchDisobeys) poe.setPriority(port, value === 1 ? 1 : value === 2 ? 2 : 3);
        },
      },
      counter(8, 'pethPsePortMPSAbsentCounter'),
      { number: 9, name: 'pethPsePortType', type: 'OctetString', get: ({ hostId }) => hostId ?? '' },
      enumeration(10, 'pethPsePortPowerClassifications', ({ poeClass }) => Math.min(4, poeClass) + 1),
      counter(11, 'pethPsePortInvalidSignatureCounter'),
      counter(12, 'pethPsePortPowerDeniedCounter', ({ deniedCount }) => deniedCount),
      counter(13, 'pethPsePortOverLoadCounter'),
      counter(14, 'pethPsePortShortCounter'),
    ],
  };
  const supply: AgentTable<World['switch']> = {
    name: 'pethMainPse',
    entry: '1.3.6.1.2.1.105.1.3.1.1',
    index: ['pethMainPseGroupIndex'],
    rows: () => [{ index: [1], row: poe }],
    columns: [
      { number: 2, name: 'pethMainPsePower', type: 'Gauge32', get: ({ budgetW }) => Math.round(budgetW) },
      { number: 3, name: 'pethMainPseOperStatus', type: 'Integer32', get: () => 1 },
      { number: 4, name: 'pethMainPseConsumptionPower', type: 'Gauge32', get: ({ drawnW }) => Math.round(drawnW) },
      { number: 5, name: 'pethMainPseUsageThreshold', type: 'Integer32', get: () => 90 },
    ],
  };
  return [ports as AgentTable, supply as AgentTable];
}

/** Port voltage of a type 2 switch, V. */
const PORT_V = 53.8;

/** FASTPATH-POWER-ETHERNET-MIB agentPethPsePortTable: limit and output mW, mA, mV, °C. */
function netgearTable({ switch: poe }: World): AgentTable {
  const gauge = (number: number, name: string, get: (port: WorldPort) => number): AgentColumn<WorldPort> => ({
    number,
    name,
    type: 'Gauge32',
    get: (port) => Math.round(get(port)),
  });
  const volts = ({ state }: WorldPort) => (state === 'delivering' ? PORT_V : 0);
  const table: AgentTable<WorldPort> = {
    name: 'agentPethPsePort',
    entry: '1.3.6.1.4.1.4526.10.15.1.1.1',
    index: ['agentPethPsePortGroupIndex', 'agentPethPsePortIndex'],
    rows: () => poe.ports.map((port) => ({ index: [1, port.index], row: port })),
    columns: [
      gauge(1, 'agentPethPowerLimit', () => 30_000),
      gauge(2, 'agentPethOutputPower', ({ powerW }) => powerW * 1000),
      gauge(3, 'agentPethOutputCurrent', ({ powerW }) => (powerW / PORT_V) * 1000),
      gauge(4, 'agentPethOutputVolts', (port) => volts(port) * 1000),
      gauge(5, 'agentPethTemperature', () => 41),
    ],
  };
  return table as AgentTable;
}
