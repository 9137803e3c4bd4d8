import type { Command } from 'commander';
import type { SwitchKind } from '../twin/devices/switches/index.ts';
import { between } from './numbers.ts';

/** Switches that `emulate` plays besides the one on SNMP; the same kinds as `SWITCHES` of the twin, loaded only when needed. */
const KINDS = {
  'poe-mikrotik': 'a MikroTik switch on its REST interface',
  'poe-openwrt': 'an OpenWrt switch with the realtek-poe daemon, on ubus',
  'poe-netgear': 'a Netgear GS308EPP by its web pages: eight ports',
  'poe-netgear-316': 'a Netgear GS316EPP by its web pages: fifteen ports',
  'poe-unifi': 'a UniFi console with one switch, by its older interface',
  'poe-unifi-api': 'the same console by the official interface, which only reads',
  'poe-broadcom': 'the microcontroller of a switch with Broadcom PSE chips, on a serial line',
  'poe-realtek': 'the same with Realtek PSE chips',
  'poe-modbus': 'a switch on Modbus TCP with a map of its own',
} as const satisfies Record<SwitchKind, string>;

/** Those with a port for every machine of the demonstration's rack, and a way to switch it. */
export const RACK_SWITCHES = (Object.keys(KINDS) as SwitchKind[]).filter(
  (kind) => !kind.startsWith('poe-netgear') && kind !== 'poe-unifi-api',
);

export function addEmulatedSwitches(emulate: Command, exit: (status: number) => void): void {
  for (const [kind, what] of Object.entries(KINDS)) {
    const command = emulate
      .command(kind)
      .description(what)
      .option('--host <address>', 'where to listen', '127.0.0.1')
      .option('--port <port>', 'a free one when absent', between(0, 65_535))
      .option('--dir <folder>', 'where its secret goes; a new temporary folder when absent')
      .option('--fast <factor>', 'run the world this many times faster', between(1, 60), 1)
      .option('--outage-after <seconds>', 'world time until mains fails; never when absent', between(1, 86_400))
      .addHelpText('after', `\nPrints an entry for switches: of the configuration.\nExample: holdover emulate ${kind}`);
    if (kind === 'poe-broadcom' || kind === 'poe-realtek')
      command
        .option('--path <device>', 'serial port or pty to answer on, instead of TCP')
        .option('--pty', 'make a pair of ptys, needs socat; prints the end to ask on');
    command.action(async (options) =>
      exit(await (await import('./emulate-switch.ts')).emulateSwitch(kind as SwitchKind, options)),
    );
  }
}
