import type { Command } from 'commander';

/** Machines that are halted over an API, for people without them. */
const KINDS = {
  talos: 'a Talos node that is halted over its API',
  proxmox: 'a Proxmox VE node with two guests that is halted over its API',
} as const;

export type HostKind = keyof typeof KINDS;

export function addEmulatedHosts(emulate: Command, exit: (status: number) => void): void {
  for (const kind of Object.keys(KINDS) as HostKind[])
    emulate
      .command(kind)
      .description(KINDS[kind])
      .option('--dir <folder>', 'where its certificates and secrets go; a new temporary folder when absent')
      .addHelpText('after', `\nPrints a halt: for the configuration.\nExample: holdover emulate ${kind}`)
      .action(async ({ dir }: { dir?: string }) =>
        exit(await (await import('./emulate-host.ts')).emulateHost(kind, dir)),
      );
}
