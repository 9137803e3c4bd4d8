import { BridgeError } from '#bridge';
import type { PortControl } from '../../../services/poe/port-control.ts';
import type { Clock } from '../../../services/runtime/clock.ts';
import type { TroubledRack } from '../whole/troubled-rack.ts';

/** What a switch's driver would be: the ports of the rack, read and written late, or not at all. */
export function fakePorts(id: string, rack: TroubledRack, clock: Clock, fails: () => boolean): PortControl {
  const reach = async (): Promise<void> => {
    await clock.sleep(150);
    const dead = rack.restarting(id) || (rack.bank.open && !rack.mains);
    if (dead || fails()) throw new BridgeError('timeout', id, 'no answer');
  };
  return {
    name: id,
    read: async () => {
      await reach();
      return { ports: rack.switchSample(id, undefined).ports };
    },
    write: async (ports, enabled) => {
      await reach();
      for (const port of ports) rack.setPort(`${id}/${port}`, enabled);
      return new Map();
    },
    close: () => Promise.resolve(),
  };
}
