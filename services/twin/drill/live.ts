import type { DrillOptions } from './drill.ts';

/** What a drill takes from a service that runs. */
export interface LiveRack {
  readonly rack: {
    readonly bank: {
      readonly socRatio?: number | undefined;
      readonly socSigma?: number | undefined;
      readonly packs?: Readonly<Record<string, { readonly socRatio: number }>> | undefined;
    };
    readonly packs: Readonly<Record<string, unknown>>;
  };
  readonly coordinator: {
    readonly schedule: { readonly loadW: number };
    readonly hosts: readonly { readonly id: string; readonly powerW?: number | undefined }[];
  };
}

/** Charge, how well it is known, and draws, as the service sees them now. */
export function liveOf({
  rack,
  coordinator,
}: LiveRack): Pick<DrillOptions, 'socRatio' | 'socSigma' | 'hostW' | 'loadW'> {
  const { socRatio, socSigma, packs: counted } = rack.bank;
  const { hosts, schedule } = coordinator;
  return {
    // A pack that is silent is taken for one like the others.
    socRatio:
      socRatio === undefined
        ? {}
        : Object.fromEntries(Object.keys(rack.packs).map((id) => [id, counted?.[id]?.socRatio ?? socRatio])),
    ...(socSigma === undefined ? {} : { socSigma }),
    hostW: Object.fromEntries(hosts.flatMap(({ id, powerW }) => (powerW === undefined ? [] : [[id, powerW]]))),
    loadW: schedule.loadW,
  };
}
